"""refundOrder: for merchants, never more than came in, never twice, and what the dashboard does is seen."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Transaction
from sandbox.faults import Rule, parse_fault
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import hear_everything
from tests.reconciling import REFUNDS_DUE

REFUND = """
mutation Refund($input: RefundOrderInput!) {
  refundOrder(input: $input) {
    __typename
    ... on Refund { id status cause amount { minorUnits } reason }
    ... on UserError { code retryable }
    ... on AmountNotRefundable { refundable { minorUnits } }
    ... on OrderNotRefundable { orderStatus }
  }
}
"""
HISTORY = """
query History($id: ID!) {
  order(id: $id) {
    status
    refunds { status cause amount { minorUnits } }
    disputes { status reason amount { minorUnits } }
    payments { status disposition received { minorUnits } history { fromStatus toStatus cause } }
  }
}
"""


async def refund(client: Client, order_id: object, *, key: str | None = None, **wish: Any) -> dict[str, Any]:
    values = {"orderId": str(order_id), "idempotencyKey": key or str(uuid4()), **wish}
    data = await client.data(REFUND, {"input": values}, user="shopkeeper", role="merchant")
    result: dict[str, Any] = data["refundOrder"]
    return result


async def history(client: Client, order_id: UUID, *, role: str | None = "merchant") -> dict[str, Any]:
    user = "shopkeeper" if role else "ada"
    order: dict[str, Any] = (await client.data(HISTORY, {"id": str(order_id)}, user=user, role=role))["order"]
    return order


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


@pytest.fixture
async def paid(client: Client, shop: Shop, stripe: Stripe, inbox: Inbox) -> UUID:
    """An order of 52.48 USD, paid."""
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.PAID
    return order_id


def refunds_at(stripe: Stripe) -> list[dict[str, Any]]:
    return list(stripe.sandbox.state.refunds)


async def test_a_refund_of_everything(client: Client, shop: Shop, stripe: Stripe, paid: UUID) -> None:
    answer = await refund(client, paid, reason="requested_by_customer")

    assert answer["__typename"] == "Refund"
    assert (answer["status"], answer["cause"], answer["amount"]) == (
        "SUCCEEDED",
        "MERCHANT",
        {"minorUnits": 5_248},
    )
    [made] = refunds_at(stripe)
    assert (made["amount"], made["reason"]) == (5_248, "requested_by_customer")
    assert await shop.status(paid) is OrderStatus.REFUNDED


async def test_parts_add_up_and_no_more_than_was_received_goes_back(
    client: Client, shop: Shop, stripe: Stripe, paid: UUID
) -> None:
    first = await refund(client, paid, amount=2_000, reason="one mug was broken")
    assert (first["__typename"], await shop.status(paid)) == ("Refund", OrderStatus.PARTIALLY_REFUNDED)

    too_much = await refund(client, paid, amount=3_249)
    assert (too_much["__typename"], too_much["refundable"]) == ("AmountNotRefundable", {"minorUnits": 3_248})

    rest = await refund(client, paid)
    assert (rest["amount"], await shop.status(paid)) == ({"minorUnits": 3_248}, OrderStatus.REFUNDED)
    assert (await refund(client, paid))["refundable"] == {"minorUnits": 0}
    assert [made["amount"] for made in refunds_at(stripe)] == [2_000, 3_248]


@pytest.mark.parametrize("amount", [0, -1, 2**53 - 1])
async def test_an_amount_that_is_none_is_refused(
    client: Client, stripe: Stripe, paid: UUID, amount: int
) -> None:
    assert (await refund(client, paid, amount=amount))["__typename"] == "AmountNotRefundable"
    assert refunds_at(stripe) == []


async def test_refunds_that_race_for_more_than_was_paid_get_what_there_is(
    client: Client, settings: Settings, stripe: Stripe, database: Database, paid: UUID
) -> None:
    async def race(transaction: Transaction, other: Client) -> list[asyncio.Task[dict[str, Any]]]:
        """Of two servers, each has begun one before either is through: the payment's row is held here until then."""
        await transaction.rows(text("SELECT 1 FROM payments FOR UPDATE"))
        servers = (client, other) * 3
        racing = [asyncio.create_task(refund(server, paid, amount=3_000)) for server in servers]
        waiting = 0
        async with asyncio.timeout(10):
            while waiting < 2:
                waiting = (await transaction.one(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))[0]
        return racing

    async with running(settings) as http:
        other = Client(http, JWT_SECRET)
        racing = await database.transaction(lambda transaction: race(transaction, other))
        answers = await asyncio.gather(*racing)

    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["AmountNotRefundable"] * 5 + ["Refund"]
    assert sum(made["amount"] for made in refunds_at(stripe)) == 3_000


async def test_the_same_key_gives_the_same_refund(client: Client, stripe: Stripe, paid: UUID) -> None:
    answers = await asyncio.gather(*(refund(client, paid, key="k", amount=1_000) for _ in range(6)))

    assert len({answer["id"] for answer in answers}) == 1
    assert [made["amount"] for made in refunds_at(stripe)] == [1_000]
    other = await refund(client, paid, key="k", amount=2_000)
    assert other["__typename"] == "IdempotencyKeyReused"


async def test_only_a_merchant_refunds(client: Client, paid: UUID) -> None:
    values = {"input": {"orderId": str(paid), "idempotencyKey": "k"}}

    customer = await client.ask(REFUND, values, user="ada")
    nobody = await client.ask(REFUND, values, user=None)

    assert customer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert nobody["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_order_that_took_no_money_has_none_to_give_back(client: Client, shop: Shop) -> None:
    answer = await refund(client, await shop.order())

    assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotRefundable", "PENDING")
    assert (await refund(client, uuid4()))["__typename"] == "OrderNotFound"
    assert (await refund(client, "nonsense"))["__typename"] == "OrderNotFound"


@pytest.mark.parametrize("key", ["", "k" * 256, "a\0b"])
async def test_a_key_that_is_none_is_refused(client: Client, stripe: Stripe, paid: UUID, key: str) -> None:
    values = {"orderId": str(paid), "idempotencyKey": key}
    data = await client.data(REFUND, {"input": values}, user="shopkeeper", role="merchant")

    assert data["refundOrder"]["__typename"] == "InvalidRefund"
    assert refunds_at(stripe) == []


@pytest.mark.parametrize("name", ["reason", "note", "customerMessage"])
@pytest.mark.parametrize(
    "text", ["D\u00e9sol\u00e9\u00a0!", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "Sorry.\n\tAda"]
)
async def test_words_about_a_refund_are_what_people_write(
    client: Client, stripe: Stripe, paid: UUID, name: str, text: str
) -> None:
    assert (await refund(client, paid, amount=100, **{name: text}))["__typename"] == "Refund"


@pytest.mark.parametrize("name", ["reason", "note", "customerMessage"])
@pytest.mark.parametrize("text", [" ", "a\0b", "\ud800", "a\u202eb", "n" * 501])
async def test_words_that_nobody_can_read_are_refused(
    client: Client, stripe: Stripe, paid: UUID, name: str, text: str
) -> None:
    assert (await refund(client, paid, **{name: text}))["__typename"] == "InvalidRefund"
    assert refunds_at(stripe) == []


@pytest.mark.parametrize(
    "fault", ["reset; point=after", "truncated", "429", "500; point=after", "500; point=before"]
)
async def test_a_refund_of_unknown_outcome_is_recorded_and_made_once(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    paid: UUID,
    database: Database,
    gateway: StripeGateway,
    inbox: Inbox,
    fault: str,
) -> None:
    rule = Rule(fault=parse_fault(fault), method="POST", path="/v1/refunds", times=2)
    stripe.sandbox.faults.add(rule)

    answer = await refund(client, paid, key="k", amount=2_000)

    assert answer["__typename"] == "Refund"
    stripe.sandbox.faults.clear()
    await refund(client, paid, key="k", amount=2_000)
    sweep = Sweep(database, gateway, inbox)
    for _ in range(3):
        await database.rows(REFUNDS_DUE)
        await sweep.run()
    assert [made["amount"] for made in refunds_at(stripe)] == [2_000]
    assert (await refund(client, paid, key="k", amount=2_000))["status"] == "SUCCEEDED"
    assert await shop.status(paid) is OrderStatus.PARTIALLY_REFUNDED


async def test_a_refund_made_in_the_dashboard_is_seen(
    client: Client, shop: Shop, stripe: Stripe, paid: UUID, inbox: Inbox
) -> None:
    intent_id = (await shop.payments(paid))[0].intent_id
    stripe.sandbox.refund(intent_id, 1_000)

    await hear_everything(inbox, stripe)

    order = await history(client, paid)
    assert order["status"] == "PARTIALLY_REFUNDED"
    assert order["refunds"] == [
        {"status": "SUCCEEDED", "cause": "DASHBOARD", "amount": {"minorUnits": 1_000}}
    ]
    assert (await refund(client, paid, amount=4_249))["refundable"] == {"minorUnits": 4_248}


async def test_a_refund_that_the_dashboard_was_faster_with_is_not_made_twice(
    client: Client, shop: Shop, stripe: Stripe, paid: UUID
) -> None:
    intent_id = (await shop.payments(paid))[0].intent_id
    stripe.sandbox.refund(intent_id)

    await refund(client, paid)

    assert [made["amount"] for made in refunds_at(stripe)] == [5_248]
    assert await shop.status(paid) is OrderStatus.REFUNDED


async def test_a_refund_that_the_bank_refuses_later_is_taken_back_in_the_books(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"], "pm_card_pendingRefund")
    await hear_everything(inbox, stripe)
    assert (await refund(client, order_id))["status"] == "PENDING"

    stripe.sandbox.complete_refund(refunds_at(stripe)[0]["id"], succeeds=False)
    await hear_everything(inbox, stripe)

    order = await history(client, order_id)
    assert (order["status"], order["refunds"][0]["status"]) == ("PAID", "FAILED")


async def test_what_a_bank_took_in_a_dispute_is_not_given_back_besides(
    paid: UUID, client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    dispute = stripe.sandbox.dispute((await shop.payments(paid))[0].intent_id, amount=1_000)
    stripe.sandbox.close_dispute(dispute["id"], won=False)
    await hear_everything(inbox, stripe)

    refused = await refund(client, paid, amount=4_249)

    assert (refused["code"], refused["refundable"]) == ("AMOUNT_NOT_REFUNDABLE", {"minorUnits": 4_248})
    assert (await refund(client, paid))["amount"] == {"minorUnits": 4_248}


async def test_a_payment_that_a_bank_took_whole_is_not_given_back(
    paid: UUID, client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    dispute = stripe.sandbox.dispute((await shop.payments(paid))[0].intent_id)
    stripe.sandbox.close_dispute(dispute["id"], won=False)
    await hear_everything(inbox, stripe)

    refused = await refund(client, paid)

    assert (refused["code"], refused["refundable"]) == ("AMOUNT_NOT_REFUNDABLE", {"minorUnits": 0})
    assert refunds_at(stripe) == []


async def test_a_dispute_is_recorded_and_visible(
    client: Client, shop: Shop, stripe: Stripe, paid: UUID, inbox: Inbox
) -> None:
    stripe.sandbox.dispute((await shop.payments(paid))[0].intent_id)

    await hear_everything(inbox, stripe)

    [dispute] = (await history(client, paid))["disputes"]
    assert dispute == {"status": "needs_response", "reason": "fraudulent", "amount": {"minorUnits": 5_248}}


async def test_the_history_is_for_merchants_and_the_payments_for_the_owner_too(
    client: Client, paid: UUID
) -> None:
    seen_by_merchant, seen_by_owner = await history(client, paid), await history(client, paid, role=None)

    [payment] = seen_by_merchant["payments"]
    assert [change["toStatus"] for change in payment["history"]] == ["CREATING", "OPEN", "SUCCEEDED"]
    assert seen_by_owner["payments"] == [{**payment, "history": None}]


async def test_a_mismatch_under_review_can_be_given_back(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_price(order_id, 9_999)
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.REVIEW

    await refund(client, order_id)

    assert await shop.status(order_id) is OrderStatus.REFUNDED
