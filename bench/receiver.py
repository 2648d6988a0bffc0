"""A shop's webhook endpoint that takes everything, or hangs: `python -m bench.receiver PORT [hang]`."""

import asyncio
import sys
from typing import cast

import uvloop

TAKEN = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"


class Taking(asyncio.Protocol):
    """One message at a time on a kept connection."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not derive from it

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if end and len(body) >= length:
            self._got = b""
            if head.startswith(b"GET") or not self._hangs:
                self._transport.write(TAKEN.replace(b"204 No Content", b"200 OK"))


async def serve(port: int, *, hangs: bool) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Taking(hangs=hangs), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), hangs="hang" in sys.argv[2:]))
