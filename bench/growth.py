"""What a hundred times as many orders cost, and a hundred times as many items: CPU of server and database together."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from bench.machine import KEYS, command, family
from bench.stage import stripe_stub
from sandbox.postgres import embedded_postgres
from services.auth import User
from services.database import Database, build_database
from services.orders import Orders
from services.payment_intents import PaymentIntents
from services.reconcile import Sweep
from services.stripe_gateway import StripeGateway
from services.webhooks import Inbox

FEW, MANY = 10_000, 1_000_000
A_USERS_ORDERS = 100
DUE = 1_000
ITEMS, MORE_ITEMS = 3, 500
SAMPLES = 300

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
    amount_received, cause, looked_at, created_at)
  SELECT gen_random_uuid(), id, CASE status WHEN 'paid' THEN 'succeeded' ELSE 'open' END,
    CASE status WHEN 'paid' THEN 'settled' END, 'pi:' || id, 'pi_' || replace(id::text, '-', ''), 5997, 'USD', 1,
    CASE status WHEN 'paid' THEN 5997 ELSE 0 END, 'bench', now(), created_at FROM orders;
INSERT INTO payment_transitions (payment_id, from_state, to_state, cause)
  SELECT id, NULL, state, 'bench' FROM payments;
SET session_replication_role = DEFAULT;
VACUUM ANALYZE;
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
CUSTOMER = User(id="grown-1", email=None, roles=frozenset())
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
        self._looking = 0.0  # seconds of CPU that it took to look; among a few hundred processes, 5 ms each time

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

    async def of(self, each: Callable[[UUID], Awaitable[object]], ids: list[UUID]) -> float:
        """The median of what `each` costs, ms, in ten lots."""
        lots = [ids[start::10] for start in range(10)]
        found: list[float] = []
        for lot in lots:
            before = self.cpu()
            for each_id in lot:
                await each(each_id)
            found.append((self.cpu() - before) * 1e3 / len(lot))
        return statistics.median(found)


def costs_at(orders: int) -> Costs:
    with embedded_postgres() as url, stripe_stub() as stripe:
        environment = {"DATABASE_URL": url, "STRIPE_API_BASE": stripe.base}
        command("migrate", env=environment)
        command("seed", env=environment)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (
                FILL.format(orders=orders, users=orders // A_USERS_ORDERS).replace("%%", "%").split(";")
            ):
                connection.execute(statement)
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            postgres = parent_of(row[0] if row else 0)
        return asyncio.run(measured(url, stripe.base, Meter(postgres)))


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def measured(url: str, stripe: str, meter: Meter) -> Costs:
    database = build_database(url, pool_size=2)
    gateway = StripeGateway(KEYS["STRIPE_SECRET_KEY"], api_base=stripe)
    payments, orders = PaymentIntents(database, gateway), Orders(database)
    few, many = await new_orders(url, ITEMS, SAMPLES * 2), await new_orders(url, MORE_ITEMS, SAMPLES // 3)

    async def create(order_id: UUID) -> None:
        await payments.create(CUSTOMER.id, order_id)

    async def read(order_id: UUID) -> None:
        await orders.find(CUSTOMER, order_id)

    async def page(_: UUID) -> None:
        await orders.page(OTHER, first=20, after=None, status=None)

    try:
        for order_id in few[SAMPLES:]:  # warm
            await create(order_id)
        return Costs(
            create=await meter.of(create, few[:SAMPLES]),
            create_again=await meter.of(create, few[:SAMPLES]),
            create_with_500_items=await meter.of(create, many),
            read=await meter.of(read, few[:SAMPLES]),
            page=await meter.of(page, few[:SAMPLES]),
            sweep=await swept(url, database, gateway, meter),
        )
    finally:
        await gateway.close()
        await database.close()


async def new_orders(url: str, items: int, count: int) -> list[UUID]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        made = await connection.execute(NEW_ORDERS, {"items": items, "count": count})
        return [row[0] for row in await made.fetchall()]


async def swept(url: str, database: Database, gateway: StripeGateway, meter: Meter) -> float:
    """A sweep with 1,000 payments to look at, whatever else there is."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(MAKE_DUE, {"due": DUE})
    inbox = Inbox(database, gateway, None, livemode=False)
    before = meter.cpu()
    findings = await Sweep(database, gateway, inbox, pause=0.0).run()
    assert findings.done["payable intents looked at"] >= DUE, findings  # noqa: S101
    return (meter.cpu() - before) * 1e3 / DUE
