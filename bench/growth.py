"""What a hundred times as many orders cost, and a hundred times as many items: CPU of server and database together.

A small and a large shop stand side by side and are measured in turn, lot by lot: what else the machine does, it does
to both.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from uuid import UUID

import psycopg

from bench.machine import KEYS, command, family
from bench.stage import stripe_stub
from runtime.database.database import build_database
from runtime.embedded_postgres import embedded_postgres
from services.identity.principal import Principal
from services.orders.orders import Orders
from services.payments.payment_intents import PaymentIntents
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway

FEW, MANY = 10_000, 1_000_000
A_USERS_ORDERS = 100
DUE = 1_000
ITEMS, MORE_ITEMS = 3, 500
LOTS, LOT, SMALL_LOT = 10, 30, 10  # of 500 items there are small lots
SWEEPS = 5

# Triggers are off while it is filled: 1,000,000 orders of three items, nine of ten paid long ago, one still payable.
FILL = """
SET session_replication_role = replica;
INSERT INTO orders (id, user_id, currency, status, created_at, updated_at)
  SELECT gen_random_uuid(), 'grown-' || n %% {users}, 'USD', CASE WHEN n %% 10 = 0 THEN 'pending' ELSE 'paid' END,
    now() - n * interval '10 seconds', now() - n * interval '10 seconds' FROM generate_series(1, {orders}) AS n;
INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)
  SELECT orders.id, n, products.id, 'Mug', 1999, 1 FROM orders, generate_series(0, 2) AS n,
    (SELECT id FROM products LIMIT 1) AS products;
INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount, currency, order_version,
    amount_received, cause, looked_at, created_at, installation_id)
  SELECT gen_random_uuid(), id, CASE status WHEN 'paid' THEN 'succeeded' ELSE 'open' END,
    CASE status WHEN 'paid' THEN 'settled' END, 'pi:' || id, 'pi_' || replace(id::text, '-', ''), 5997, 'USD', 1,
    CASE status WHEN 'paid' THEN 5997 ELSE 0 END, 'bench', now(), created_at, (SELECT id FROM installation)
    FROM orders;
INSERT INTO payment_transitions (payment_id, from_state, to_state, cause)
  SELECT id, NULL, state, 'bench' FROM payments;
SET session_replication_role = DEFAULT;
VACUUM ANALYZE;
CHECKPOINT;
"""
# An order's items lie side by side, as createOrder writes them; without ORDER BY each of 500 has a page of its own.
NEW_ORDERS = """
WITH made AS (INSERT INTO orders (id, user_id, currency, status)
  SELECT gen_random_uuid(), 'grown-1', 'USD', 'pending' FROM generate_series(1, %(count)s) RETURNING id),
filled AS (INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)
  SELECT made.id, n, products.id, 'Mug', 1999, 1 FROM made, generate_series(1, %(items)s) AS n,
    (SELECT id FROM products LIMIT 1) AS products ORDER BY made.id, n)
SELECT id FROM made
"""
MAKE_DUE = """
UPDATE payments SET looked_at = now() - interval '2 hours'
  WHERE id IN (SELECT id FROM payments WHERE state = 'open' ORDER BY created_at DESC LIMIT %(due)s)
"""
CUSTOMER = Principal(id="grown-1", email=None, roles=frozenset())
OTHER = "grown-2"  # whose orders are all of three items


@dataclass(frozen=True)
class Costs:
    """Milliseconds of CPU for one of each, of this process and of PostgreSQL; of the sweep for each payment due."""

    create: float
    create_again: float
    create_with_500_items: float
    read: float
    page: float
    sweep: float


class Meter:
    """CPU of this process and of the database's backends. (Its writers and checkpoints are not counted.)"""

    def __init__(self, postgres: int) -> None:
        self._postgres = postgres
        self._looking = 0.0  # seconds of CPU that it took to look; among a hundred processes, 3 ms each time

    def cpu(self) -> float:
        began = time.process_time()
        total = began - self._looking
        for pid in family(self._postgres) - {self._postgres}:
            try:
                name = Path(f"/proc/{pid}/cmdline").read_text()
                spent = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
            except OSError:
                continue
            total += spent if "postgres: postgres" in name else 0.0
        self._looking += time.process_time() - began
        return total


class Shop:
    """A filled database, the services over it, and what each lot of work cost them, ms for one."""

    def __init__(self, url: str, stripe: str) -> None:
        self._url = url
        self._meter = Meter(postmaster_of(url))
        self._database = build_database(url, pool_size=2)
        self._gateway = StripeGateway(KEYS["STRIPE_SECRET_KEY"], api_base=stripe)
        self._payments, self._orders = PaymentIntents(self._database, self._gateway), Orders(self._database)
        self._inbox = Inbox(self._database, self._gateway, None, livemode=False)
        self._found: dict[str, list[float]] = defaultdict(list)
        self._few: list[UUID] = []
        self._many: list[UUID] = []

    async def open(self) -> None:
        self._few = await self._new_orders(ITEMS, LOTS * LOT)
        self._many = await self._new_orders(MORE_ITEMS, LOTS * SMALL_LOT)
        for order_id in await self._new_orders(ITEMS, LOTS * LOT):  # warm
            await self._create(order_id)

    async def close(self) -> None:
        await self._gateway.close()
        await self._database.close()

    def costs(self) -> Costs:
        return Costs(**{each.name: statistics.median(self._found[each.name]) for each in fields(Costs)})

    async def create(self, lot: int) -> None:
        await self._measure("create", self._create, self._few[lot::LOTS])
        await self._measure("create_with_500_items", self._create, self._many[lot::LOTS])

    async def create_again(self, lot: int) -> None:
        await self._measure("create_again", self._create, self._few[lot::LOTS])

    async def read(self, lot: int) -> None:
        await self._measure("read", lambda each: self._orders.find(CUSTOMER, each), self._few[lot::LOTS])

    async def page(self, lot: int) -> None:
        async def page(_: UUID) -> None:
            await self._orders.page(OTHER, first=20, after=None, status=None)

        await self._measure("page", page, self._few[lot::LOTS])

    async def sweep(self, lot: int) -> None:
        """With 1,000 payments to look at, whatever else there is; one sweep takes so many of them as its step may."""
        if lot >= SWEEPS:
            return
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(MAKE_DUE, {"due": DUE})
        before = self._meter.cpu()
        findings = await Sweep(self._database, self._gateway, self._inbox).run()
        looked_at = findings.done["payable intents looked at"]
        self._found["sweep"].append((self._meter.cpu() - before) * 1e3 / looked_at)

    async def _create(self, order_id: UUID) -> None:
        await self._payments.create(CUSTOMER.id, order_id)

    async def _measure(self, name: str, each: Callable[[UUID], Awaitable[object]], ids: list[UUID]) -> None:
        before = self._meter.cpu()
        for each_id in ids:
            await each(each_id)
        self._found[name].append((self._meter.cpu() - before) * 1e3 / len(ids))

    async def _new_orders(self, items: int, count: int) -> list[UUID]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            made = await connection.execute(NEW_ORDERS, {"items": items, "count": count})
            return [row[0] for row in await made.fetchall()]


def costs_of(small: int, large: int) -> tuple[Costs, Costs]:
    """Of a shop of `small` orders and of one of `large`."""
    with stripe_stub() as stripe, filled(small, stripe.base) as one, filled(large, stripe.base) as other:
        first, second = asyncio.run(measured([Shop(one, stripe.base), Shop(other, stripe.base)]))
        return first, second


@contextmanager
def filled(orders: int, stripe: str) -> Iterator[str]:
    """The URL of a database with that many orders and their history."""
    with embedded_postgres() as url:
        environment = {"DATABASE_URL": url, "STRIPE_API_BASE": stripe}
        command("migrate", env=environment)
        command("seed", env=environment)
        fill(url, orders)
        yield url


def fill(url: str, orders: int) -> None:
    """Write that many orders into a migrated database that has a product."""
    statements = FILL.format(orders=orders, users=orders // A_USERS_ORDERS).replace("%%", "%")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.split(";"):
            connection.execute(statement)


def postmaster_of(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None  # noqa: S101
        return int(Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()[1])


async def measured(shops: Sequence[Shop]) -> list[Costs]:
    """Kind by kind, in ten lots of each; in every lot the shops take turns, and in every other the last begins."""
    for shop in shops:
        await shop.open()
    for kind in (Shop.create, Shop.create_again, Shop.read, Shop.page, Shop.sweep):
        for lot in range(LOTS):
            for shop in shops[:: -1 if lot % 2 else 1]:
                await kind(shop, lot)
    for shop in shops:
        await shop.close()
    return [shop.costs() for shop in shops]
