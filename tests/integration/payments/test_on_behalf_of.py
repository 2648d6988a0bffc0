"""Whoever changes, refunds or decides shares the turns at Stripe with others, as paying customers do."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from services.orders.lines import OrderLine
from services.payments.call_priority import CALLER
from services.payments.intents import Intent, RefundRequest, StripeRefund
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.reviews import Reviews, ReviewWish
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway
from tests.proof.till import Till


class Watching(SandboxGateway):
    """Sees on whose behalf Stripe is asked to change something."""

    users: tuple[str | None, ...] = ()

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        self.users += (CALLER.get().user,)
        return await super().reprice_intent(intent_id, amount, idempotency_key=idempotency_key)

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        self.users += (CALLER.get().user,)
        return await super().create_refund(request)


@pytest.fixture
def watching(stripe: Stripe) -> Watching:
    return Watching(stripe.sandbox)


@pytest.fixture
def till(database: Database, stripe: Stripe, watching: Watching) -> Till:
    return Till(database, stripe.sandbox, watching)


async def test_a_change_is_asked_for_who_wants_it(database: Database, till: Till, watching: Watching) -> None:
    order_id = await till.shop.order(items=[(1_000, 1)])
    await till.ask(order_id)
    line = OrderLine(name="Lamp", unit_amount=1_300, quantity=1)
    wanted = WantedChange(
        order_id=order_id, requested_by="shop", expected_version=2, lines=[line], total=1_300
    )

    await OrderChanges(database, watching).change(wanted)

    assert watching.users == ("shop",)


async def test_a_refund_is_asked_for_who_wants_it(till: Till, watching: Watching) -> None:
    order_id, _ = await till.paid()

    await till.refund(order_id, 100)

    assert watching.users == ("shopkeeper",)


async def test_money_under_review_goes_back_for_who_decided(
    database: Database, till: Till, watching: Watching
) -> None:
    order_id = await in_review(till)
    wish = ReviewWish(
        order_id=order_id,
        decision=ReviewDecision.REFUND,
        note="-",
        idempotency_key="k",
        decided_by="shopkeeper",
    )

    await Reviews(database, till.refunds).resolve(wish)

    assert watching.users == ("shopkeeper",)


async def in_review(till: Till) -> UUID:
    order_id = await till.shop.order(items=[(1_000, 1)])
    till.sandbox.pay((await till.ask(order_id)).id)
    await till.shop.set_price(order_id, 900)
    await till.shop.database.rows(text("UPDATE payments SET created_at = now() - interval '5 minutes'"))
    await till.sweep.run()
    return order_id
