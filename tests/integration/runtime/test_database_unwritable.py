"""A database that takes no writes, has no room left, or lost sight of a server of ours in mid-transaction."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from models.payments.settlement_statements import LOCK_ORDER
from runtime.database.connections import Connection
from runtime.database.database import BEGIN, Database, DatabaseUnavailable, Transaction, build_database
from runtime.database.statements import sql_of
from services.operations.health import OK, Health
from services.stripe_api.gateway import StripeGateway
from tests.conftest import Stripe
from tests.make import Shop

DEMOTED = text("SET default_transaction_read_only = on")
ADD = text("INSERT INTO leases (name, holder, held_until) VALUES (:name, '', now()) ON CONFLICT DO NOTHING")
COUNT = text("SELECT count(*) AS number FROM leases WHERE name = :name")
FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON leases FOR EACH STATEMENT EXECUTE FUNCTION disk_full()
"""


@pytest.fixture
async def own(own_url: str) -> AsyncIterator[Database]:
    made = build_database(own_url, pool_size=1, pool_timeout=1)
    yield made
    await made.close()


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """Every new session is, as on a standby."""
    name = sql.Identifier(make_url(url).database or "")
    alter = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(alter.format(name, "on"))
        yield
        admin.execute(alter.format(name, "off"))


async def state(health: Health) -> str:
    return (await health.check()).as_json()["database"]


async def test_a_session_that_takes_no_more_writes_leaves_the_pool_and_the_work_is_done(
    own: Database,
) -> None:
    await own.rows(DEMOTED)
    await own.rows(ADD, {"name": "single"})

    await own.rows(DEMOTED)

    async def work(transaction: Transaction) -> None:
        await transaction.rows(ADD, {"name": "together"})

    await own.transaction(work)
    for name in ("single", "together"):
        assert (await own.row(COUNT, {"name": name})).number == 1  # type: ignore[union-attr]


async def test_a_read_only_database_is_unavailable_and_not_ready(
    own_url: str, own: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    health = Health(own, gateway)
    with read_only(own_url):
        with pytest.raises(DatabaseUnavailable, match="session is read-only"):
            await own.rows(ADD, {"name": "in vain"})
        assert own.pool.in_use == 0
        report = await health.check()
        assert report.as_json()["database"] == "read-only: no host of DATABASE_URL takes writes"
        assert not report.is_ready
    assert await state(health) == OK


async def test_a_full_database_is_unavailable_and_not_ready_until_it_has_room(
    own_url: str, own: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    health = Health(own, gateway)
    assert await state(health) == OK
    with psycopg.connect(own_url, autocommit=True) as admin:
        admin.execute(FULL)
        with pytest.raises(DatabaseUnavailable, match="No space left"):
            await own.rows(ADD, {"name": "in vain"})
        assert [own.seems_full] == [True]
        report = await health.check()  # although the row that a probe writes was written some seconds ago
        assert report.as_json()["database"].startswith("full: the server has no room left")
        assert not report.is_ready

        admin.execute("DROP TRIGGER disk_full ON leases")
        assert await state(health) == OK
        assert not own.seems_full
        assert admin.execute("SELECT count(*) FROM leases WHERE name <> 'readyz'").fetchone() == (0,)


async def test_an_order_is_free_again_seconds_after_the_server_that_locked_it_was_cut_off(
    postgres_url: str, database: Database, shop: Shop
) -> None:
    order_id = await shop.order()
    cut_off = await Connection.to(postgres_url)
    await cut_off.run(sql_of(BEGIN, ()), {})
    assert await cut_off.run(sql_of(LOCK_ORDER.statement, ("order_id",)), {"order_id": order_id})

    async def work(transaction: Transaction) -> str:
        status: str = (await transaction.one(LOCK_ORDER, {"order_id": order_id})).status
        return status

    assert await database.transaction(work, locks=order_id) == "pending"
    cut_off.close()
