"""A flash sale in front of Stripe's limit: thousands who come within ten seconds and pay."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from bench.machine import KEYS, LOAD_CORE, ROOT
from bench.pressure import read
from bench.shoppers import Sale
from bench.stage import Stage, stage
from services.identity.tokens import issue_token

LIMIT = 25
LATENCY = 0.2
PAY = (
    "mutation CreatePaymentIntent($orderId: ID!) { createPaymentIntent(orderId: $orderId) { __typename "
    "... on PaymentIntent { id clientSecret } ... on RateLimited { retryAfter } "
    "... on PaymentProviderUnavailable { retryAfter } ... on UserError { code retryable } } }"
)
NOTED_ALONE = "SELECT count(*) FROM payer_addresses WHERE order_id NOT IN (SELECT order_id FROM payments)"
PLACE = "mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }"


@dataclass(frozen=True)
class SaleFigures:
    """`ratio`: until all were served, of the time that the limit itself takes. `in_order`: the rank correlation of
    arrival and service. `rows`: payments recorded beyond those of the served. `addresses`: payers who were noted
    at some moment without a payment, at most; 0 without a proxy. Times are ms, memory MB."""

    users: int
    ratio: float
    in_order: float
    calls_per_order: float
    rows: int
    addresses: int
    gave_up: int
    told_off: int
    refusals: float
    surprised: int
    create_order_p99: float
    alive_p99: float
    memory: float
    busy: float  # processes that wanted a core, on average


def sale(
    users: int,
    *,
    seconds: float = 10.0,
    patience: float = 3_600.0,
    workers: int = 1,
    is_proxied: bool = False,
) -> SaleFigures:
    """`is_proxied`: behind a proxy that is trusted, which tells an address for each of the shoppers."""
    settings = {
        "STRIPE_CALLS_PER_SECOND": str(LIMIT),
        "ORDERS_PER_MINUTE": "1000000",
        "WORKERS": str(workers),
        "TRUSTED_PROXIES": "127.0.0.1" if is_proxied else "",
    }
    with (
        stage(users, latency=LATENCY, per_second=LIMIT) as on,
        on.server(core=None, **settings) as server,
    ):
        url = on.environment["DATABASE_URL"]
        job = Sale(server.port, PAY, shoppers_of(on, url, seconds), patience, order_to_place(url), is_proxied)
        with sampled(server.memory) as memory, sampled(partial(noted_alone, url)) as noted:
            done = subprocess.run(
                [sys.executable, "-m", "bench.shoppers"],
                input=json.dumps(asdict(job)),
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
            )
        found = json.loads(done.stdout)
        stub = json.loads(read(f"{on.stripe.base}/stub"))
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM payments").fetchone()
    print(f"  answers: {found['answers']}", file=sys.stderr)
    return figures(users, found, stub, rows=row[0] if row else 0, noted=noted, memory=memory)


def figures(
    users: int,
    found: dict[str, Any],
    stub: dict[str, Any],
    *,
    rows: int,
    noted: list[float],
    memory: list[float],
) -> SaleFigures:
    served = sorted((each for each in found["shoppers"] if each["served"]), key=lambda each: each["served"])
    creates = stub["calls"].get("POST /v1/payment_intents", 0)
    return SaleFigures(
        users=users,
        ratio=max(each["served"] for each in served) / (len(served) / LIMIT),
        in_order=rank_correlation([each["came"] for each in served]),
        calls_per_order=creates / len(served),
        rows=rows - len(served),
        addresses=int(max(noted)),
        gave_up=users - len(served),
        told_off=stub["refused"],
        refusals=sum(each["asked"] for each in found["shoppers"]) / users - 1,
        surprised=sum(each["surprised"] for each in found["shoppers"]),
        create_order_p99=quantile(found["create_order"]),
        alive_p99=quantile(found["alive"]),
        memory=max(memory),
        busy=os.getloadavg()[0],
    )


def shoppers_of(on: Stage, url: str, seconds: float) -> list[tuple[str, str, float]]:
    """Each order gets a customer of its own."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE orders SET user_id = 'shopper-' || id")
    chance = random.Random(1)  # noqa: S311  it must be repeatable
    return [(order, token(f"shopper-{order}"), chance.uniform(0, seconds)) for order, _ in on.orders.lines]


def order_to_place(url: str) -> tuple[str, str]:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT id FROM products WHERE currency = 'USD' LIMIT 1").fetchone()
    items = [{"productId": str(row[0] if row else ""), "quantity": 1}]
    return json.dumps({"query": PLACE, "variables": {"input": {"items": items}}}), token("somebody")


def token(user: str) -> str:
    return issue_token(secret=KEYS["JWT_SECRET"], user_id=user, role=None, lifetime=timedelta(hours=2))


def noted_alone(url: str) -> float:
    with psycopg.connect(url) as connection:
        row = connection.execute(NOTED_ALONE).fetchone()
    return float(row[0]) if row else 0.0


@contextmanager
def sampled(value: Callable[[], float]) -> Iterator[list[float]]:
    """A value such as the server's memory, once a second."""
    found, over = [value()], threading.Event()

    def sample() -> None:
        while not over.wait(1.0):
            found.append(value())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def quantile(values: list[float], part: float = 0.99) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def rank_correlation(values: list[float]) -> float:
    """Spearman's, of these values and their order."""
    ranks = {value: rank for rank, value in enumerate(sorted(values))}
    count = len(values)
    return 1 - 6 * sum((ranks[value] - place) ** 2 for place, value in enumerate(values)) / (
        count * (count**2 - 1)
    )


def main() -> None:
    is_proxied = "--proxied" in sys.argv
    users = [int(word) for word in sys.argv[1:] if word != "--proxied"] or [2_000]
    for each in users:
        began = time.time()
        print(
            json.dumps(asdict(sale(each, is_proxied=is_proxied)), indent=1),
            f"{time.time() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
