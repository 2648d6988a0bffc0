"""What a hostile client may do with frames that are no messages, and with answers that it doesn't read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from websockets.frames import Frame

from runtime.http_edge import MOST_BYTES
from runtime.socket_edge import FRAMES_SAVED, PIECE, BoundedFrames
from settings import Settings
from tests.edges import HANDSHAKE, frame, listening

PING, PONG, TEXT, BEGINNING, PART = 0x89, 0x8A, 0x81, 0x01, 0x00
SMALLEST = 6  # bytes of a client's frame
ONE_PACKET = 256_000 // SMALLEST  # frames in all that one reading may take


class Watched(BoundedFrames):
    reading_patience = 0.2
    high_water: int | None = None
    read = 0
    lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        if self.high_water:
            transport.set_write_buffer_limits(self.high_water)
        super().connection_made(transport)

    def handle_ping(self) -> None:
        type(self).read += 1
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        type(self).read += 1
        super().handle_pong(event)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        type(self).lost.set()


def watched(high_water: int | None = None) -> type[Watched]:
    """A class of a test's own, which counts for it."""

    class Own(Watched):
        pass

    Own.high_water = high_water
    return Own


async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


@asynccontextmanager
async def opened(
    app: Any, kind: type[Watched], **options: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    kind.lost = asyncio.Event()
    async with listening(app, ws=kind, ws_max_size=100_000, ws_per_message_deflate=False, **options) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        writer.write(HANDSHAKE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def code_of_end(reader: asyncio.StreamReader) -> int:
    """Behind the answers to pings."""
    while (head := await reader.readexactly(2))[0] != 0x88:
        await reader.readexactly(head[1])
    return int.from_bytes(await reader.readexactly(2))


@pytest.mark.parametrize("kind", [PING, PONG, TEXT, PART])
async def test_who_pours_frames_loses_the_socket(kind: int) -> None:
    async with opened(quiet, watched()) as (reader, writer):
        if kind == PART:
            writer.write(frame(BEGINNING, b""))
        writer.write(frame(kind, b"") * ONE_PACKET)
        async with asyncio.timeout(10):
            assert await code_of_end(reader) == 4429


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_what_comes_at_once_is_not_read_beyond_what_is_allowed(kind: int) -> None:
    own = watched()
    async with opened(quiet, own) as (reader, writer):
        writer.write(frame(kind, b"") * ONE_PACKET)
        async with asyncio.timeout(10):
            await code_of_end(reader)
    assert FRAMES_SAVED <= own.read <= 1.5 * FRAMES_SAVED + PIECE // SMALLEST


async def test_frames_in_ordinary_numbers_pass() -> None:
    async with opened(quiet, watched()) as (reader, writer):
        writer.write(frame(PONG, b"unasked") * 1_000 + frame(PING, b"still there?"))
        async with asyncio.timeout(10):
            assert await reader.readexactly(14) == frame(PONG, b"still there?", masked=False)


async def much(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(300):
        await send({"type": "websocket.send", "bytes": b"x" * 100_000})
    await send({"type": "websocket.close", "code": 1000})
    await receive()


@pytest.mark.parametrize("high_water", [1, 100_000_000], ids=["more than the buffers", "less, and closed"])
async def test_who_does_not_read_is_cut_off(high_water: int) -> None:
    own = watched(high_water)
    async with opened(much, own):
        await asyncio.wait_for(own.lost.wait(), 20)


async def test_who_answers_no_ping_and_reads_nothing_is_cut_off() -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(300):
            await send({"type": "websocket.send", "bytes": b"x" * 100_000})
        await receive()

    own = watched(100_000_000)
    async with opened(endless, own, ws_ping_interval=0.2, ws_ping_timeout=0.2):
        await asyncio.wait_for(own.lost.wait(), 20)


async def test_a_handshake_may_have_as_long_a_header_as_any_request() -> None:
    """As the cookies of a page that has many."""
    cookies = b"cookie: " + b"x" * (MOST_BYTES - 1_000) + b"\r\n\r\n"
    async with listening(quiet, ws=watched()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE[:-2] + cookies)
        async with asyncio.timeout(10):
            assert b" 101 " in await reader.readline()
        writer.transport.abort()


def test_the_server_uses_it() -> None:
    config = Config(quiet, **Settings().server_options)
    config.load()
    assert config.ws_protocol_class is BoundedFrames
