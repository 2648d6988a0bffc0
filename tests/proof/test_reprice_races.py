"""Prices that change while callers, and an older price, are on their way to Stripe."""

from typing import Any
from uuid import UUID

import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.payments.intents import Intent
from services.payments.payment_intents import PaymentIntents
from services.payments.refusals import PaymentInProgress
from tests.conftest import Stripe
from tests.make import Shop
from tests.proof.gateway import SandboxGateway
from tests.proof.interrupted_gateway import Happening, InterruptedGateway


class Tabs:
    """Customers of one order, each with a gateway in which something may happen."""

    def __init__(self, database: Database, stripe: Stripe, shop: Shop) -> None:
        self.database = database
        self.sandbox = stripe.sandbox
        self.shop = shop

    async def ask(self, order_id: UUID, **meanwhile: Happening) -> Intent:
        moments = {name.replace("_", " "): happening for name, happening in meanwhile.items()}
        gateway = InterruptedGateway(self.sandbox, moments)
        return await PaymentIntents(self.database, gateway, deadline=2).create("ada", order_id)

    async def ask_in_vain(self, order_id: UUID) -> None:
        payments = PaymentIntents(self.database, SandboxGateway(self.sandbox), deadline=0.1)
        with pytest.raises(PaymentInProgress):
            await payments.create("ada", order_id)

    def payable(self) -> dict[str, Any]:
        return {i["id"]: i["amount"] for i in self.sandbox.state.payment_intents if i["status"] != "canceled"}


@pytest.fixture
def tabs(database: Database, stripe: Stripe, shop: Shop) -> Tabs:
    return Tabs(database, stripe, shop)


async def test_while_one_price_is_on_its_way_nobody_sends_another(tabs: Tabs, shop: Shop) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    first = await tabs.ask(order_id)
    await shop.set_price(order_id, 1_200)

    async def it_changes_again() -> None:
        await shop.set_price(order_id, 1_300)
        await tabs.ask_in_vain(order_id)

    intent = await tabs.ask(order_id, before_reprice=it_changes_again)

    assert (intent.id, intent.amount) == (first.id, 1_300)
    assert tabs.payable() == {first.id: 1_300}


async def test_an_older_price_that_arrives_after_a_takeover_is_not_offered(tabs: Tabs, shop: Shop) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    first = await tabs.ask(order_id)
    await shop.set_price(order_id, 1_200)

    async def another_takes_over() -> None:
        [payment] = await shop.payments(order_id)
        await shop.set_payment(payment.id, lease_until=None)
        await shop.set_price(order_id, 1_300)
        assert (await tabs.ask(order_id)).amount == 1_300

    intent = await tabs.ask(order_id, before_reprice=another_takes_over)

    assert intent.amount == 1_300
    assert tabs.payable() == {intent.id: 1_300}
    assert [p.state for p in await shop.payments(order_id)] == ["canceled", "open"]
    assert first.id != intent.id


async def test_a_price_that_changes_while_the_secret_is_read_is_no_fault(tabs: Tabs, shop: Shop) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    first = await tabs.ask(order_id)

    async def it_is_repriced() -> None:
        await shop.set_price(order_id, 1_300)
        await tabs.ask(order_id)

    intent = await tabs.ask(order_id, before_retrieve=it_is_repriced)

    assert (intent.id, intent.amount) == (first.id, 1_300)


async def test_an_amount_that_somebody_else_changed_at_stripe_is_replaced(
    tabs: Tabs, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    first = await tabs.ask(order_id)
    stripe.sandbox.call("POST", f"/v1/payment_intents/{first.id}", {"amount": 900})

    intent = await tabs.ask(order_id)

    assert tabs.payable() == {intent.id: 1_000}
    assert await shop.status(order_id) is OrderStatus.PENDING
