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
from tests.proof.whole_shop import WholeShop


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
def whole_shop(database: Database, stripe: Stripe, watching: Watching) -> WholeShop:
    return WholeShop(database, stripe.sandbox, watching)


async def test_a_change_is_asked_for_who_wants_it(
    database: Database, whole_shop: WholeShop, watching: Watching
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    await whole_shop.ask(order_id)
    line = OrderLine(name="Lamp", unit_amount=1_300, quantity=1)
    wanted = WantedChange(
        order_id=order_id, requested_by="shop", expected_version=2, lines=[line], total=1_300
    )

    await OrderChanges(database, watching).change(wanted)

    assert watching.users == ("shop",)


async def test_a_refund_is_asked_for_who_wants_it(whole_shop: WholeShop, watching: Watching) -> None:
    order_id, _ = await whole_shop.paid()

    await whole_shop.refund(order_id, 100)

    assert watching.users == ("shopkeeper",)


async def test_money_under_review_goes_back_for_who_decided(
    database: Database, whole_shop: WholeShop, watching: Watching
) -> None:
    order_id = await in_review(whole_shop)
    wish = ReviewWish(
        order_id=order_id,
        decision=ReviewDecision.REFUND,
        note="-",
        idempotency_key="k",
        decided_by="shopkeeper",
    )

    await Reviews(database, whole_shop.refunds).resolve(wish)

    assert watching.users == ("shopkeeper",)


async def in_review(whole_shop: WholeShop) -> UUID:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)
    await whole_shop.shop.set_price(order_id, 900)
    await whole_shop.shop.database.rows(text("UPDATE payments SET created_at = now() - interval '5 minutes'"))
    await whole_shop.sweep.run()
    return order_id
