"""A shop's webhook endpoint on this machine: it keeps what it was sent, and answers as a test wants it to."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from runtime.addresses import http_address

Reply = tuple[int, bytes]  # a status, and a body or what else comes behind the first line
HANG, HANG_UP = (0, b"hang"), (0, b"hang up")


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass
class Receiver:
    """`reply` decides about each message; `extra` are header lines of each answer."""

    host: str = "127.0.0.1"
    port: int = 0
    reply: Callable[[Received], Reply] = lambda _: (204, b"")
    extra: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{http_address(self.host, self.port)}/hook"

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        message = Received(first.split()[1], headers, body)
        self.received.append(message)
        reply = self.reply(message)
        self.news.set()
        if reply == HANG:
            await asyncio.sleep(3_600)
        if reply == HANG_UP:
            return False
        status, text = reply
        writer.write(
            f"HTTP/1.1 {status} X\r\n{self.extra}content-length: {len(text)}\r\n\r\n".encode() + text
        )
        await writer.drain()
        return True


@asynccontextmanager
async def receiving(*, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver(**options)
    server = await asyncio.start_server(receiver.serve, receiver.host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in receiver.serving:
            task.cancel()
        await asyncio.gather(*receiver.serving, return_exceptions=True)
