"""Webhooks that make orders PAID in front of Stripe's limit: alone, beside those who poll, and beside followers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg

from bench.load import Job
from bench.machine import LOAD_CORE, ROOT, Process
from bench.pressure import read, signed_event
from bench.sale import LATENCY, LIMIT, PAY, quantile, token
from bench.stage import Stage, load, stage
from bench.waiting import Job as WaitingJob

EVENTS = 1_000
POLLERS, FOLLOWERS = 200, 2_000
BESIDE_A_SECOND, BESIDE_FOR = 5, 30
INTENTS = "SELECT order_id::text, intent_id FROM payments WHERE intent_id IS NOT NULL ORDER BY created_at"
PAID = (
    "SELECT p.intent_id, t.at FROM payment_transitions t JOIN payments p ON p.id = t.payment_id "
    "WHERE t.to_state = 'succeeded'"
)


@dataclass(frozen=True)
class Flood:
    """`ratio`: seconds until all were PAID, of those that the limit itself takes."""

    events: int
    paid: int
    ratio: float
    told_off: int
    busy: float


def flood(events: int = EVENTS) -> Flood:
    """As many webhooks within a second, and no other callers."""
    with with_intents(events) as (on, server, intents):
        named = [intent for _, intent in intents]
        pay(on, named)
        began = time.time()
        load(events_job(server, named, per_second=float(events)))
        done = paid(on, len(intents), patience=events / LIMIT * 4)
        stub = json.loads(read(f"{on.stripe.base}/stub"))
    last = max(done.values()) - began
    return Flood(events, len(done), last / (events / LIMIT), stub["refused"], os.getloadavg()[0])


@dataclass(frozen=True)
class Beside:
    """Seconds from a webhook to PAID, and ms of those who look; `refused` are payments asked for again."""

    pollers: int
    followers: int
    events: int
    paid: int
    paid_p50: float
    paid_p99: float
    again: int
    refused: int
    look_p99: float
    told_off: int
    busy: float


def beside(pollers: int, followers: int) -> Beside:
    """Five webhooks a second, while so many wait for news of other orders and some press Pay again."""
    events = BESIDE_A_SECOND * BESIDE_FOR
    with with_intents(events + pollers + followers + 20) as (on, server, intents):
        orders = [(order, token(f"shopper-{order}")) for order, _ in intents[events:]]
        job = WaitingJob(
            server.port,
            PAY,
            BESIDE_FOR + 10,
            orders[:pollers],
            orders[pollers : pollers + followers],
            orders[-20:],
        )
        with waiting(job) as process:
            named = [intent for _, intent in intents[:events]]
            pay(on, named)
            sent = time.time()
            load(events_job(server, named, per_second=float(BESIDE_A_SECOND)))
            done = paid(on, events, patience=60)
            found = json.loads(process.communicate()[0])
        stub = json.loads(read(f"{on.stripe.base}/stub"))
    took = [
        at - sent - number / BESIDE_A_SECOND
        for number, intent in enumerate(named)
        if (at := done.get(intent))
    ]
    again: dict[str, int] = found["again"]
    return Beside(
        pollers=pollers,
        followers=followers,
        events=events,
        paid=len(done),
        paid_p50=quantile(took, 0.5),
        paid_p99=quantile(took),
        again=sum(again.values()),
        refused=sum(again.values()) - again.get("PaymentIntent", 0),
        look_p99=found["look_p99"],
        told_off=stub["refused"],
        busy=os.getloadavg()[0],
    )


@contextmanager
def with_intents(orders: int) -> Iterator[tuple[Stage, Process, list[tuple[str, str]]]]:
    """A server at the limit, with so many open payments that were made before."""
    with stage(orders) as on:
        url = on.environment["DATABASE_URL"]
        with on.server(core=None) as quick:
            on.pay(quick, 3_600, count=orders, connections=8)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE orders SET user_id = 'shopper-' || id")
            intents = [(row[0], row[1]) for row in connection.execute(INTENTS).fetchall()]
            connection.execute("UPDATE payments SET looked_at = now() - interval '1 hour'")
        read(f"{on.stripe.base}/stub/slow/{LATENCY}")
        read(f"{on.stripe.base}/stub/limit/{LIMIT}")
        with on.server(core=None, STRIPE_CALLS_PER_SECOND=str(LIMIT)) as server:
            yield on, server, intents


def pay(on: Stage, intents: list[str]) -> None:
    """At Stripe, which sends no webhook by itself."""
    for intent in intents:
        read(f"{on.stripe.base}/stub/paid/{intent}")


def events_job(server: Process, intents: list[str], *, per_second: float) -> Job:
    calls = [signed_event(f"evt_{number:08d}", intent) for number, intent in enumerate(intents)]
    return Job(
        server.port,
        "/webhooks/stripe",
        calls,
        len(calls) / per_second,
        per_second=per_second,
        expect="received",
    )


def paid(on: Stage, count: int, *, patience: float) -> dict[str, float]:
    """When each intent was settled, seconds since 1970, once all are or the patience is over."""
    ends = time.time() + patience
    while True:
        with psycopg.connect(on.environment["DATABASE_URL"]) as connection:
            rows: list[tuple[str, datetime]] = connection.execute(PAID).fetchall()
        if len(rows) >= count or time.time() > ends:
            return {intent: at.timestamp() for intent, at in rows}
        time.sleep(0.25)


@contextmanager
def waiting(job: WaitingJob) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.waiting"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
    )
    try:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        process.stdin.write(json.dumps(asdict(job)))
        process.stdin.close()
        process.stdin = None
        assert process.stdout.readline() == "ready\n"  # noqa: S101
        yield process
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    scenes: dict[str, Callable[[], Flood | Beside]] = {
        "flood": flood,
        "pollers": lambda: beside(POLLERS, 0),
        "followers": lambda: beside(0, FOLLOWERS),
    }
    for each in sys.argv[1:] or scenes:
        found = scenes[each]()
        print(json.dumps(asdict(found), indent=1), flush=True)


if __name__ == "__main__":
    main()
