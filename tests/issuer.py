"""A real HTTP server on this machine that publishes an issuer's keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Issuer:
    """A key set server that answers what it is told, and counts."""

    def __init__(self, *keys: object) -> None:
        self.url = ""
        self.requests = 0
        self.headers: dict[str, str] = {}
        self.status = 200
        self.body = b""
        self.publish(*keys)
        self.asked = asyncio.Event()
        self.hold: asyncio.Event | None = None  # until it is set, nobody is answered

    def publish(self, *keys: object) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(
            body=self.body, status=self.status, headers={"Content-Type": "application/json", **self.headers}
        )


@asynccontextmanager
async def running_issuer(*keys: object) -> AsyncIterator[Issuer]:
    issuer = Issuer(*keys)
    app = web.Application()
    app.router.add_get("/jwks", issuer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    try:
        yield issuer
    finally:
        if issuer.hold is not None:
            issuer.hold.set()
        await runner.cleanup()
