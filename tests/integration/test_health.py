"""The probes: `/livez` tells that the process answers, `/readyz` whether orders can be paid here, and what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from main import build_app
from sandbox.faults import Fault, Rule
from services import migrations
from services.database import Database
from services.health import OK, STRIPE_EVERY, Health
from services.stripe_gateway import StripeGateway
from settings import Settings
from tests.conftest import Stripe, make_settings
from tests.e2e.databases import own_database

GREEN = {"status": "ok", "database": "ok", "schema": "ok", "stripe": "ok"}


@asynccontextmanager
async def server(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            yield client


@pytest.fixture
def own(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as url:
        yield url


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_process_that_answers_is_alive(http: httpx.AsyncClient) -> None:
    answer = await http.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_process_whose_parts_are_down_is_alive_and_not_ready() -> None:
    nowhere = make_settings("postgresql://127.0.0.1:1/shop", "http://127.0.0.1:1")
    async with server(nowhere) as client:
        assert (await client.get("/livez")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready", "database": "unreachable", "schema": "unknown", "stripe": "OutcomeUnknown"
    }  # fmt: skip


async def test_a_process_with_all_its_parts_is_ready(http: httpx.AsyncClient) -> None:
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, GREEN)


async def test_a_key_that_stripe_refuses_is_not_ready(settings: Settings) -> None:
    wrong = settings.model_copy(update={"stripe_secret_key": SecretStr("sk_test_of_another_account")})
    async with server(wrong) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {**GREEN, "status": "unready", "stripe": "AccessDenied"},
    )
    assert "sk_test" not in answer.text


async def test_stripe_is_asked_again_after_a_while_and_not_before(
    database: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    clock = Clock()
    health = Health(database, gateway, now=clock)
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="401"), path="/v1/balance", times=1))
    assert (await health.check())["stripe"] == "AccessDenied"

    clock.now += STRIPE_EVERY - 1
    assert (await health.check())["stripe"] == "AccessDenied"
    clock.now += 1
    assert (await health.check())["stripe"] == OK
    assert len(stripe.sandbox.journal.calls("GET", "/v1/balance")) == 2


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(kind="reset"), "OutcomeUnknown"),
        (Fault(kind="500"), "KeyBurnt"),
        (Fault(kind="hang", seconds=60), "no answer"),
        (Fault(kind="429"), OK),
        (Fault(kind="400"), OK),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_stripe_is_ready_when_it_answers_our_key(
    database: Database, gateway: StripeGateway, stripe: Stripe, fault: Fault, state: str
) -> None:
    stripe.sandbox.faults.add(Rule(fault=fault, path="/v1/balance", times=None))
    assert (await Health(database, gateway).check())["stripe"] == state


async def test_readiness_goes_red_and_green_again_with_the_database(own: str, stripe: Stripe) -> None:
    migrations.upgrade(own)
    async with server(make_settings(own, stripe.url)) as client:
        assert (await client.get("/readyz")).json() == GREEN

        let_in(own, "false")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {**GREEN, "status": "unready", "database": "unreachable", "schema": "unknown"}
        assert (await client.get("/livez")).status_code == 200

        let_in(own, "true")
        assert (await client.get("/readyz")).json() == GREEN


def let_in(url: str, allowed: str) -> None:
    """Open or close a database as a restart does: whoever is connected is thrown out."""
    name = make_url(url).database or ""
    with psycopg.connect(str(make_url(url).set(database="postgres")), autocommit=True) as admin:
        change = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(change.format(sql.Identifier(name), sql.SQL(allowed)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


async def test_a_schema_that_is_too_old_or_missing_says_what_to_do(own: str, stripe: Stripe) -> None:
    async with server(make_settings(own, stripe.url)) as client:
        empty = await client.get("/readyz")
        migrations.upgrade(own, "0001")
        old = await client.get("/readyz")
        migrations.upgrade(own)
        new = await client.get("/readyz")

    assert [answer.status_code for answer in (empty, old, new)] == [503, 503, 200]
    assert empty.json()["schema"] == "empty: run `python main.py migrate`"
    assert old.json()["schema"] == f"at 0001, needs {migrations.head()}: run `python main.py migrate`"
    assert new.json() == GREEN


async def test_a_schema_that_is_newer_serves_on_while_the_new_version_is_rolled_out(
    own: str, stripe: Stripe
) -> None:
    migrations.upgrade(own)
    async with server(make_settings(own, stripe.url)) as client:
        with psycopg.connect(own) as deployer:
            deployer.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
        assert (await client.get("/readyz")).json() == GREEN

        with psycopg.connect(own) as deployer:
            deployer.execute("DELETE FROM alembic_version")
        assert (await client.get("/readyz")).status_code == 503


async def test_probes_at_once_are_answered_alike(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(http.get("/readyz") for _ in range(20)))
    assert [answer.json() for answer in answers] == [GREEN] * 20
