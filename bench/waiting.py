"""Those who wait for news of their orders: some ask again and again, some follow, some press Pay once more.

`python -m bench.waiting < job.json`; it says `ready` once all follow, and what it found after `seconds`.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.load import Connection
from bench.sale import quantile

LOOK = "query($id: ID!) { order(id: $id) { id status payments { status } } }"
FOLLOW = "subscription($id: ID!) { orderUpdated(orderId: $id) { id status } }"
EVERY = 2.0  # seconds between two looks of one who polls
AGAIN_A_SECOND = 5.0
AT_ONCE = 50


@dataclass
class Job:
    """Orders with the tokens of their owners: `polled`, `followed`, and those whose owners pay `again`."""

    port: int
    pay: str
    seconds: float
    polled: list[tuple[str, str]]
    followed: list[tuple[str, str]]
    again: list[tuple[str, str]]


@dataclass
class Found:
    """What the slowest look in a hundred took, ms; how often a payment was asked for again, by its answer's type."""

    looks: int = 0
    look_p99: float = 0.0
    again: dict[str, int] = field(default_factory=dict)
    heard: int = 0


class Waiting:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._idle: list[Connection] = []
        self._sockets: list[ClientConnection] = []
        self._took: list[float] = []
        self.found = Found()

    async def run(self) -> Found:
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._follow(gate, *each) for each in self._job.followed))
        print("ready", flush=True)
        tasks = [
            *(asyncio.create_task(self._poll(*each)) for each in self._job.polled),
            *(asyncio.create_task(self._hear(socket)) for socket in self._sockets),
            asyncio.create_task(self._pay_again()),
        ]
        await asyncio.sleep(self._job.seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.found.looks = len(self._took)
        self.found.look_p99 = quantile(self._took)
        return self.found

    async def _follow(self, gate: asyncio.Semaphore, order: str, token: str) -> None:
        async with gate:
            address = f"ws://127.0.0.1:{self._job.port}/graphql"
            socket = await connect(
                address,
                subprotocols=[Subprotocol("graphql-transport-ws")],
                open_timeout=60,
                ping_interval=None,
            )
            self._sockets.append(socket)
            await socket.send(
                json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
            )
            await socket.recv()
            payload = {"query": FOLLOW, "variables": {"id": order}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            await socket.recv()

    async def _hear(self, socket: ClientConnection) -> None:
        async for _ in socket:
            self.found.heard += 1

    async def _poll(self, order: str, token: str) -> None:
        await asyncio.sleep(random.uniform(0, EVERY))  # noqa: S311  they came at any time
        while True:
            took, _ = await self._post(LOOK, {"id": order}, token)
            self._took.append(took)
            await asyncio.sleep(EVERY)

    async def _pay_again(self) -> None:
        number = 0
        while self._job.again:
            order, token = self._job.again[number % len(self._job.again)]
            _, data = await self._post(self._job.pay, {"orderId": order}, token)
            kind = (data.get("createPaymentIntent") or {}).get("__typename", "error")
            self.found.again[kind] = self.found.again.get(kind, 0) + 1
            number += 1
            await asyncio.sleep(1 / AGAIN_A_SECOND)

    async def _post(self, query: str, variables: dict[str, str], token: str) -> tuple[float, dict[str, Any]]:
        body = json.dumps({"query": query, "variables": variables})
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{self._job.port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        loop = asyncio.get_running_loop()
        connection = (
            self._idle.pop()
            if self._idle
            else (await loop.create_connection(Connection, "127.0.0.1", self._job.port))[1]
        )
        began = time.perf_counter()
        _, answer = await connection.call(f"{head}{body}".encode())
        took = (time.perf_counter() - began) * 1e3
        self._idle.append(connection)
        data: dict[str, Any] = (json.loads(answer).get("data") if answer else None) or {}
        return took, data


async def run(job: Job) -> Found:
    return await Waiting(job).run()


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Job(**json.load(sys.stdin)))))))
