"""A server behind `BoundedArrival` on a loopback port, and bytes sent to it as they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from runtime.http_edge import BoundedArrival

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


@asynccontextmanager
async def listening(
    app: Any, protocol: type[BoundedArrival] = BoundedArrival, **options: Any
) -> AsyncIterator[int]:
    """The port of the app's server, until the block ends."""
    quiet = {"port": 0, "lifespan": "off", "log_config": None, "log_level": "critical"}
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, **{**quiet, **options}))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def answer_to(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that the server says until it closes the connection, or has nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:  # it closed while we were still sending
        return b""
    finally:
        writer.close()


def frame(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """A frame of RFC 6455, its mask made of zeros; `first` is its first byte."""
    assert len(payload) < 126
    return bytes([first, len(payload) | (0x80 if masked else 0)]) + (b"\0" * 4 if masked else b"") + payload
