"""Real parts for all tests: one PostgreSQL, one sandbox Stripe over HTTP, one app; emptied before each test."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from sqlalchemy import text

from runtime import logs
from runtime.database.database import Database, build_database
from runtime.embedded_postgres import embedded_postgres
from runtime.processes import end_as_by_ctrl_c
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from services.operations import migrations
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import Client
from tests.e2e.databases import own_database, wait_for_no_disk
from tests.events import WEBHOOK_SECRET as WEBHOOK_SECRET
from tests.make import Shop

JWT_SECRET = "a-secret-for-loopback-tests-only-0123456789"
GIVEN_DATABASE, GIVEN_TEMPLATE = "PAYGRAPH_TESTS_DATABASE_URL", "PAYGRAPH_TESTS_TEMPLATE_URL"
STRIPE = SandboxConfig(webhook_secret=WEBHOOK_SECRET)
# A row that is deleted costs a fiftieth of a table that is truncated, until many were; sequences begin anew.
EMPTY = text("""
    DO $$
    DECLARE
        name regclass;
    BEGIN
        SET LOCAL session_replication_role = replica; -- without triggers and foreign keys
        FOR name IN
            SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
            AND relname NOT IN ('alembic_version', 'charge_limits', 'installation') -- the same for all tests
        LOOP
            IF pg_relation_size(name) > 1000000 THEN
                EXECUTE format('TRUNCATE %s CASCADE', name);
            ELSE
                EXECUTE format('DELETE FROM %s', name);
            END IF;
        END LOOP;
        PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
    END $$
""")

logs.configure("INFO", "json")


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


end_as_by_ctrl_c()  # the database of a run that is told to end is stopped as well

# No test is judged by the clock: a busy machine is not a defect.
hypothesis_settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database with our tables: of a server of its own, or the one that `test_mutants.py` gives to what it runs,
    which has its tables unless its bug is in making them."""
    given = os.environ.get(GIVEN_DATABASE)
    with nullcontext(given) if given else embedded_postgres() as url:
        if not given:
            wait_for_no_disk(url)
        if GIVEN_TEMPLATE not in os.environ:
            migrations.upgrade(url)
        yield url


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[str]:
    """A database with our tables to which nobody is connected: copying it takes a tenth of making it."""
    given = os.environ.get(GIVEN_TEMPLATE)
    if given is not None:
        yield given
        return
    with own_database(postgres_url) as url:
        migrations.upgrade(url)
        yield url


@pytest.fixture
def own_url(postgres_url: str, migrated: str) -> Iterator[str]:
    """A database with our tables for one test alone. Its installation's id is that of all copies of `migrated`."""
    with own_database(postgres_url, like=migrated) as url:
        yield url


@pytest.fixture(scope="session")
async def _pool(postgres_url: str) -> AsyncIterator[Database]:
    database = build_database(postgres_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def _emptier(postgres_url: str) -> AsyncIterator[Database]:
    """Sessions of its own: `session_replication_role` makes a session forget the plans of all its statements."""
    database = build_database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
async def database(_pool: Database, _emptier: Database) -> Database:
    """The database, empty."""
    await _emptier.rows(EMPTY)
    return _pool


@dataclass(frozen=True)
class Stripe:
    """The sandbox: `sandbox` to give orders to, `url` to call."""

    url: str
    sandbox: Sandbox


@pytest.fixture(scope="session")
async def _sandbox() -> AsyncIterator[Stripe]:
    app = build_sandbox(STRIPE)
    async with served(app) as url:
        yield Stripe(url, app.state.sandbox)


@pytest.fixture
async def stripe(_sandbox: Stripe) -> Stripe:
    """Stripe with nothing in it, in good weather."""
    _sandbox.sandbox.reset()
    return _sandbox


@pytest.fixture(scope="session")
async def _gateway(_sandbox: Stripe) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(STRIPE.secret_keys[0], api_base=_sandbox.url)
    yield made
    await made.close()


@pytest.fixture
async def gateway(_gateway: StripeGateway, stripe: Stripe) -> StripeGateway:
    """To a Stripe in good weather, also for tests that order none: faults of the test before are gone."""
    return _gateway


@pytest.fixture
def settings(postgres_url: str, stripe: Stripe) -> Settings:
    return make_settings(postgres_url, stripe.url)


def make_settings(database_url: str, stripe_url: str, **others: Any) -> Settings:
    values = {
        "database_url": SecretStr(database_url),
        "stripe_secret_key": SecretStr(STRIPE.secret_keys[0]),
        "stripe_publishable_key": STRIPE.publishable_key,
        "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
        "stripe_api_base": stripe_url,
        "jwt_secret": SecretStr(JWT_SECRET),
        "introspection": True,
    }
    return Settings(**{**values, **others})


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An app of its own, started and stopped as a server does, and an HTTP client of it."""
    from main import build_app  # here, since it takes as long as all else, and most tests need none

    app = build_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
    ):
        yield client


@pytest.fixture
async def http(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as client:
        yield client


@pytest.fixture
def client(http: httpx.AsyncClient) -> Client:
    return Client(http, JWT_SECRET)
