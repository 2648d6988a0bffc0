"""How a request arrives: its head (its line and headers) within bytes, all of it within time.

uvicorn reads a head of any length, and waits for ever for the rest of a request. A proxy in front bounds both too; this
is for who has none, and for what gets past it.
"""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_BYTES = 32_768  # of a head; a bearer token has 8 KB at most
MOST_HEADERS = 100
PATIENCE = 15.0  # seconds for a whole request, and for the first byte on a new connection
BODY = b'{"errors":[{"message":"%s","extensions":{"code":"%s"}}]}'
ANSWER = (
    b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%s"
)


class _Unbounded(Exception):
    """Ends the parsing; the parser tells it as broken HTTP."""


class BoundedArrival(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, which answers 431 to a head that is too large (RFC 6585) and 408 to a request that doesn't
    come whole (RFC 9110, 15.5.9), and closes the connection."""

    patience = PATIENCE

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = self._is_coming = True
        self._head_bytes = 0
        self._due: TimerHandle | None = self.loop.call_later(self.patience, self._give_up)

    def data_received(self, data: bytes) -> None:
        began_before = self._in_head
        super().data_received(data)
        if not self._is_coming or self.transport.is_closing():
            return
        if self._in_head and began_before:  # of a header without an end the parser says nothing
            self._head_bytes += len(data)
        if self._is_too_large():
            self._refuse()
        elif self._due is None:
            self._due = self.loop.call_later(self.patience, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._is_coming = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_coming = False
        self._forget_timer()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._is_coming = False
        self._forget_timer()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large():
            self._refuse()
        else:
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._is_too_large():
            raise _Unbounded

    def _is_too_large(self) -> bool:
        return self._head_bytes > MOST_BYTES or len(self.headers or ()) > MOST_HEADERS

    def _refuse(self) -> None:
        message = f"A request's line and headers have at most {MOST_BYTES} bytes, in {MOST_HEADERS} headers."
        self._answer(b"431 Request Header Fields Too Large", message, b"HEADERS_TOO_LARGE")

    def _give_up(self) -> None:
        self._due = None
        if self.flow.read_paused:  # it is we who don't read: the request waits for its turn behind another
            self._due = self.loop.call_later(self.patience, self._give_up)
        elif not self.transport.is_closing():
            message = f"The request did not come whole within {self.patience:g} seconds."
            self._answer(b"408 Request Timeout", message, b"TIMEOUT")

    def _answer(self, status: bytes, message: str, code: bytes) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        # An application that has not answered yet may be in the middle of it.
        if cycle is None or cycle.response_complete:
            body = BODY % (message.encode(), code)
            self.transport.write(ANSWER % (status, len(body), body))
        self.transport.close()

    def _forget_timer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
