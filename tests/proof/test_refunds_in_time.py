"""Refunds that take days, fail late, or are asked for when Stripe has long forgotten the first question."""

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.whole_shop import ADA, WholeShop

ONE_DAY_OLDER = text(
    "UPDATE refunds SET created_at = created_at - interval '1 day', due_at = due_at - interval '1 day',"
    " key_until = key_until - interval '1 day', lease_until = NULL WHERE state = 'creating'"
)


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    """With a Stripe of its own, whose clock may be moved."""
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


def refunded(whole_shop: WholeShop) -> list[int]:
    return [refund["amount"] for refund in whole_shop.sandbox.state.refunds]


@pytest.mark.parametrize(
    ("fault", "made_meanwhile"), [("reset; point=before", False), ("reset; point=after", True)]
)
async def test_a_refund_that_stripe_could_not_be_asked_for_in_a_day_is_made_once(
    whole_shop: WholeShop, database: Database, fault: str, made_meanwhile: bool
) -> None:
    order_id, _ = await whole_shop.paid()
    whole_shop.sandbox.faults.add(
        Rule(fault=parse_fault(fault), method="POST", path="/v1/refunds", times=None)
    )
    await whole_shop.refund(order_id)
    assert bool(refunded(whole_shop)) is made_meanwhile

    whole_shop.sandbox.faults.clear()
    whole_shop.sandbox.clock.advance(90_000)
    await database.rows(ONE_DAY_OLDER)
    for _ in range(3):
        await whole_shop.sweep.run()

    assert refunded(whole_shop) == [1_000]
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED


async def test_late_money_goes_back_once_though_stripe_was_away_for_two_days(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id, "pm_usBankAccount_success")
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.complete(intent.id)
    away = Rule(fault=parse_fault("reset; point=before"), method="POST", path="/v1/refunds", times=None)
    whole_shop.sandbox.faults.add(away)
    for _ in range(2):
        await whole_shop.sweep.run()
        await database.rows(ONE_DAY_OLDER)

    whole_shop.sandbox.faults.clear()
    for _ in range(3):
        await whole_shop.sweep.run()

    assert refunded(whole_shop) == [5_248]


async def test_a_refund_of_a_wrong_amount_that_fails_leaves_the_order_in_review(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id, "pm_card_pendingRefund")
    await shop.set_price(order_id, 1_300)
    await whole_shop.sweep.run()
    assert await shop.status(order_id) is OrderStatus.REVIEW
    await whole_shop.refund(order_id)
    assert await shop.status(order_id) is OrderStatus.REFUNDED

    [refund] = whole_shop.sandbox.state.refunds
    whole_shop.sandbox.complete_refund(refund["id"], succeeds=False)
    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REVIEW


async def test_a_refund_in_the_place_of_one_that_failed_is_heard_of(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid(method="pm_card_pendingRefund")
    await whole_shop.refund(order_id)
    [refund] = whole_shop.sandbox.state.refunds
    whole_shop.sandbox.complete_refund(refund["id"], succeeds=False)
    whole_shop.sandbox.refund(intent_id)

    for _ in range(2):
        await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_canceled_while_stripe_is_away_the_order_is_closed_and_the_intent_follows(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id = await shop.order()
    await whole_shop.ask(order_id)
    away = Rule(fault=parse_fault("reset; point=before"), path="*/cancel", times=None)
    whole_shop.sandbox.faults.add(away)
    await whole_shop.cancellation.cancel(ADA, order_id)

    whole_shop.sandbox.faults.clear()
    await whole_shop.sweep.run()

    assert [intent["status"] for intent in whole_shop.sandbox.state.payment_intents] == ["canceled"]
