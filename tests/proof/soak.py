"""A shop under load, in bad weather, for as long as one likes."""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import httpx

from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from sandbox.http.errors import StripeError
from tests.client import CREATE_PAYMENT_INTENT, Client
from tests.proof.cluster import Cluster

RATE = 20  # orders a second
FAULTS = (
    "429",
    "409",
    "500; point=after",
    "502; point=after",
    "reset; point=before",
    "reset; point=after",
    "truncated",
)
METHODS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined", None)
CREATE_ORDER = """
mutation Order($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on Order { id } ... on UserError { code retryable } }
}
"""
CANCEL = "mutation($id: ID!) { cancelOrder(orderId: $id) { __typename ... on UserError { code retryable } } }"
TRIES = 40
AFTERMATH = 5.0  # seconds in which a restarted database may still be felt
AWAY = "SERVICE_UNAVAILABLE"


@dataclass
class Sample:
    """A worker at one moment: `rss` in bytes, `descriptors` that it has open."""

    rss: int
    descriptors: int


@dataclass
class Soak:
    """Orders are placed at RATE and mostly paid, while Stripe, the database and the workers fail."""

    client: Client
    sandbox: Sandbox
    cluster: Cluster
    server_pid: int
    product_id: UUID
    seed: int
    released: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    disasters: Counter[str] = field(default_factory=Counter)
    samples: defaultdict[int, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    restarted_at: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  no secret is made of it

    async def run(self, seconds: float) -> None:
        async with self._bad_weather(seconds), asyncio.TaskGroup() as customers:
            began = time.monotonic()
            for number in range(int(seconds * RATE)):
                await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
                customers.create_task(self._shops(f"customer-{number}"))
        self.sandbox.faults.clear()

    @asynccontextmanager
    async def _bad_weather(self, seconds: float) -> AsyncIterator[None]:
        work = (
            self._stripe_fails(),
            self._disasters_happen(min(60.0, seconds / 4)),
            self._workers_are_watched(),
        )
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _shops(self, user: str) -> None:
        item = {"productId": str(self.product_id), "quantity": self._random.randint(1, 3)}
        order = await self._ask(
            CREATE_ORDER, {"input": {"items": [item], "idempotencyKey": str(uuid4())}}, user
        )
        intent = await self._ask(CREATE_PAYMENT_INTENT, {"orderId": order["id"]}, user)
        self.released.add(intent["id"])
        method = self._random.choice(METHODS)
        if method:
            with suppress(StripeError):
                self.sandbox.pay(intent["id"], method)
        else:
            await self._ask(CANCEL, {"id": order["id"]}, user)

    async def _ask(self, operation: str, variables: dict[str, Any], user: str) -> dict[str, Any]:
        """The result, asked for again as `docs/clients.md` advises; a refusal to the end fails the run."""
        code = "never asked"
        for attempt in range(TRIES):
            try:
                code, result = read(await self.client.post(operation, variables, user=user))
            except httpx.TransportError:  # the worker died, or another is about to take the port
                code, result = "no answer", None
            self._count(code)
            if result is not None:
                return result
            await asyncio.sleep(min(1.0, 0.1 * 1.5**attempt) * self._random.uniform(0.5, 1.0))
        raise AssertionError(f"{user} was refused {TRIES} times, at last with {code}")

    def _count(self, code: str) -> None:
        self.answers[code] += 1
        explained = code != AWAY or time.monotonic() < self.restarted_at + AFTERMATH
        if not explained or code == "INTERNAL_SERVER_ERROR":
            self.unexplained.append(code)

    async def _stripe_fails(self) -> None:
        while True:
            await asyncio.sleep(self._random.uniform(0.2, 1.0))
            times = self._random.randint(1, 3)
            self.sandbox.faults.add(Rule(fault=parse_fault(self._random.choice(FAULTS)), times=times))
            self.disasters["faults"] += times

    async def _disasters_happen(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            self.disasters["database restarts"] += 1
            self.restarted_at = float("inf")
            await asyncio.to_thread(self.cluster.restart_at_once)
            self.restarted_at = time.monotonic()
            await asyncio.sleep(pause)
            self._kill_the_youngest_worker()

    def _kill_the_youngest_worker(self) -> None:
        """The oldest lives on, to be looked at for leaks."""
        workers = workers_of(self.server_pid)
        if len(workers) > 1:
            self.disasters["workers killed"] += 1
            os.kill(workers[-1], signal.SIGKILL)

    async def _workers_are_watched(self) -> None:
        while True:
            await asyncio.sleep(1)
            for pid in workers_of(self.server_pid):
                with suppress(OSError):
                    self.samples[pid].append(sample(pid))

    def growth(self) -> tuple[Sample, Sample]:
        """The worker that lived longest, after a quarter of its life and in the last quarter: medians."""
        life = max(self.samples.values(), key=len)
        quarter = max(1, len(life) // 4)
        return middle(life[quarter : 2 * quarter] or life), middle(life[-quarter:])


def read(answer: httpx.Response) -> tuple[str, dict[str, Any] | None]:
    """What was answered, in a word, and the result unless it is to be asked for again."""
    body = answer.json()
    if body.get("errors"):
        return body["errors"][0]["extensions"]["code"], None
    [result] = body["data"].values()
    if result.get("retryable"):
        return result["code"], None
    return result["__typename"], result


def middle(samples: list[Sample]) -> Sample:
    return Sample(int(median(s.rss for s in samples)), int(median(s.descriptors for s in samples)))


def sample(pid: int) -> Sample:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(pages * 4096, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def workers_of(server_pid: int) -> list[int]:
    """The processes that a server with several workers started to serve, oldest first."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == server_pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return sorted(found)
