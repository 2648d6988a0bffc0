"""An authorized payment of which a part is captured: what Stripe released was never received, and isn't given back."""

from uuid import UUID

import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.payments.refunds import Refunds
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import all_refunds, hear_everything, intent_of, kinds, wish

TOTAL = 5_248  # of `Shop.order`


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


@pytest.fixture
def refunds(database: Database, gateway: StripeGateway) -> Refunds:
    return Refunds(database, gateway)


async def captured(client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, amount: int) -> UUID:
    """An order that was authorized, and captured in part in the dashboard."""
    stripe.sandbox.state.dashboard.set(capture_method="manual")
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    path = f"/v1/payment_intents/{intent_id}/capture"
    assert stripe.sandbox.call("POST", path, {"amount_to_capture": amount}).status == 200
    await hear_everything(inbox, stripe)
    return order_id


@pytest.mark.parametrize("amount", [1_000, TOTAL // 2, 5_000])  # less than is released, as much, more
async def test_what_was_released_at_a_partial_capture_is_no_refund(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    inbox: Inbox,
    refunds: Refunds,
    database: Database,
    amount: int,
) -> None:
    order_id = await captured(client, shop, stripe, inbox, amount)
    [released] = stripe.sandbox.state.refunds
    assert released["amount"] == TOTAL - amount

    await refunds.refresh(await intent_of(shop, order_id))

    assert await shop.status(order_id) is OrderStatus.REVIEW
    assert (await all_refunds(database), await kinds(database)) == ([], ["order_in_review"])


@pytest.mark.parametrize("amount", [1_000, TOTAL // 2, 5_000])
@pytest.mark.parametrize("hand", ["dashboard", "refundOrder"])
async def test_what_was_captured_of_a_part_can_be_given_back(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    inbox: Inbox,
    refunds: Refunds,
    database: Database,
    amount: int,
    hand: str,
) -> None:
    order_id = await captured(client, shop, stripe, inbox, amount)
    if hand == "dashboard":
        stripe.sandbox.refund(await intent_of(shop, order_id))
    else:
        await refunds.request(wish(order_id))

    await hear_everything(inbox, stripe)
    await refunds.refresh(await intent_of(shop, order_id))

    assert await shop.status(order_id) is OrderStatus.REFUNDED
    assert [(r.state, r.amount) for r in await all_refunds(database)] == [("succeeded", amount)]
    assert await kinds(database) == []
