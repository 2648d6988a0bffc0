"""What a server bears: a slow Stripe, a burst of webhooks, a steady trickle; and what it is at rest."""

import asyncio
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bench.load import Job, Outcome
from bench.machine import KEYS, Process, free_port, python, wait_for
from bench.quotas import QuotasUnavailable, held
from bench.stage import Stage, load, stage

POOL = 10
PART = 0.4  # of a core for the server: a thousand a second is more than the load and the database take on the other
IN_FLIGHT, STRIPE_TAKES = 300, 0.3
EVENTS = 1_000


@dataclass(frozen=True)
class Slow:
    """Creates a second; the `part` of a core that the server had, and what it used of a core."""

    per_second: float
    part: float
    busy: float
    other: int


def slow_stripe(seconds: float) -> Slow:
    with (
        stage(int(1_100 * seconds) + 1_000, latency=STRIPE_TAKES) as on,
        on.server(DATABASE_POOL_SIZE=str(POOL)) as server,
    ):
        on.pay(server, 1.0, count=1_000, connections=IN_FLIGHT)
        with held_if_possible(server.pid) as part:
            before = server.cpu()
            outcome = on.pay(server, seconds, count=int(1_100 * seconds), connections=IN_FLIGHT)
            busy = server.cpu() - before
    return Slow(
        per_second=outcome.done / outcome.seconds,
        part=part,
        busy=busy / outcome.seconds,
        other=outcome.done - outcome.good,
    )


@contextmanager
def held_if_possible(pid: int) -> Iterator[float]:
    """The part of a core that the process has then."""
    try:
        with held([pid], PART):
            yield PART
    except QuotasUnavailable:
        yield 1.0


@dataclass(frozen=True)
class Burst:
    """Until the 200 of each event, ms; how many were refused and how many stored; CPU µs of the server for each."""

    median: float
    p99: float
    refused: int
    stored: int
    microseconds: float


def events_of_others() -> Burst:
    """1,000 events within a second, about intents of another application on the account."""
    with stage(0) as on, on.server() as server:
        load(webhook_job(server, "warm", 200, 1.0))
        before = server.cpu()
        outcome = load(webhook_job(server, "burst", EVENTS, 1.0))
        spent = server.cpu() - before
        stored = asyncio.run(stored_events(on.environment["DATABASE_URL"]))
    return Burst(
        median=outcome.median,
        p99=outcome.quantile(0.99),
        refused=outcome.done - outcome.good,
        stored=stored,
        microseconds=spent * 1e6 / outcome.done,
    )


def webhook_job(server: Process, name: str, count: int, seconds: float) -> Job:
    calls = [signed_event(f"evt_{name}{number}", f"pi_{name}{number}") for number in range(count)]
    return Job(server.port, "/webhooks/stripe", calls, seconds, per_second=count / seconds, expect="received")


def signed_event(event_id: str, intent_id: str) -> tuple[str, dict[str, str]]:
    """https://docs.stripe.com/webhooks#verify-manually"""
    about = {"object": {"id": intent_id, "object": "payment_intent", "metadata": {"order_id": "8812"}}}
    head = {"id": event_id, "type": "payment_intent.created", "created": 1_760_000_000, "livemode": False}
    body, now = json.dumps({**head, "data": about}), int(time.time())
    signature = hmac.new(KEYS["STRIPE_WEBHOOK_SECRET"].encode(), f"{now}.{body}".encode(), hashlib.sha256)
    return body, {"stripe-signature": f"t={now},v1={signature.hexdigest()}"}


async def stored_events(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT count(*) FROM stripe_events")).fetchone()
        return row[0] if row else 0


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own
        body: bytes = answer.read()
    return body


@dataclass(frozen=True)
class Rest:
    """One worker: seconds from its start to `/readyz` 200; megabytes at rest and under load.

    `two_workers` is CPU for a request with two, as a part of that with one.
    """

    ready: float
    idle: float
    loaded: float
    two_workers: float


def at_rest(seconds: float) -> Rest:
    with stage(int(6_000 * seconds + 1_000)) as on:
        ready = sorted(start_up(on) for _ in range(5))[2]
        with on.server() as server:
            read(f"{server.base}/readyz")
            idle = server.memory()
            one = microseconds(on, server, seconds)
            loaded = server.memory()
        with on.server(WORKERS="2", core=None) as server:
            two = microseconds(on, server, seconds)
    return Rest(ready, idle, loaded, two / one)


def start_up(on: Stage) -> float:
    port, began = free_port(), time.perf_counter()
    with python("main.py", "serve", env={**on.environment, "PORT": str(port)}, port=port, core=None):
        wait_for(f"http://127.0.0.1:{port}/readyz", ok=True)
        return time.perf_counter() - began


def microseconds(on: Stage, server: Process, seconds: float) -> float:
    on.pay(server, 1.0, count=2_000)
    before = server.cpu()
    outcome: Outcome = on.pay(server, seconds, count=int(2_000 * seconds))
    return (server.cpu() - before) * 1e6 / outcome.done
