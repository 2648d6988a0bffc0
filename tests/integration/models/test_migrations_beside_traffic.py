"""Each migration from 0007 on runs beside customers and a reader who holds a snapshot, and fails no request.

MIGRATION_ORDERS and MIGRATION_READER_SECONDS make it the rehearsal of a large shop: 300000 and 20.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from runtime.database.database import Database, Transaction, build_database
from services.operations import migrations
from tests.e2e.databases import own_database
from tests.integration.models.test_migrations import revisions

ORDERS = int(os.environ.get("MIGRATION_ORDERS", "3000"))
READER_SECONDS = float(os.environ.get("MIGRATION_READER_SECONDS", "1"))
CUSTOMERS = 4
BEFORE = "0006"

# What the version of BEFORE wrote; every later version leaves it working.
CURRENCY = "INSERT INTO charge_limits (currency, minimum, maximum, step) VALUES ('USD', 50, 99999999, 1)"
PRODUCT = "INSERT INTO products (id, name, unit_amount, currency) VALUES ('{id}', 'Mug', 100, 'USD')"
FILL = """
SET session_replication_role = replica;
INSERT INTO orders (id, user_id, currency, status, created_at)
  SELECT gen_random_uuid(), 'user ' || n % 100, 'USD', CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'paid' END,
    now() - n * interval '1 minute' FROM generate_series(1, {orders}) AS n;
INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)
  SELECT orders.id, 0, products.id, 'Mug', 100, 1 FROM orders, products;
INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount, currency, order_version,
    amount_received, cause, looked_at, created_at)
  SELECT gen_random_uuid(), id, CASE status WHEN 'paid' THEN 'succeeded' ELSE 'open' END,
    CASE status WHEN 'paid' THEN 'settled' END, 'pi:' || id, 'pi_' || replace(id::text, '-', ''), 100, 'USD', 1,
    CASE status WHEN 'paid' THEN 100 ELSE 0 END, 'test', created_at, created_at FROM orders;
INSERT INTO payment_transitions (payment_id, from_state, to_state, cause) SELECT id, NULL, state, 'test' FROM payments;
INSERT INTO stripe_events (id, type, object_id, created_at, finished_at)
  SELECT 'evt_' || n, 'payment_intent.created', 'pi_' || n, now(), now() FROM generate_series(1, {orders}) AS n;
"""
ADD_ORDER = text("INSERT INTO orders (id, user_id, currency) VALUES (:id, 'ada', 'USD')")
ADD_ITEM = text(
    "INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)"
    " VALUES (:id, 0, :product, 'Mug', 100, 2)"
)
ADD_PAYMENT = text(
    "INSERT INTO payments (id, order_id, state, idempotency_key, amount, currency, order_version, cause)"
    " VALUES (:payment, :id, 'creating', CAST(:payment AS text), 200, 'USD', 1, 'test')"
)
LOCK_ORDER = text("SELECT status FROM orders WHERE id = :id FOR UPDATE")
OPEN = text("UPDATE payments SET state = 'open', intent_id = :intent, cause = 'test' WHERE id = :payment")
SETTLE = text(
    "UPDATE payments SET state = 'succeeded', disposition = 'settled', amount_received = 200, cause = 'test'"
    " WHERE id = :payment"
)
PAY_ORDER = text("UPDATE orders SET status = 'paid' WHERE id = :id")
ADD_EVENT = text(
    "INSERT INTO stripe_events (id, type, object_id, created_at)"
    " VALUES (:event, 'payment_intent.succeeded', 'pi_1', now())"
)
SHOW = text(
    "SELECT o.status, count(i.position), max(p.state) FROM orders o JOIN order_items i ON i.order_id = o.id"
    " LEFT JOIN payments p ON p.order_id = o.id WHERE o.user_id = 'ada' GROUP BY o.id, o.created_at"
    " ORDER BY o.created_at DESC LIMIT 20"
)


@dataclass
class Traffic:
    """Customers who order and pay, and look at their orders. `slowest` is seconds, by what they did."""

    database: Database
    product: UUID
    done: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)

    async def customer(self) -> None:
        while True:
            names: dict[str, object] = {"id": uuid4(), "payment": uuid4(), "product": self.product}
            names |= {"intent": f"pi_{uuid4().hex}", "event": f"evt_{uuid4().hex}"}
            await self._step("order", self.database.transaction(partial(self._order, names)))
            await self._step("create", self.database.rows(ADD_PAYMENT, names))
            await self._step("open", self.database.rows(OPEN, names))
            await self._step("event", self.database.rows(ADD_EVENT, names))
            await self._step(
                "settle", self.database.transaction(partial(self._settle, names), locks=str(names["id"]))
            )
            await self._step("show", self.database.rows(SHOW))

    async def _order(self, names: dict[str, object], transaction: Transaction) -> None:
        await transaction.rows(ADD_ORDER, names)
        await transaction.rows(ADD_ITEM, names)

    async def _settle(self, names: dict[str, object], transaction: Transaction) -> None:
        await transaction.one(LOCK_ORDER, names)
        await transaction.rows(SETTLE, names)
        await transaction.rows(PAY_ORDER, names)

    async def _step(self, name: str, work: object) -> None:
        began = time.monotonic()
        try:
            await work  # type: ignore[misc]
        except Exception as error:  # whatever a customer would see
            self.failed.append(f"{name}: {error!r}")
        self.done += 1
        self.slowest[name] = max(self.slowest.get(name, 0.0), time.monotonic() - began)


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as made:
        yield made


@asynccontextmanager
async def customers(url: str, product: UUID) -> AsyncIterator[Traffic]:
    database = build_database(url, pool_size=CUSTOMERS + 2)
    traffic = Traffic(database, product)
    tasks = [asyncio.create_task(traffic.customer()) for _ in range(CUSTOMERS)]
    yield traffic
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await database.close()


@asynccontextmanager
async def a_reader(url: str) -> AsyncIterator[None]:
    """As pg_dump does: one snapshot, and a lock on each table that keeps it from being altered."""
    async with await psycopg.AsyncConnection.connect(url) as reader:
        await reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table in ("products", "orders", "order_items", "payments", "stripe_events", "refunds"):
            await reader.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))

        async def hold() -> None:
            await asyncio.sleep(READER_SECONDS)
            await reader.rollback()

        holding = asyncio.create_task(hold())
        yield
        await holding


async def test_no_request_fails_while_the_shop_is_migrated(url: str) -> None:
    product = uuid4()
    await asyncio.to_thread(migrations.upgrade, url, BEFORE)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute(CURRENCY)
        await admin.execute(PRODUCT.format(id=product).encode())
        await admin.execute(FILL.format(orders=ORDERS).encode())
        await admin.execute("ANALYZE")

    for revision in [each for each in revisions() if each > BEFORE]:
        told: list[str] = []
        async with customers(url, product) as traffic:
            async with a_reader(url):
                began = time.monotonic()
                await asyncio.to_thread(migrations.upgrade, url, revision, tell=told.append)
                took = time.monotonic() - began
            slowest = ", ".join(f"{name} {seconds:.2f}" for name, seconds in traffic.slowest.items())
            print(f"{revision}: {took:.1f} s; {traffic.done} requests; slowest, seconds: {slowest}; {told}")  # noqa: T201
        assert traffic.failed == [], revision
        assert traffic.done > 0
