"""Twenty orders a second in bad weather: nothing is lost, nothing is taken twice, and nothing leaks.

SOAK_SECONDS says for how long, and SOAK_SEED what happens; `make soak` takes half an hour.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from runtime.database.database import Database, build_database
from tests.client import Client
from tests.conftest import JWT_SECRET, STRIPE, Stripe
from tests.e2e.processes import Ended, Running, Shell, shell
from tests.make import Shop
from tests.ports import free_ports
from tests.proof.cluster import Cluster, own_cluster
from tests.proof.invariants import World, check_at_the_end
from tests.proof.soak import RATE, Soak

SECONDS = float(os.environ.get("SOAK_SECONDS", "15"))
LONG = 120.0  # seconds after which a worker has warmed up
MOST_DESCRIPTORS = 200  # for each worker, while hundreds of calls wait for a database that comes back
LEASES_END = (
    "UPDATE payments SET lease_until = NULL",
    "UPDATE refunds SET lease_until = NULL, due_at = now(), key_until = key_until - interval '5 minutes'",
)
BOOKS = "SELECT (SELECT count(*) FROM payment_transitions), (SELECT count(*) FROM refunds), count(*) FROM stripe_events"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_cluster() as made:
        yield made


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Shell]:
    with shell(tmp_path) as made:
        made.patience = 600
        yield made


@pytest.mark.long
@pytest.mark.timeout(600 + 2 * SECONDS)
async def test_a_shop_in_bad_weather(cluster: Cluster, computer: Shell, stripe: Stripe) -> None:
    database, settings = build_database(cluster.url), server_settings(cluster, stripe)
    product_id = await Shop(database).product()
    async with serving(computer, settings, stripe) as (server, http):
        soak = Soak(
            client=Client(http, JWT_SECRET),
            sandbox=stripe.sandbox,
            cluster=cluster,
            server_pid=server.process.pid,
            product_id=product_id,
            seed=int(os.environ.get("SOAK_SEED") or secrets.randbelow(2**32)),
        )
        print(f"soak with seed {soak.seed}")  # noqa: T201
        await soak.run(SECONDS)

    await nothing_is_left_to_do(database, computer, settings)
    await check_at_the_end(World(database, stripe.sandbox, soak.released))
    await database.close()
    assert soak.unexplained == []
    assert SECONDS < LONG or not soak.answers["TIMEOUT"]  # in seconds, a busy machine is enough for one
    assert len(soak.released) == int(SECONDS * RATE)
    nothing_leaked(soak)


def server_settings(cluster: Cluster, stripe: Stripe) -> dict[str, str]:
    return {
        "DATABASE_URL": cluster.url,
        "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
        "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
        "STRIPE_WEBHOOK_SECRET": STRIPE.webhook_secret,
        "STRIPE_API_BASE": stripe.url,
        "JWT_SECRET": JWT_SECRET,
        "PORT": str(free_ports()),
        "WORKERS": "2",
    }


@asynccontextmanager
async def serving(
    computer: Shell, settings: dict[str, str], stripe: Stripe
) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """Two workers, which hear of events, until the block ends."""
    url = f"http://127.0.0.1:{settings['PORT']}"
    stripe.sandbox.webhooks.set_url(f"{url}/webhooks/stripe")
    server = computer.start("serve", **settings)
    await asyncio.to_thread(server.answers, f"{url}/livez")
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield server, http
    await asyncio.to_thread(server.stop)
    stripe.sandbox.webhooks.set_url(None)


async def nothing_is_left_to_do(database: Database, computer: Shell, settings: dict[str, str]) -> None:
    """The sweep reaches its end, needs nobody, and then changes nothing."""
    for statement in LEASES_END:
        await database.rows(text(statement))

    async def sweep() -> Ended:
        return await asyncio.to_thread(lambda: computer.run("reconcile", **settings))

    await sweep()
    swept, before = await sweep(), await database.row(text(BOOKS))
    again = await sweep()
    assert (swept.code, again.code) == (0, 0), again.out
    assert await database.row(text(BOOKS)) == before


def nothing_leaked(soak: Soak) -> None:
    early, late = soak.growth()
    print(  # noqa: T201
        f"{SECONDS:.0f} s, {len(soak.released)} orders; answers {dict(soak.answers)}; {dict(soak.disasters)}; "
        f"the oldest worker {early.rss / 1e6:.0f} to {late.rss / 1e6:.0f} MB, "
        f"{early.descriptors} to {late.descriptors} descriptors"
    )
    assert late.descriptors < MOST_DESCRIPTORS
    if SECONDS >= LONG:
        assert late.rss < 1.15 * early.rss
        assert late.descriptors < early.descriptors + 10
