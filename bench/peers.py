"""Our server beside what one would write instead, in one run: Express, Apollo Server, and Fastify with Mercurius.

The peers stand in `bench/node`. They read the order, check its owner and status, add up and call Stripe; `durable`
writes the same two rows as ours besides. Needs Node 20 and npm.
"""

import json
import shutil
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import jwt
import psycopg
from sqlalchemy import make_url

from bench.cost import Subject, again, repeated
from bench.machine import KEYS, SERVER_CORE, Process, free_port, program
from bench.stage import Stage, operation, signed_in, stage

NODE = Path(__file__).parent / "node"
PAY_PEER = (  # what ours is asked in bench/stage.py; their union has no UserError
    "mutation CreatePaymentIntent($orderId: ID!) { createPaymentIntent(orderId: $orderId) "
    "{ __typename ... on PaymentIntent { id clientSecret status } } }"
)
CALLERS = 16
# Callers and seconds: 27 calls a second, as Stripe's limit has them.
AT_STRIPES_PACE, STRIPES_LATENCY = 3, 0.1
# Orders that ours may take in a second; more only take time to be placed.
MOST_A_SECOND, MOST_AT_PACE = 1_500, 40


@dataclass(frozen=True)
class Peer:
    """A program of `bench/node`, where it is called, and whether it is asked in GraphQL."""

    file: str
    path: str
    speaks_graphql: bool = True
    is_durable: bool = False


PEERS = {
    "express": Peer("express.js", "/api/payments/create-intent", speaks_graphql=False),
    "apollo": Peer("apollo.js", "/"),
    "mercurius": Peer("mercurius.js", "/graphql"),
    "durable": Peer("mercurius.js", "/graphql", is_durable=True),
}


@dataclass(frozen=True)
class Beside:
    """Medians over the rounds: the server's CPU for a call in µs, calls a second, milliseconds."""

    cpu: float
    per_second: float
    p50: float
    p99: float


def can_be_measured() -> bool:
    """Where there is Node; the peers' libraries are installed then."""
    npm = shutil.which("npm")
    if npm and not (NODE / "node_modules").exists():
        subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=NODE, check=True)  # noqa: S603  ours
    return bool(npm)


def at_full_load(rounds: int, seconds: float) -> dict[str, Beside]:
    """By peer, and ours as `ours` (a new order each) and `ours again`."""
    return _measured(rounds, seconds, latency=0.0, callers=CALLERS, most=MOST_A_SECOND)


def at_stripes_pace(rounds: int, seconds: float) -> dict[str, Beside]:
    return _measured(rounds, seconds, latency=STRIPES_LATENCY, callers=AT_STRIPES_PACE, most=MOST_AT_PACE)


def _measured(rounds: int, seconds: float, *, latency: float, callers: int, most: int) -> dict[str, Beside]:
    """`most` orders a second are there for ours, a new one for each call."""
    found: defaultdict[str, list[Beside]] = defaultdict(list)
    of_round = int(most * seconds)
    with (
        stage((rounds + 1) * of_round, latency=latency) as on,
        _subjects(on, of_round, callers) as subjects,
    ):
        for number in range(rounds + 1):  # the first warms up
            for name, subject in subjects.items():
                measured = _one(subject, seconds)
                if number:
                    found[name].append(measured)
    return {name: _median(all_rounds) for name, all_rounds in found.items()}


@contextmanager
def _subjects(on: Stage, most: int, callers: int) -> Iterator[dict[str, Subject]]:
    with ExitStack() as opened:
        url = opened.enter_context(_database_of_peers(on.environment["DATABASE_URL"]))
        tokens = _orders_and_tokens(url)
        subjects = {}
        for name, peer in PEERS.items():
            server = opened.enter_context(_started(peer, on, url))
            subjects[name] = Subject(
                server, repeated(server, _calls(peer, tokens), "_secret_", callers, peer.path)
            )
        ours = opened.enter_context(on.server())
        subjects["ours"] = Subject(
            ours, lambda seconds: on.pay(ours, seconds, count=most, connections=callers)
        )
        subjects["ours again"] = Subject(ours, again(on, ours, callers))
        yield subjects


@contextmanager
def _database_of_peers(server_url: str) -> Iterator[str]:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE peers")
    url = make_url(server_url).set(database="peers").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as peers:
        peers.execute((NODE / "orders.sql").read_bytes())
    yield url


def _orders_and_tokens(url: str) -> list[tuple[str, str]]:
    """Several orders of each of a thousand users."""
    now = int(time.time())
    tokens: dict[str, str] = {}
    with psycopg.connect(url) as peers:
        rows = peers.execute("SELECT id::text, user_id FROM orders").fetchall()
    for _, user in rows:
        claims = {"sub": user, "iat": now, "exp": now + 86_400}
        tokens.setdefault(user, jwt.encode(claims, KEYS["JWT_SECRET"], "HS256"))
    return [(order, tokens[user]) for order, user in rows]


@contextmanager
def _started(peer: Peer, on: Stage, url: str) -> Iterator[Process]:
    port = free_port()
    environment = {
        "PORT": str(port),
        "NODE_ENV": "production",
        "DATABASE_URL": url,
        "STRIPE_API_BASE": on.stripe.base,
        "DURABLE": "1" if peer.is_durable else "",
    }
    with program("node", peer.file, env=environment, port=port, core=SERVER_CORE, place=NODE) as process:
        yield process


def _calls(peer: Peer, orders: list[tuple[str, str]]) -> list[tuple[str, dict[str, str]]]:
    if not peer.speaks_graphql:
        return [(json.dumps({"orderId": order}), signed_in(token)) for order, token in orders]
    return [(operation(PAY_PEER, orderId=order), signed_in(token)) for order, token in orders]


def _one(subject: Subject, seconds: float) -> Beside:
    before = subject.server.cpu()
    outcome = subject.round(seconds)
    spent = subject.server.cpu() - before
    if outcome.good != outcome.done or not outcome.done:
        raise RuntimeError(f"{outcome.done - outcome.good} bad answers: {outcome.other[:1]}")
    per_second = outcome.done / outcome.seconds
    return Beside(spent * 1e6 / outcome.done, per_second, outcome.median, outcome.quantile(0.99))


def _median(rounds: list[Beside]) -> Beside:
    by_figure = zip(*map(astuple, rounds), strict=True)
    return Beside(*map(statistics.median, by_figure))


def lines_of(title: str, found: dict[str, Beside]) -> list[str]:
    lines = [f"{title:16}{'CPU µs':>9}{'calls/s':>9}{'p50 ms':>9}{'p99 ms':>9}"]
    return lines + [
        f"{name:16}{each.cpu:9.0f}{each.per_second:9.0f}{each.p50:9.1f}{each.p99:9.1f}"
        for name, each in found.items()
    ]
