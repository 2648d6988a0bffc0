"""cancelOrder: the order and its intent go together, and money that comes too late goes back once."""

import asyncio
import math
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.identity.principal import Principal, Scope, checkout_principal, service_key_principal
from services.orders.refusals import OrderNotPayable
from services.payments.intents import Intent
from services.payments.order_cancellation import OrderCancellation
from services.payments.payment_intents import PaymentIntents
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop

CANCEL = """
mutation Cancel($orderId: ID!) {
  cancelOrder(orderId: $orderId) {
    __typename
    ... on Order { id status payments { status } }
    ... on UserError { code retryable }
    ... on OrderNotCancelable { orderStatus }
  }
}
"""
ADA = Principal("ada", None, frozenset())
WHO = "query Who($id: ID!) { order(id: $id) { cancelReason canceledBy canceledAt } }"
SHOP = Principal("shopkeeper", roles=frozenset({"merchant"}))


async def cancel(client: Client, order_id: object, **who: Any) -> dict[str, Any]:
    result: dict[str, Any] = (await client.data(CANCEL, {"orderId": str(order_id)}, **who))["cancelOrder"]
    return result


async def hear_everything(database: Database, gateway: StripeGateway, stripe: Stripe) -> None:
    inbox = Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)
    for event in list(stripe.sandbox.state.events):
        webhook = stripe.sandbox.webhook(event["id"])
        await inbox.receive(webhook.body, webhook.signature)
    await inbox.finish_all()


def only_intent(stripe: Stripe) -> dict[str, Any]:
    [intent] = list(stripe.sandbox.state.payment_intents)
    return intent


async def test_an_order_without_a_payment_is_canceled_without_a_call(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()

    answer = await cancel(client, order_id)

    assert (answer["__typename"], answer["status"]) == ("Order", "CANCELED")
    assert stripe.sandbox.journal.calls() == []


async def test_the_intent_is_canceled_with_its_order(client: Client, shop: Shop, stripe: Stripe) -> None:
    order_id = await shop.order()
    await client.pay(order_id)

    answer = await cancel(client, order_id)

    assert (answer["status"], answer["payments"]) == ("CANCELED", [{"status": "CANCELED"}])
    assert only_intent(stripe)["status"] == "canceled"
    assert (await client.pay(order_id))["orderStatus"] == "CANCELED"


async def test_canceling_twice_is_the_same_as_once(client: Client, shop: Shop, stripe: Stripe) -> None:
    order_id = await shop.order()
    await client.pay(order_id)

    answers = await asyncio.gather(*(cancel(client, order_id) for _ in range(5)))

    assert all(answer["__typename"] in ("Order", "PaymentInProgress") for answer in answers)
    assert (await cancel(client, order_id))["status"] == "CANCELED"


async def test_a_merchant_cancels_any_order_and_a_stranger_none(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order(user="ada")

    stranger = await cancel(client, order_id, user="grace")
    missing = await cancel(client, uuid4(), user="grace")
    malformed = await cancel(client, "nonsense", user="grace")
    merchant = await cancel(client, order_id, user="shopkeeper", role="merchant")

    assert stranger == missing == malformed
    assert (stranger["__typename"], merchant["status"]) == ("OrderNotFound", "CANCELED")


def callers(order_id: UUID) -> dict[str, Principal]:
    """Everybody who may cancel an order of ada's, by the reason that is noted."""
    key_id, guest = uuid4(), checkout_principal(order_id, time.time() + 60, b"h")
    return {
        "its customer": ADA,
        "its guest": guest,
        "a merchant": SHOP,
        "a service key": service_key_principal(key_id, frozenset({Scope.ORDERS_WRITE}), math.inf),
    }


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("its customer", "CUSTOMER"),
        ("its guest", "CUSTOMER"),
        ("a merchant", "MERCHANT"),
        ("a service key", "MERCHANT"),
    ],
)
async def test_the_shop_reads_who_canceled_an_order_and_its_customer_only_when(
    client: Client, shop: Shop, database: Database, gateway: StripeGateway, who: str, reason: str
) -> None:
    order_id = await shop.order(user="ada")
    caller = callers(order_id)[who]
    cancellation = OrderCancellation(database, gateway)

    await cancellation.cancel(caller, order_id)
    await cancellation.cancel(SHOP, order_id)  # a second time changes nothing

    read_by_shop = (await client.data(WHO, {"id": str(order_id)}, user="boss", role="merchant"))["order"]
    read_by_customer = (await client.data(WHO, {"id": str(order_id)}))["order"]
    at = read_by_shop["canceledAt"]
    assert read_by_shop == {"cancelReason": reason, "canceledBy": caller.id, "canceledAt": at}
    assert read_by_customer == {"cancelReason": reason, "canceledBy": None, "canceledAt": at}
    assert at is not None


async def test_it_is_refused_while_the_bank_takes_its_time(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"], "pm_usBankAccount_success")

    answer = await cancel(client, order_id)

    assert (answer["__typename"], answer["retryable"]) == ("PaymentInProgress", True)
    assert await shop.status(order_id) is OrderStatus.PENDING


async def test_an_order_paid_unnoticed_is_paid_and_not_canceled(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])

    answer = await cancel(client, order_id)

    assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotCancelable", "PAID")


@pytest.mark.parametrize("fault", ["401", "429", "reset; point=before"])
async def test_when_stripe_cannot_be_asked_nothing_is_canceled(
    client: Client, shop: Shop, stripe: Stripe, fault: str
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    stripe.sandbox.faults.add(Rule(fault=parse_fault(fault), times=None))

    answer = await cancel(client, order_id)

    assert (answer["__typename"], answer["retryable"]) == ("PaymentProviderUnavailable", True)
    assert await shop.status(order_id) is OrderStatus.PENDING


async def test_an_order_stays_canceled_though_its_intent_could_not_be(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("429"), method="POST", times=None))

    answer = await cancel(client, order_id)

    assert (answer["status"], answer["payments"]) == ("CANCELED", [{"status": "CANCELING"}])


async def test_money_that_arrives_after_the_cancel_is_refunded_once(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.faults.add(Rule(fault=parse_fault("429"), method="POST", times=None))
    await cancel(client, order_id)
    stripe.sandbox.faults.clear()
    stripe.sandbox.pay(intent_id)

    await hear_everything(database, gateway, stripe)
    await hear_everything(database, gateway, stripe)

    [refund] = list(stripe.sandbox.state.refunds)
    [payment] = await shop.payments(order_id)
    assert (refund["amount"], payment.disposition) == (5_248, "late")
    assert await shop.status(order_id) is OrderStatus.CANCELED


async def test_a_cancel_during_the_create_call_keeps_the_secret_back(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()

    class CanceledMeanwhile(StripeGateway):
        async def create_intent(self, request: Any) -> Intent:
            intent = await gateway.create_intent(request)
            await OrderCancellation(database, gateway).cancel(ADA, order_id)
            return intent

    meanwhile = CanceledMeanwhile("sk_test_unused", api_base=stripe.url)
    with pytest.raises(OrderNotPayable):
        await PaymentIntents(database, meanwhile).create("ada", order_id)

    [payment] = await shop.payments(order_id)
    assert (await shop.status(order_id), payment.state) == (OrderStatus.CANCELED, "abandoned")
