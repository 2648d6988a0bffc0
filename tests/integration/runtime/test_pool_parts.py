"""The pool's parts: what waits for a lock, or is many, takes no connection that payments or webhooks need."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from models.payments.settlement_statements import LOCK_ORDER
from runtime.database.database import Database, DatabaseUnavailable, Query, Transaction, build_database
from runtime.turns import Turns
from tests.make import Shop

PARTS = {"payments": 0.2, "webhooks": 0.2}
ONE = text("SELECT 1 AS number")
SLEEP = text("SELECT pg_sleep(:seconds)")
SETTINGS = text("SELECT name, setting FROM pg_settings WHERE name = ANY (:names)")


@pytest.fixture
async def parted(postgres_url: str, database: Database) -> AsyncIterator[Database]:
    """Ten connections: two for payments, two for webhooks, two for all else, four for whoever comes first."""
    made = build_database(postgres_url, pool_size=10, pool_timeout=2, parts=PARTS)
    yield made
    await made.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  a pool gives no sign
            await asyncio.sleep(0.01)


async def test_no_kind_of_work_takes_what_another_keeps(parted: Database) -> None:
    busy = [asyncio.create_task(parted.rows(SLEEP, {"seconds": 1.0})) for _ in range(30)]
    await until(lambda: parted.pool.waiting)
    assert parted.pool.in_use == 6

    for name in ("payments", "webhooks"):
        both = [asyncio.create_task(parted.part(name).rows(SLEEP, {"seconds": 0.1})) for _ in range(2)]
        await until(lambda: parted.pool.in_use == 8)
        await asyncio.gather(*both)
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    assert (parted.pool.in_use, parted.pool.waiting) == (0, 0)


async def test_what_nobody_else_needs_is_there_for_each(parted: Database) -> None:
    payments = parted.part("payments")
    busy = [asyncio.create_task(payments.rows(SLEEP, {"seconds": 0.3})) for _ in range(6)]
    await until(lambda: parted.pool.in_use == 6)
    await asyncio.gather(*busy)
    assert parted.pool.in_use == 0


async def test_whoever_comes_first_is_first_whatever_the_part(postgres_url: str) -> None:
    database = build_database(postgres_url, pool_size=5, parts=PARTS)
    pool, order = database.pool, list[str]()

    async def come(part: str) -> None:
        connection = await pool.take(part)
        order.append(part)
        pool.give_back(connection, part)

    held = [("payments", await pool.take("payments")) for _ in range(3)]
    held += [(part, await pool.take(part)) for part in ("webhooks", "rest")]
    coming = []
    for part in ("webhooks", "payments", "rest", "webhooks"):
        coming.append(asyncio.create_task(come(part)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    for part, connection in held[:3]:  # what all share
        pool.give_back(connection, part)
    await asyncio.gather(*coming)
    assert order == ["webhooks", "payments", "rest", "webhooks"]
    for part, connection in held[3:]:
        pool.give_back(connection, part)
    assert pool.in_use == 0
    await database.close()


async def test_turns_of_a_key_are_taken_one_after_another_and_leave_nothing() -> None:
    turns, running, most = Turns(), 0, 0

    async def work(key: int) -> None:
        nonlocal running, most
        async with turns.of(key):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work(7) for _ in range(20)))
    assert (most, len(turns)) == (1, 0)
    await asyncio.gather(*(work(key) for key in range(20)))
    assert (most, len(turns)) == (20, 0)


async def lock(database: Database, order_id: UUID) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.one(LOCK_ORDER, {"order_id": order_id})

    await database.transaction(work, locks=order_id)


async def test_two_hundred_who_want_57_locked_orders_leave_connections_for_strangers(
    parted: Database, shop: Shop, postgres_url: str
) -> None:
    orders = [await shop.order() for _ in range(57)]
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SELECT 1 FROM orders FOR UPDATE")
        waiting = [asyncio.create_task(lock(parted, orders[n % 57])) for n in range(200)]
        await asyncio.sleep(0)
        most = 0
        for _ in range(200):
            assert await parted.rows(ONE)  # within its patience of 2 seconds
            most = max(most, parted.pool.in_use)
            await asyncio.sleep(0.005)
        assert not any(task.done() for task in waiting)
        assert most <= 6
        await other.rollback()
        await asyncio.gather(*waiting)
    assert parted.pool.in_use == 0


async def test_a_lock_that_somebody_keeps_is_a_database_too_busy(
    parted: Database, shop: Shop, postgres_url: str
) -> None:
    order_id = await shop.order()
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SELECT 1 FROM orders FOR UPDATE")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            await lock(parted, order_id)
    await lock(parted, order_id)


class Setting(NamedTuple):
    setting: str
    name: str


async def test_rows_come_as_named_tuples_by_the_names_of_their_columns(parted: Database) -> None:
    names = ["lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout"]
    rows = await parted.rows(Query(Setting, SETTINGS), {"names": names})
    assert {row.name: row.setting for row in rows} == {
        "lock_timeout": "100",
        "idle_in_transaction_session_timeout": "5000",
        "statement_timeout": "15000",
    }
    with pytest.raises(TypeError, match="Setting has"):
        await parted.rows(Query(Setting, ONE))
    assert (await parted.row(ONE)).number == 1  # type: ignore[union-attr]
