"""The sweep on a busy account: open unpaid orders of ours beside a million events a month of other applications.

Stripe is the sandbox over HTTP at 0.3 s a call, the gateway keeps to 25 calls a second for each endpoint. The first
sweep is the first start: nothing was ever looked at, and thirty days of the account's lists are unread.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import text

from models.payments.installation import INSTALLATION
from runtime import logs
from runtime.database.database import Database, build_database
from runtime.embedded_postgres import embedded_postgres
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.objects.strangers import Application
from sandbox.serve import served
from services.operations import migrations
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.calls import name_of
from services.stripe_api.gateway import StripeGateway

EVENTS_A_MONTH = 1_000_000
LATENCY, RATE = 0.3, 25.0  # seconds a call; calls a second for each endpoint
# Orders that are canceled, and intents that are paid without a webhook, before each sweep.
CLOSED, UNHEARD = (
    5,
    5,
)
SHOPS = (1_000, 10_000, 100_000)

PRODUCT = (
    "INSERT INTO products (id, name, unit_amount, currency) VALUES (gen_random_uuid(), 'Mug', 1000, 'USD')"
)
PART = 5_000  # orders in one statement: the triggers of more would take longer than a statement may
FILL = (
    "INSERT INTO orders (id, user_id, currency, created_at)"
    " SELECT gen_random_uuid(), 'user ' || n, 'USD', now() - n * (interval '7 days' / {orders})"
    " FROM generate_series({first}, {last}) AS n",
    "INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)"
    " SELECT orders.id, 0, products.id, 'Mug', 1000, 1 FROM orders, products"
    " WHERE NOT EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_id = orders.id)",
    "INSERT INTO payments (id, order_id, state, idempotency_key, intent_id, amount, currency, order_version, cause,"
    " looked_at, created_at)"
    " SELECT gen_random_uuid(), id, 'open', 'pi:' || id, 'pi_' || replace(id::text, '-', ''), 1000, 'USD', version,"
    " 'bench', created_at, created_at FROM orders"
    " WHERE NOT EXISTS (SELECT 1 FROM payments AS p WHERE p.order_id = orders.id)",
)
FILLED = ("UPDATE installation SET made_at = now() - interval '31 days'", "ANALYZE")
PAYMENTS = text("SELECT id, order_id, intent_id, created_at FROM payments ORDER BY created_at DESC")
CLOSE = text("UPDATE orders SET status = 'canceled' WHERE id = :id")
LEFT = text("SELECT state, count(*) AS number FROM payments WHERE intent_id = ANY(:ids) GROUP BY state")
STEPS = text("SELECT name, milliseconds FROM sweep_steps WHERE milliseconds > 0 ORDER BY last_run_at, name")


@dataclass(frozen=True)
class Swept:
    """One sweep. `seconds` and `calls` of the whole; `late`: what should have been dealt with and was not."""

    orders: int
    number: int
    seconds: float
    calls: dict[str, int]
    steps: dict[str, float]
    late: int


def on_a_busy_account(shops: tuple[int, ...] = SHOPS) -> list[Swept]:
    logs.configure("ERROR", "json")
    return [swept for orders in shops for swept in asyncio.run(_shop(orders))]


async def _shop(orders: int) -> list[Swept]:
    with embedded_postgres() as url:
        migrations.upgrade(url)
        app = build_sandbox(SandboxConfig())
        async with served(app) as stripe_url:
            sandbox: Sandbox = app.state.sandbox
            database = build_database(url)
            gateway = StripeGateway(
                SandboxConfig().secret_keys[0], api_base=stripe_url, calls_per_second=RATE
            )
            inbox = Inbox(database, gateway, None, livemode=False)
            rows = await _filled(database, sandbox, orders)
            sandbox.faults.latency = LATENCY
            sweep = Sweep(database, gateway, inbox)
            found = [await _sweep(number, sweep, database, sandbox, rows) for number in (1, 2)]
            await gateway.close()
            await database.close()
            return found


async def fill(database: Database, orders: int) -> None:
    """Write so many open orders into a migrated database; Stripe has none of their intents yet."""
    await database.rows(text(PRODUCT))
    for first in range(1, orders + 1, PART):
        for statement in FILL:
            last = min(first + PART - 1, orders)
            await database.rows(text(statement.format(orders=orders, first=first, last=last)))
    for statement in FILLED:
        await database.rows(text(statement))


async def _filled(database: Database, sandbox: Sandbox, orders: int) -> list[tuple[str, str]]:
    """Our orders with their intents at Stripe, and a stranger's month; (order id, intent id), the youngest first."""
    await fill(database, orders)
    installation = await database.row(INSTALLATION)
    own = str(installation.id) if installation else ""
    template = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()
    found = []
    for row in sorted(await database.rows(PAYMENTS), key=lambda row: row.created_at):
        metadata = {"payment_id": str(row.id), "order_id": str(row.order_id), "installation_id": own}
        sandbox.state.payment_intents.save(
            {**template, "id": row.intent_id, "created": int(row.created_at.timestamp()), "metadata": metadata,
             "client_secret": f"{row.intent_id}_secret_{uuid4().hex}"}
        )  # fmt: skip
        found.append((str(row.order_id), row.intent_id))
    sandbox.strangers.move_in(Application(events_a_month=EVENTS_A_MONTH, days=30))
    return found[::-1]


async def _sweep(
    number: int, sweep: Sweep, database: Database, sandbox: Sandbox, rows: list[tuple[str, str]]
) -> Swept:
    at_once = CLOSED + UNHEARD
    mine = rows[number * 200 : number * 200 + at_once]
    for order_id, _ in mine[:CLOSED]:
        await database.rows(CLOSE, {"id": order_id})
    for _, intent_id in mine[CLOSED:]:
        sandbox.pay(intent_id)
    sandbox.journal.clear()
    began = time.perf_counter()
    await sweep.run()
    seconds = time.perf_counter() - began
    calls = Counter(name_of(each["method"].lower(), each["path"]) for each in sandbox.journal.calls())
    left = await database.rows(LEFT, {"ids": [intent_id for _, intent_id in mine]})
    done = sum(row.number for row in left if row.state in ("canceled", "succeeded"))
    steps = {row.name: row.milliseconds / 1_000 for row in await database.rows(STEPS)}
    return Swept(len(rows), number, seconds, dict(calls), steps, at_once - done)


def lines_of(found: list[Swept]) -> list[str]:
    """What was found, a line for each sweep."""
    lines = []
    for each in found:
        calls = ", ".join(f"{name} {count}" for name, count in sorted(each.calls.items()))
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in each.steps.items() if seconds >= 0.1)
        lines.append(
            f"{each.orders:,} open orders, sweep {each.number}: {each.seconds:.1f} s, {sum(each.calls.values())} calls "
            f"({calls}); seconds by step: {steps}; closed or paid and not dealt with: {each.late}"
        )
    return lines
