"""Customers of a sale, each with patience of their own and the retry code of docs/clients.md.

`python -m bench.shoppers < sale.json`. Beside them somebody places orders, and somebody looks whether the server lives.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

from bench.load import Connection

MOST_FAILURES = 5
PROBES_A_SECOND = 5.0


@dataclass
class Sale:
    """`shoppers` are an order, its token, and the second at which they come. `beside` is called all along."""

    port: int
    pay: str
    shoppers: list[tuple[str, str, float]]
    patience: float
    beside: tuple[str, str]  # the body and the token of `createOrder`
    is_proxied: bool = False  # each shopper has an address of their own, that a trusted proxy tells


@dataclass
class Shopper:
    """Seconds from the beginning of the sale; `served` is None for one who gave up."""

    came: float
    served: float | None = None
    asked: int = 0
    surprised: int = 0  # came back as told, and was sent away again


@dataclass
class Found:
    shoppers: list[Shopper] = field(default_factory=list)
    create_order: list[float] = field(default_factory=list)  # ms
    alive: list[float] = field(default_factory=list)  # ms
    answers: dict[str, int] = field(default_factory=dict)


class Market:
    def __init__(self, sale: Sale) -> None:
        self._sale = sale
        self._idle: list[Connection] = []
        self._began = time.perf_counter()
        self.found = Found()

    async def run(self) -> Found:
        probes = [
            asyncio.create_task(self._place_orders()),
            asyncio.create_task(self._look_whether_it_lives()),
        ]
        await asyncio.gather(*(self._shop(*each) for each in self._sale.shoppers))
        for probe in probes:
            probe.cancel()
        return self.found

    @property
    def _now(self) -> float:
        return time.perf_counter() - self._began

    async def _shop(self, order: str, token: str, at: float) -> None:
        await asyncio.sleep(at)
        shopper = Shopper(came=self._now)
        self.found.shoppers.append(shopper)
        body = json.dumps({"query": self._sale.pay, "variables": {"orderId": order}})
        address = address_of(len(self.found.shoppers)) if self._sale.is_proxied else None
        failures = 0
        while self._now - shopper.came < self._sale.patience and failures <= MOST_FAILURES:
            answer = await self._post(body, token, address=address)
            shopper.asked += 1
            kind = answer.get("__typename", "no answer")
            self.found.answers[kind] = self.found.answers.get(kind, 0) + 1
            if kind == "PaymentIntent":
                shopper.served = self._now
                return
            failures += kind != "RateLimited"
            shopper.surprised += kind == "RateLimited" and shopper.asked > 1
            seconds = answer.get("retryAfter") or 0.3 * 2**failures
            await asyncio.sleep(seconds + random.random() * min(1, seconds))  # noqa: S311  jitter

    async def _place_orders(self) -> None:
        body, token = self._sale.beside
        while True:
            began = time.perf_counter()
            answer = await self._post(body, token, field="createOrder")
            if answer.get("__typename") == "Order":
                self.found.create_order.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(1 / PROBES_A_SECOND)

    async def _look_whether_it_lives(self) -> None:
        while True:
            began = time.perf_counter()
            await self._send(f"GET /livez HTTP/1.1\r\nhost: 127.0.0.1:{self._sale.port}\r\n\r\n".encode())
            self.found.alive.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(1 / PROBES_A_SECOND)

    async def _post(
        self, body: str, token: str, field: str = "createPaymentIntent", *, address: str | None = None
    ) -> dict[str, Any]:
        forwarded = f"x-forwarded-for: {address}\r\n" if address else ""
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{self._sale.port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {token}\r\n{forwarded}content-length: {len(body)}\r\n\r\n"
        )
        status, answer = await self._send(f"{head}{body}".encode())
        try:
            return (json.loads(answer).get("data") or {}).get(field) or {
                "__typename": f"{status} {answer[:80]!r}"
            }
        except ValueError:
            return {"__typename": f"{status}"}

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        answer = await connection.call(request)
        self._idle.append(connection)
        return answer

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self._sale.port))[1]


def address_of(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


async def run(sale: Sale) -> Found:
    return await Market(sale).run()


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(run(Sale(**json.load(sys.stdin))))), sys.stdout)
