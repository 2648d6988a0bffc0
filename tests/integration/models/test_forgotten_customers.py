"""docs/operations/sql/forget_customer.sql, run by psql: nothing tells whose an order was, and its money stays."""

import json
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import hear_everything

FILE = Path(__file__).parents[3] / "docs/operations/sql/forget_customer.sql"
PSQL = shutil.which("psql")
EMAIL = "ada.lovelace@shop.test"
TABLES = (
    "orders",
    "payments",
    "refunds",
    "declines",
    "order_items",
    "payment_transitions",
    "payer_addresses",
    "shop_events",
)
pytestmark = pytest.mark.skipif(PSQL is None, reason="psql is not installed")


def forget(url: str, customer: str, email: str) -> None:
    variables = ["--set", "ON_ERROR_STOP=1", "--set", f"customer={customer}", "--set", f"email={email}"]
    subprocess.run([str(PSQL), "--quiet", url, *variables, "--file", str(FILE)], check=True)  # noqa: S603


async def everything(database: Database) -> str:
    rows = [await database.rows(text(f"SELECT row_to_json(t)::text AS row FROM {name} t")) for name in TABLES]  # noqa: S608
    return "\n".join(row.row for table in rows for row in table)


@pytest.fixture
async def orders(
    client: Client, shop: Shop, stripe: Stripe, gateway: StripeGateway, database: Database
) -> tuple[UUID, UUID, UUID]:
    """Paid and refunded in part by Ada; pending, hers too; another customer's, paid."""
    inbox = Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)
    paid, pending, other = await shop.order(), await shop.order(), await shop.order(user="eve")
    for order_id in (paid, pending):
        made_by = {"idempotency_key": f"ada's cart {order_id}", "import_digest": "made of ada's address"}
        await shop.set_order(order_id, receipt_email=EMAIL, **made_by)
        await shop.set_metadata(order_id, {"phone": "+44 20 7946 0000"})
    await shop.set_order(other, receipt_email="eve@shop.test")
    for order_id, user in ((paid, "ada"), (other, "eve")):
        stripe.sandbox.pay((await client.pay(order_id, user=user))["id"])
    await hear_everything(inbox, stripe)
    return paid, pending, other


@pytest.mark.parametrize(("customer", "email"), [("ada", ""), ("", EMAIL.upper()), ("ada", EMAIL)])
async def test_nothing_tells_whose_an_ended_order_was(
    orders: tuple[UUID, UUID, UUID],
    database: Database,
    postgres_url: str,
    shop: Shop,
    customer: str,
    email: str,
) -> None:
    paid, pending, other = orders
    money = text("SELECT id, state, amount, amount_received, disposition FROM payments ORDER BY id")
    before = await database.rows(money)

    forget(postgres_url, customer, email)

    left = [line for line in (await everything(database)).splitlines() if str(pending) not in line]
    assert not [line for line in left for word in ('"ada"', "ada's", "lovelace", "7946") if word in line]
    assert any("eve@shop.test" in line for line in left)
    assert await database.rows(money) == before
    assert [await shop.status(each) for each in (paid, other)] == [OrderStatus.PAID, OrderStatus.PAID]
    [kept] = await database.rows(text("SELECT user_id, receipt_email FROM orders WHERE status = 'pending'"))
    assert (kept.user_id, kept.receipt_email) == ("ada", EMAIL)


async def test_an_empty_name_forgets_nobody(
    orders: tuple[UUID, UUID, UUID], database: Database, postgres_url: str
) -> None:
    before = await everything(database)

    forget(postgres_url, "", "")

    assert json.dumps(sorted(before.splitlines())) == json.dumps(
        sorted((await everything(database)).splitlines())
    )
