"""Stripe takes only multiples of 100 in ISK and UGX, and of 10 in currencies with three decimals: also back."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import all_refunds, hear_everything

REFUND = """
mutation Refund($input: RefundOrderInput!) {
  refundOrder(input: $input) {
    __typename
    ... on Refund { status amount { minorUnits amount } }
    ... on UserError { code message retryable }
    ... on AmountNotRefundable { refundable { minorUnits } step { minorUnits amount } }
  }
}
"""
PAY = """
mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename ... on UserError { message } } }
"""
IMPORT = """
mutation($input: ImportOrderInput!) {
  importOrder(input: $input) { __typename ... on Order { id version } ... on UserError { message } }
}
"""
UPDATE = """
mutation($input: UpdateOrderInput!) {
  updateOrder(input: $input) { __typename ... on Order { total { minorUnits } } ... on UserError { message } }
}
"""
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
# Currency, total, an amount that can't go back, one that can, and the step as people read it.
STEPPED = [
    ("ISK", 500_000, 150_050, 150_000, "1"),
    ("UGX", 500_000, 199, 100, "1"),
    ("KWD", 12_340, 1_235, 1_230, "0.010"),
    ("BHD", 12_340, 1, 10, "0.010"),
]


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


async def paid_in(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, currency: str, total: int
) -> UUID:
    order_id = await shop.order(items=[(total, 1)], currency=currency)
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.PAID
    return order_id


async def refund(client: Client, order_id: UUID, **wish: Any) -> dict[str, Any]:
    values = {"orderId": str(order_id), "idempotencyKey": str(uuid4()), **wish}
    answer: dict[str, Any] = (await client.data(REFUND, {"input": values}, **MERCHANT))["refundOrder"]
    return answer


@pytest.mark.parametrize(("currency", "total", "odd", "whole", "step"), STEPPED)
async def test_a_refund_that_stripe_cannot_make_is_refused_before_any_call(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    inbox: Inbox,
    database: Database,
    currency: str,
    total: int,
    odd: int,
    whole: int,
    step: str,
) -> None:
    order_id = await paid_in(client, shop, stripe, inbox, currency, total)
    stripe.sandbox.journal.clear()

    refused = await refund(client, order_id, amount=odd)

    assert (refused["__typename"], refused["code"]) == ("AmountNotRefundable", "AMOUNT_NOT_REFUNDABLE")
    assert (refused["refundable"], refused["step"]["amount"]) == ({"minorUnits": total}, step)
    assert f"in steps of {step}" in refused["message"]
    assert stripe.sandbox.journal.calls() == []
    assert await all_refunds(database) == []

    made = await refund(client, order_id, amount=whole)
    rest = await refund(client, order_id)
    assert [made["status"], rest["status"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert rest["amount"]["minorUnits"] == total - whole
    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_a_currency_without_steps_says_nothing_of_them(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await paid_in(client, shop, stripe, inbox, "JPY", 501)

    refused = await refund(client, order_id, amount=502)

    assert refused["message"] == "Between 1 and 501 JPY can be given back."
    assert (await refund(client, order_id, amount=1))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("currency", "received", "lost", "back"), [("ISK", 50_000, 10_050, 39_900), ("KWD", 12_340, 5, 12_330)]
)
async def test_of_an_odd_rest_as_much_goes_back_as_stripe_takes(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, currency: str, received: int,
    lost: int, back: int,
) -> None:  # fmt: skip
    """What is left is odd only where somebody else's hand was in it, such as in another version of the books."""
    order_id = await paid_in(client, shop, stripe, inbox, currency, received)
    payment_id = (await shop.payments(order_id))[0].id
    await shop.set_payment(payment_id, amount_received=received - lost)

    refused = await refund(client, order_id, amount=received - lost)
    made = await refund(client, order_id)

    assert (refused["__typename"], refused["refundable"]) == ("AmountNotRefundable", {"minorUnits": back})
    assert (made["status"], made["amount"]["minorUnits"]) == ("SUCCEEDED", back)
    nothing = await refund(client, order_id)
    assert (nothing["refundable"], nothing["message"]) == (
        {"minorUnits": 0},
        f"Nothing in {currency} is left that can be given back.",
    )


@pytest.mark.parametrize(
    ("currency", "total", "told"), [("ISK", 50_050, "a multiple of 1 ISK"), ("KWD", 12_345, "0.010 KWD")]
)
async def test_a_total_that_is_not_whole_is_told_so(
    client: Client, shop: Shop, currency: str, total: int, told: str
) -> None:
    """And not that it lies outside of bounds that it keeps."""
    order_id = await shop.order(items=[(total, 1)], currency=currency)

    answer = (await client.data(PAY, {"id": str(order_id)}))["createPaymentIntent"]

    assert answer["__typename"] == "AmountNotChargeable"
    assert told in answer["message"]
    assert "between" not in answer["message"]


@pytest.mark.parametrize(("currency", "odd", "whole"), [("ISK", 50_050, 50_000), ("OMR", 12_345, 12_340)])
async def test_the_shop_hears_of_a_total_that_is_not_whole_and_not_its_customer(
    client: Client, shop: Shop, stripe: Stripe, currency: str, odd: int, whole: int
) -> None:
    def order(total: int) -> dict[str, Any]:
        lines = [{"name": "Lamp", "unitAmount": total}]
        return {"reference": "A-1", "userId": "ada", "currency": currency, "lines": lines, "total": total}

    refused = (await client.data(IMPORT, {"input": order(odd)}, **MERCHANT))["importOrder"]
    taken = (await client.data(IMPORT, {"input": order(whole)}, **MERCHANT))["importOrder"]
    await client.pay(UUID(taken["id"]))
    change = {
        "orderId": taken["id"], "expectedVersion": taken["version"],
        "lines": [{"name": "Lamp", "unitAmount": odd}], "total": odd,
    }  # fmt: skip
    stripe.sandbox.journal.clear()
    unchanged = (await client.data(UPDATE, {"input": change}, **MERCHANT))["updateOrder"]

    for answer in (refused, unchanged):
        assert answer["__typename"] == "InvalidOrder", answer
        assert "multiple of" in answer["message"]
    assert stripe.sandbox.journal.calls() == []
    assert (await client.pay(UUID(taken["id"])))["amount"]["minorUnits"] == whole


async def test_lines_need_not_be_whole_when_their_total_is(client: Client, shop: Shop) -> None:
    lines = [{"name": "Pin", "unitAmount": 1_235, "quantity": 2}]
    order = {"reference": "A-2", "userId": "ada", "currency": "KWD", "lines": lines, "total": 2_470}

    taken = (await client.data(IMPORT, {"input": order}, **MERCHANT))["importOrder"]

    assert (await client.pay(UUID(taken["id"])))["amount"]["minorUnits"] == 2_470


async def test_an_amount_is_of_the_orders_currency_and_not_of_money_in_another(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    """Somebody changed the currency by SQL: a thousand yen are not ten dollars."""
    order_id = await paid_in(client, shop, stripe, inbox, "USD", 2_000)
    await shop.set_order(order_id, currency="JPY")

    refused = await refund(client, order_id, amount=1_000)

    assert (refused["__typename"], refused["refundable"]["minorUnits"]) == ("AmountNotRefundable", 0)
    assert await all_refunds(database) == []
    made = await refund(client, order_id)
    assert made["amount"] == {"minorUnits": 2_000, "amount": "20.00"}
