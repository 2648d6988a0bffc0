"""How a WebSocket's frames arrive and leave: so few that reading them keeps nobody waiting, and read by the client.

uvicorn reads all that has come in one go, at some 8 µs a frame: a quarter of a megabyte of empty frames stops a process
for 300 ms. Pings, pongs and parts of a message are no messages yet, so nothing else counts them.
"""

import os
from asyncio import TimerHandle
from asyncio.transports import BaseTransport
from typing import Any

from runtime.http_edge import MOST_BYTES, READING_PATIENCE

# isort: split
# Read once, when websockets is imported: its own 8 KB a line are less than all cookies of a page may have.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(MOST_BYTES))

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

PIECE = 2_048  # bytes that are read before the frames in them are counted
FRAMES_PER_SECOND = 400.0  # of one socket
FRAMES_SAVED = 2_000.0  # that a quiet one may send at once, as a large message in small parts
TOO_MANY_MESSAGES = 4429  # graphql-ws gives up after it


class _TooManyFrames(Exception):
    """Ends the reading of what has come."""


class BoundedFrames(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which ends with 4429 for who sends more frames than anybody needs, and is cut off where the
    client doesn't read what was written, or that it is closed."""

    reading_patience = READING_PATIENCE

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._frames_left = FRAMES_SAVED
        self._counted_at = self.loop.time()
        self._unread: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        try:
            for start in range(0, len(data), PIECE):
                super().data_received(data[start : start + PIECE])
                if self.transport.is_closing():
                    break
        except _TooManyFrames:
            self._refuse()
        if self.transport.is_closing():
            self._cut_off_later()

    def handle_cont(self, event: Frame) -> None:
        self._count()
        super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        self._count()
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self._count()
        super().handle_bytes(event)

    def handle_ping(self) -> None:
        self._count()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count()
        super().handle_pong(event)

    def _count(self) -> None:
        now = self.loop.time()
        earned = (now - self._counted_at) * FRAMES_PER_SECOND
        self._counted_at = now
        self._frames_left = min(FRAMES_SAVED, self._frames_left + earned) - 1
        if self._frames_left < 0:
            raise _TooManyFrames

    def _refuse(self) -> None:
        self.stop_keepalive()
        self.conn.fail(TOO_MANY_MESSAGES, "Too many frames.")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def pause_writing(self) -> None:
        """What was written waits for a client that doesn't read; closing would wait for it too."""
        super().pause_writing()
        self._cut_off_later()

    def resume_writing(self) -> None:
        if not self.close_sent:
            self._forget_unread()
        super().resume_writing()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_off_later()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.close_sent:
            self._cut_off_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_unread()
        super().connection_lost(exc)

    def _cut_off_later(self) -> None:
        """`connection_lost` follows it, and comes earlier where the client reads."""
        if self._unread is None and not self.disconnected:
            self._unread = self.loop.call_later(self.reading_patience, self.transport.abort)

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
