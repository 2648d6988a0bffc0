"""Unpaid orders expire: the intent first, then the order, and a payment that came first wins. Also who canceled."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.payments.intents import GatewayError
from services.payments.order_expiry import OrderExpiry
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.make import Shop

CANCEL = (
    "mutation C($id: ID!) { cancelOrder(orderId: $id) { __typename ... on Order { status cancelReason } } }"
)
CREATE = """
mutation O($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id expiresAt createdAt } } }
"""


async def expire_due(expiry: OrderExpiry) -> list[str]:
    """What became of each order that is due."""
    outcomes = []
    for due in await expiry.due():
        try:
            outcomes.append("expired" if await expiry.expire(due.id) else "left alone")
        except GatewayError:
            outcomes.append("failed")
    return sorted(outcomes)


OVER = text("UPDATE orders SET expires_at = now() - interval '1 second'")


@pytest.fixture
def expiry(database: Database, gateway: StripeGateway) -> OrderExpiry:
    return OrderExpiry(database, gateway)


async def reason(shop: Shop, order_id: UUID) -> str | None:
    row = await shop.database.row(
        text("SELECT cancel_reason, canceled_by, canceled_at FROM orders WHERE id = :id"), {"id": order_id}
    )
    assert row is not None
    assert row.canceled_by is None  # nobody did
    assert (row.canceled_at is None) == (row.cancel_reason is None)
    return None if row.cancel_reason is None else str(row.cancel_reason)


def intent_states(stripe: Stripe) -> list[str]:
    return [intent["status"] for intent in stripe.sandbox.state.payment_intents]


async def test_an_unpaid_order_and_its_intent_are_canceled_when_its_time_is_over(
    client: Client, shop: Shop, stripe: Stripe, database: Database, expiry: OrderExpiry
) -> None:
    order_id, later, without = await shop.order(), await shop.order(), await shop.order()
    await client.pay(order_id)
    await database.rows(OVER)
    await shop.set_order(later, expires_at=None)

    assert await expire_due(expiry) == ["expired"] * 2
    assert (await shop.status(order_id), await reason(shop, order_id)) == (OrderStatus.CANCELED, "expired")
    assert intent_states(stripe) == ["canceled"]
    assert [p.state for p in await shop.payments(order_id)] == ["canceled"]
    assert await shop.status(later) is OrderStatus.PENDING
    assert await shop.status(without) is OrderStatus.CANCELED
    assert await expire_due(expiry) == []


@pytest.mark.parametrize(
    ("method", "status"),
    [("pm_card_visa", OrderStatus.PAID), ("pm_usBankAccount_success", OrderStatus.PENDING)],
)
async def test_a_payment_that_came_first_wins(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    database: Database,
    expiry: OrderExpiry,
    method: str,
    status: OrderStatus,
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"], method)
    await database.rows(OVER)

    assert await expire_due(expiry) == ["left alone"]

    assert (await shop.status(order_id), await reason(shop, order_id)) == (status, None)


async def test_what_is_authorized_does_not_expire(
    client: Client, shop: Shop, stripe: Stripe, database: Database, expiry: OrderExpiry
) -> None:
    stripe.sandbox.state.dashboard.set(capture_method="manual")
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await database.rows(OVER)

    assert await expire_due(expiry) == ["left alone"]
    assert intent_states(stripe) == ["requires_capture"]


async def test_an_intent_that_cannot_be_canceled_now_keeps_its_order_and_holds_up_no_other(
    client: Client, shop: Shop, stripe: Stripe, database: Database, expiry: OrderExpiry
) -> None:
    sick, well = await shop.order(), await shop.order()
    intent_id = (await client.pay(sick))["id"]
    await client.pay(well)
    stripe.sandbox.faults.add(
        Rule(fault=parse_fault("503"), path=f"/v1/payment_intents/{intent_id}", times=None)
    )
    await database.rows(OVER)

    assert await expire_due(expiry) == ["expired", "failed"]
    assert await shop.status(sick) is OrderStatus.PENDING

    stripe.sandbox.faults.clear()
    assert await expire_due(expiry) == ["expired"]


async def test_an_order_whose_time_is_over_gives_no_secret(
    client: Client, shop: Shop, database: Database
) -> None:
    order_id, paying = await shop.order(), await shop.order()
    await client.pay(paying)
    await database.rows(OVER)

    for each in (order_id, paying):
        answer = await client.pay(each)
        assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotPayable", "CANCELED")


async def test_a_time_that_was_set_anew_meanwhile_counts(
    shop: Shop, database: Database, expiry: OrderExpiry
) -> None:
    order_id = await shop.order()
    await database.rows(OVER)
    [due] = await expiry.due()
    await database.rows(text("UPDATE orders SET expires_at = now() + interval '1 hour'"))

    assert due.id == order_id
    assert not await expiry.expire(order_id)
    assert await shop.status(order_id) is OrderStatus.PENDING


async def test_the_sweep_expires_what_is_due(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    await database.rows(OVER)

    inbox = Inbox(database, gateway, None, livemode=False)
    findings = await Sweep(database, gateway, inbox).run()

    assert findings.done["orders expired"] == 1
    assert (await shop.status(order_id), intent_states(stripe)) == (OrderStatus.CANCELED, ["canceled"])
    assert findings.exit_code == 0


@pytest.mark.parametrize(
    ("user", "role", "named"), [("ada", None, "CUSTOMER"), ("shopkeeper", "merchant", "MERCHANT")]
)
async def test_an_order_says_who_canceled_it(
    client: Client, shop: Shop, user: str, role: str | None, named: str
) -> None:
    order_id = await shop.order(user="ada")

    answer = (await client.data(CANCEL, {"id": str(order_id)}, user=user, role=role))["cancelOrder"]

    assert answer == {"__typename": "Order", "status": "CANCELED", "cancelReason": named}


@pytest.mark.parametrize("role", [None, "merchant"])
async def test_an_authorized_order_can_be_canceled(
    client: Client, shop: Shop, stripe: Stripe, role: str | None
) -> None:
    stripe.sandbox.state.dashboard.set(capture_method="manual")
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    assert intent_states(stripe) == ["requires_capture"]

    user = "shopkeeper" if role else "ada"
    answer = (await client.data(CANCEL, {"id": str(order_id)}, user=user, role=role))["cancelOrder"]

    assert (answer["status"], intent_states(stripe)) == ("CANCELED", ["canceled"])


@pytest.fixture
async def short_lived(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings.model_copy(update={"order_lifetime": 3_600})) as client:
        yield client


async def test_a_setting_says_how_long_an_order_may_stay_unpaid(
    client: Client, short_lived: httpx.AsyncClient, shop: Shop
) -> None:
    wish = {"input": {"items": [{"productId": str(await shop.product()), "quantity": 1}]}}

    for_ever = (await client.data(CREATE, wish))["createOrder"]
    limited = (await Client(short_lived, JWT_SECRET).data(CREATE, wish))["createOrder"]

    assert for_ever["expiresAt"] is None
    row = await shop.database.row(
        text("SELECT expires_at - created_at AS lifetime FROM orders WHERE id = :id"),
        {"id": UUID(limited["id"])},
    )
    assert row is not None
    assert abs(row.lifetime - timedelta(hours=1)) < timedelta(minutes=1)


async def test_a_new_total_that_stripe_refuses_is_told_with_its_reason(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    stripe.sandbox.state.dashboard.minimums["usd"] = 6_000
    await shop.set_price(order_id, 2_000)

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["retryable"]) == ("AmountNotChargeable", False)
    assert "between" not in answer["message"]


async def test_a_token_that_cancels_again_and_again_is_limited_by_user_and_by_order(
    settings: Settings, database: Database, shop: Shop
) -> None:
    few = {"cancels_per_minute": 3, "cancels_per_minute_of_order": 2}
    async with running(settings.model_copy(update=few)) as http:
        client = Client(http, JWT_SECRET)
        orders = [await shop.order() for _ in range(2)]
        answers = [
            (await client.data(CANCEL, {"id": str(order)}))["cancelOrder"]["__typename"]
            for order in (orders[0], orders[0], orders[0], orders[1])
        ]

    assert answers == ["Order", "Order", "RateLimited", "RateLimited"]
