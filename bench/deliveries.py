"""Events to the shop: 1,000 paid orders in a burst beside an endpoint that hangs, and what payments feel of it."""

import json
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from bench.machine import KEYS, LOAD_CORE, Process, free_port, python
from bench.stage import Stage, operation, stage
from services.identity.tokens import issue_token

BURST = 1_000
PACE = 40.0  # createPaymentIntent a second
ROUNDS, SECONDS = 5, 6.0
EVENTS_A_SECOND = 50.0  # in the rounds with deliveries
CREATE = (
    "mutation($url: String!) { createWebhookEndpoint(input: {url: $url, types: [ORDER_PAID]}) "
    "{ __typename ... on UserError { message } } }"
)
SOME = (
    "UPDATE orders SET status = 'paid' WHERE id IN (SELECT id FROM orders WHERE user_id = 'events' AND "
    "status = 'pending' LIMIT 1)"
)
ADD = (
    "INSERT INTO orders (id, user_id, currency, created_at) SELECT gen_random_uuid(), 'events', 'USD',"
    " now() - interval '1 day' FROM generate_series(1, %s)"
)
LEFT = (
    "SELECT count(*) FILTER (WHERE status = 'delivered'), max(extract(epoch FROM delivered_at - e.created_at))"
    " FROM webhook_deliveries d JOIN shop_events e ON e.id = d.event_id"
    " JOIN webhook_endpoints p ON p.id = d.endpoint_id WHERE p.url LIKE %s"
)


@dataclass(frozen=True)
class Deliveries:
    """`seconds` from the first commit of the burst to the last answer; `a_second` with the commits done before;
    `slowest` event of the burst, seconds; `microseconds` of the server's CPU each. `p99_alone` and `p99_beside` are
    createPaymentIntent's, ms: the median of rounds that take turns.
    """

    burst: int
    seconds: float
    slowest: float
    microseconds: float
    a_second: float
    p99_alone: float
    p99_beside: float
    median_alone: float
    median_beside: float


def deliveries() -> Deliveries:
    fresh = int(PACE * SECONDS * (2 * ROUNDS + 1)) + 100
    with (
        stage(fresh) as on,
        receiver() as well,
        receiver("hang") as dead,
        on.server(WEBHOOKS_TO_PRIVATE_NETWORKS="true") as server,
    ):
        url = on.environment["DATABASE_URL"]
        for port in (well, dead):
            ask(server, CREATE, url=f"http://127.0.0.1:{port}/hook")
        pay(on, server)  # to warm it
        seconds, slowest, microseconds = burst(url, server, well)
        a_second = backlog(url, well)
        alone: list[tuple[float, float]] = []
        beside: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            alone.append(pay(on, server))
            with events_come(url):
                beside.append(pay(on, server))
        return Deliveries(
            BURST,
            seconds,
            slowest,
            microseconds,
            a_second,
            statistics.median(p99 for _, p99 in alone),
            statistics.median(p99 for _, p99 in beside),
            statistics.median(middle for middle, _ in alone),
            statistics.median(middle for middle, _ in beside),
        )


@contextmanager
def receiver(*words: str) -> Iterator[int]:
    port = free_port()
    with python("-m", "bench.receiver", str(port), *words, env={}, port=port, core=LOAD_CORE):
        yield port


def ask(server: Process, query: str, **variables: str) -> None:
    token = issue_token(
        secret=KEYS["JWT_SECRET"], user_id="shopkeeper", role="merchant", lifetime=timedelta(hours=1)
    )
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    request = urllib.request.Request(  # noqa: S310  our own
        f"{server.base}/graphql", operation(query, **variables).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  our own
        told = json.loads(answer.read())
    assert "NewWebhookEndpoint" in str(told), told  # noqa: S101


def pay(on: Stage, server: Process) -> tuple[float, float]:
    """The median and the p99, ms, at a steady pace."""
    outcome = on.pay(server, SECONDS, count=int(PACE * SECONDS), per_second=PACE)
    assert outcome.good == outcome.done, outcome.other[:1]  # noqa: S101
    return outcome.median, outcome.quantile(0.99)


def burst(url: str, server: Process, port: int) -> tuple[float, float, float]:
    """Each order is paid in a transaction of its own, as fast as they are committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ADD, [BURST])
        before, cpu, began = delivered(connection, port), server.cpu(), time.perf_counter()
        for _ in range(BURST):
            connection.execute(SOME)
        until_delivered(connection, port, before + BURST)
        seconds, spent = time.perf_counter() - began, server.cpu() - cpu
        row = connection.execute(LEFT, [f"%:{port}/hook"]).fetchone()
    return seconds, float(row[1]) if row else 0.0, spent * 1e6 / BURST


def backlog(url: str, port: int) -> float:
    """Deliveries a second when all are due at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ADD, [BURST])
        before, began = delivered(connection, port), time.perf_counter()
        connection.execute(
            "UPDATE orders SET status = 'paid' WHERE user_id = 'events' AND status = 'pending'"
        )
        until_delivered(connection, port, before + BURST)
        return BURST / (time.perf_counter() - began)


def delivered(connection: psycopg.Connection, port: int) -> int:
    row = connection.execute(LEFT, [f"%:{port}/hook"]).fetchone()
    return int(row[0]) if row else 0


def until_delivered(connection: psycopg.Connection, port: int, count: int) -> None:
    ends = time.perf_counter() + 300
    while delivered(connection, port) < count:
        assert time.perf_counter() < ends, "not delivered within five minutes"  # noqa: S101
        time.sleep(0.05)


@contextmanager
def events_come(url: str) -> Iterator[None]:
    """Orders are paid at a steady pace until the block ends."""
    over = threading.Event()

    def come() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ADD, [int(EVENTS_A_SECOND * SECONDS * 2)])
            while not over.wait(1 / EVENTS_A_SECOND):
                connection.execute(SOME)

    thread = threading.Thread(target=come)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def lines_of(found: Deliveries) -> list[str]:
    return [
        f"{found.burst} paid orders in a burst, beside an endpoint that hangs: delivered within {found.seconds:.1f} s,"
        f" the slowest {found.slowest:.2f} s after its commit",
        f"{found.a_second:.0f} deliveries a second from a backlog; {found.microseconds:.0f} µs of CPU each",
        f"createPaymentIntent at {PACE:.0f} a second: median {found.median_alone:.1f} ms, p99 {found.p99_alone:.1f};"
        f" beside {EVENTS_A_SECOND:.0f} events a second {found.median_beside:.1f} and {found.p99_beside:.1f}",
    ]
