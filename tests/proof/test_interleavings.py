"""Races that chance rarely hits, each brought about on purpose."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.identity.principal import Principal
from services.payments.intents import Intent, IntentRequest, IntentStatus, RefundRequest, StripeRefund
from services.payments.order_cancellation import OrderCancellation
from services.payments.payment_intents import PaymentIntents
from services.payments.refund_wishes import RefundWish
from services.payments.refunds import Refunds
from services.payments.refusals import PaymentInProgress
from services.payments.settlement import Settlement
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop

ADA = Principal("ada", None, frozenset())


@pytest.fixture
def sweep(database: Database, gateway: StripeGateway, stripe: Stripe) -> Sweep:
    inbox = Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)
    return Sweep(database, gateway, inbox)


class Interrupted(StripeGateway):
    """The real gateway, with something happening between Stripe's answer and ours."""

    def __init__(self, gateway: StripeGateway, meanwhile: Any) -> None:
        super().__init__("sk_test_unused")
        self._real = gateway
        self._meanwhile = meanwhile
        self._happened = False

    async def _once(self) -> None:
        if not self._happened:
            self._happened = True
            await self._meanwhile()

    async def create_intent(self, request: IntentRequest) -> Intent:
        intent = await self._real.create_intent(request)
        await self._once()
        return intent

    async def retrieve_intent(self, intent_id: str) -> Intent:
        intent = await self._real.retrieve_intent(intent_id)
        await self._once()
        return intent

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        await self._once()
        return await self._real.reprice_intent(intent_id, amount, idempotency_key=idempotency_key)

    async def cancel_intent(self, intent_id: str) -> Intent:
        return await self._real.cancel_intent(intent_id)

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        await self._once()
        return await self._real.create_refund(request)

    async def list_refunds(self, intent_id: str) -> list[StripeRefund]:
        return await self._real.list_refunds(intent_id)


async def test_a_stale_answer_does_not_take_a_success_back(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")
    settlement = Settlement(database)
    in_hand = await gateway.retrieve_intent(intent_id)
    assert in_hand.status is IntentStatus.PROCESSING
    stripe.sandbox.complete(intent_id)
    await settlement.apply(await gateway.retrieve_intent(intent_id), cause="the success")

    for status in (IntentStatus.PROCESSING, IntentStatus.REQUIRES_PAYMENT_METHOD, IntentStatus.CANCELED):
        await settlement.apply(replace(in_hand, status=status), cause="stale")

    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.disposition) == ("succeeded", "settled")
    assert await shop.status(order_id) is OrderStatus.PAID


async def test_the_customer_pays_while_the_price_changes_and_a_person_is_called(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, sweep: Sweep
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    await shop.set_price(order_id, 5_000)

    async def pays() -> None:
        stripe.sandbox.pay(intent_id)

    answer = await asyncio.gather(
        PaymentIntents(database, Interrupted(gateway, pays)).create("ada", order_id), return_exceptions=True
    )

    assert isinstance(answer[0], Exception)
    assert await shop.status(order_id) is OrderStatus.REVIEW
    assert (await sweep.run()).for_a_person


async def test_the_customer_confirms_while_the_price_changes_and_is_not_charged_twice(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    await shop.set_price(order_id, 5_000)

    async def confirms() -> None:
        stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")

    with pytest.raises(PaymentInProgress):
        await PaymentIntents(database, Interrupted(gateway, confirms)).create("ada", order_id)

    assert len(list(stripe.sandbox.state.payment_intents)) == 1


async def test_a_sweep_between_stripes_answer_and_our_record_leaves_one_intent_and_its_secret(
    shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, sweep: Sweep
) -> None:
    order_id = await shop.order()

    async def sweeps() -> None:
        await sweep.run()

    intent = await PaymentIntents(database, Interrupted(gateway, sweeps)).create("ada", order_id)

    assert [made["id"] for made in stripe.sandbox.state.payment_intents] == [intent.id]


async def test_two_sweeps_at_once_do_the_work_of_one(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep
) -> None:
    paid, late = await shop.order(), await shop.order()
    for order_id in (paid, late):
        stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_order(late, status=OrderStatus.CANCELED)

    await asyncio.gather(sweep.run(), sweep.run(), sweep.run())
    await sweep.run()

    assert await shop.status(paid) is OrderStatus.PAID
    assert [refund["amount"] for refund in stripe.sandbox.state.refunds] == [5_248]


async def test_a_takeover_and_the_first_callers_late_answer_end_in_one_secret(
    shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    payments = PaymentIntents(database, gateway)
    taken_over: list[Intent] = []

    async def takes_over() -> None:
        [payment] = await shop.payments(order_id)
        await shop.set_payment(payment.id, lease_until=None)
        taken_over.append(await payments.create("ada", order_id))

    late = await PaymentIntents(database, Interrupted(gateway, takes_over)).create("ada", order_id)

    assert late.client_secret == taken_over[0].client_secret
    assert len(list(stripe.sandbox.state.payment_intents)) == 1


async def test_the_customer_pays_between_the_look_and_the_cancel_and_gets_the_money_back_once(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, sweep: Sweep
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]

    async def pays() -> None:
        stripe.sandbox.pay(intent_id)

    await OrderCancellation(database, Interrupted(gateway, pays)).cancel(ADA, order_id)
    for _ in range(3):
        await sweep.run()

    [payment] = await shop.payments(order_id)
    assert (await shop.status(order_id), payment.disposition) == (OrderStatus.CANCELED, "late")
    assert [refund["amount"] for refund in stripe.sandbox.state.refunds] == [5_248]


async def test_the_dashboard_refunds_between_our_record_and_our_call(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, sweep: Sweep
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    await sweep.run()

    async def dashboard() -> None:
        stripe.sandbox.refund(intent_id, 5_000)

    wish = RefundWish(
        order_id=order_id, amount=None, reason=None, idempotency_key="k", requested_by="shopkeeper"
    )
    await Refunds(database, Interrupted(gateway, dashboard)).request(wish)
    await sweep.run()

    assert [refund["amount"] for refund in stripe.sandbox.state.refunds] == [5_000]
    assert await shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED


async def test_of_two_paid_intents_one_settles_and_one_goes_back(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep
) -> None:
    order_id = await shop.order()
    settled = (await client.pay(order_id))["id"]
    [ours] = stripe.sandbox.state.payment_intents
    twin = stripe.sandbox.call(
        "POST",
        "/v1/payment_intents",
        {
            "amount": 5_248,
            "currency": "usd",
            "metadata": ours["metadata"],
        },
    ).json()
    for intent_id in (settled, twin["id"]):
        stripe.sandbox.pay(intent_id)

    for _ in range(3):
        await sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID
    assert [refund["amount"] for refund in stripe.sandbox.state.refunds] == [5_248]
    assert sorted(p.disposition for p in await shop.payments(order_id)) == ["duplicate", "settled"]


async def test_a_lost_answer_to_a_cancel_leaves_nothing_payable(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, sweep: Sweep
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    lost = Rule(fault=parse_fault("reset; point=after"), path="/v1/payment_intents/*/cancel", times=None)
    stripe.sandbox.faults.add(lost)

    await OrderCancellation(database, gateway).cancel(ADA, order_id)
    stripe.sandbox.faults.clear()
    await sweep.run()

    [payment] = await shop.payments(order_id)
    assert payment.state == "canceled"
    assert [i["status"] for i in stripe.sandbox.state.payment_intents] == ["canceled"]
