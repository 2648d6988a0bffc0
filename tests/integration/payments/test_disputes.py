"""Disputes have true states: what a bank decided is never taken back by an answer that comes late."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.payments.disputes import Disputes
from services.payments.intents import StripeDispute
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import hear_everything, intent_of, kinds, open_cases


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


async def test_a_dispute_is_told_with_its_date_until_it_is_decided(
    paid: UUID, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    dispute = stripe.sandbox.dispute(await intent_of(shop, paid))
    await hear_everything(inbox, stripe)
    [case] = await open_cases(database)
    assert (case.kind, case.order_id) == ("dispute_open", paid)
    assert case.due_by == datetime.fromtimestamp(dispute["evidence_details"]["due_by"], UTC)

    stripe.sandbox.close_dispute(dispute["id"], won=False)
    await hear_everything(inbox, stripe)
    assert await kinds(database) == []


class Late(StripeGateway):
    """Answers about disputes with what was true earlier."""

    def __init__(self, disputes: list[StripeDispute], meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__("sk_test_unused")
        self._disputes = disputes
        self._meanwhile = meanwhile

    async def list_disputes(self, intent_id: str) -> list[StripeDispute]:
        await self._meanwhile()
        return self._disputes


@pytest.mark.parametrize("now", ["won", "lost", "under_review"])
async def test_a_dispute_never_goes_back_in_time(
    paid: UUID,
    shop: Shop,
    stripe: Stripe,
    database: Database,
    gateway: StripeGateway,
    now: str,
) -> None:
    intent_id = await intent_of(shop, paid)
    made = stripe.sandbox.dispute(intent_id)
    early = await gateway.list_disputes(intent_id)

    async def meanwhile() -> None:
        stripe.sandbox.move_dispute(made["id"], now)
        await Disputes(database, gateway).refresh(intent_id)

    await Disputes(database, Late(early, meanwhile)).refresh(intent_id)

    [dispute] = await database.rows(text("SELECT status FROM disputes"))
    assert dispute.status == now


async def test_what_is_decided_is_not_reopened_by_a_newer_wrong_answer(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    intent_id = await intent_of(shop, paid)
    made = stripe.sandbox.dispute(intent_id)
    early = await gateway.list_disputes(intent_id)
    stripe.sandbox.close_dispute(made["id"], won=False)
    await Disputes(database, gateway).refresh(intent_id)

    async def nothing() -> None: ...

    await Disputes(database, Late(early, nothing)).refresh(intent_id)

    [dispute] = await database.rows(text("SELECT status FROM disputes"))
    assert dispute.status == "lost"


@pytest.mark.parametrize(("amount", "currency"), [(700, "jpy"), (9_999_999, "idr")])
async def test_a_dispute_in_another_currency_is_about_all_of_its_payment(
    paid: UUID,
    shop: Shop,
    stripe: Stripe,
    inbox: Inbox,
    database: Database,
    amount: int,
    currency: str,
) -> None:
    dispute = stripe.sandbox.dispute(await intent_of(shop, paid))
    stripe.sandbox.disguise(dispute["id"], amount=amount, currency=currency)

    await hear_everything(inbox, stripe)

    [row] = await database.rows(text("SELECT amount FROM disputes"))
    [case] = await open_cases(database)
    assert row.amount == 5_248
    assert "52.48 USD" in case.message
