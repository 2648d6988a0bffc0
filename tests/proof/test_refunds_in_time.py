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
from tests.proof.till import ADA, Till

ONE_DAY_OLDER = text(
    "UPDATE refunds SET created_at = created_at - interval '1 day', due_at = due_at - interval '1 day',"
    " lease_until = NULL WHERE state = 'creating'"
)


@pytest.fixture
def till(database: Database) -> Till:
    """With a Stripe of its own, whose clock may be moved."""
    return Till(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


def refunded(till: Till) -> list[int]:
    return [refund["amount"] for refund in till.sandbox.state.refunds]


@pytest.mark.parametrize(
    ("fault", "made_meanwhile"), [("reset; point=before", False), ("reset; point=after", True)]
)
async def test_a_refund_that_stripe_could_not_be_asked_for_in_a_day_is_made_once(
    till: Till, database: Database, fault: str, made_meanwhile: bool
) -> None:
    order_id, _ = await till.paid()
    till.sandbox.faults.add(Rule(fault=parse_fault(fault), method="POST", path="/v1/refunds", times=None))
    await till.refund(order_id)
    assert bool(refunded(till)) is made_meanwhile

    till.sandbox.faults.clear()
    till.sandbox.clock.advance(90_000)
    await database.rows(ONE_DAY_OLDER)
    for _ in range(3):
        await till.sweep.run()

    assert refunded(till) == [1_000]
    assert await till.shop.status(order_id) is OrderStatus.REFUNDED


async def test_late_money_goes_back_once_though_stripe_was_away_for_two_days(
    till: Till, database: Database, shop: Shop
) -> None:
    order_id = await shop.order()
    intent = await till.ask(order_id)
    till.sandbox.pay(intent.id, "pm_usBankAccount_success")
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    till.sandbox.complete(intent.id)
    away = Rule(fault=parse_fault("reset; point=before"), method="POST", path="/v1/refunds", times=None)
    till.sandbox.faults.add(away)
    for _ in range(2):
        await till.sweep.run()
        await database.rows(ONE_DAY_OLDER)

    till.sandbox.faults.clear()
    for _ in range(3):
        await till.sweep.run()

    assert refunded(till) == [5_248]


async def test_a_refund_of_a_wrong_amount_that_fails_leaves_the_order_in_review(
    till: Till, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await till.ask(order_id)
    till.sandbox.pay(intent.id, "pm_card_pendingRefund")
    await shop.set_price(order_id, 1_300)
    await till.sweep.run()
    assert await shop.status(order_id) is OrderStatus.REVIEW
    await till.refund(order_id)
    assert await shop.status(order_id) is OrderStatus.REFUNDED

    [refund] = till.sandbox.state.refunds
    till.sandbox.complete_refund(refund["id"], succeeds=False)
    await till.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REVIEW


async def test_a_refund_in_the_place_of_one_that_failed_is_heard_of(till: Till, shop: Shop) -> None:
    order_id, intent_id = await till.paid(method="pm_card_pendingRefund")
    await till.refund(order_id)
    [refund] = till.sandbox.state.refunds
    till.sandbox.complete_refund(refund["id"], succeeds=False)
    till.sandbox.refund(intent_id)

    for _ in range(2):
        await till.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_canceled_while_stripe_is_away_the_order_is_closed_and_the_intent_follows(
    till: Till, shop: Shop
) -> None:
    order_id = await shop.order()
    await till.ask(order_id)
    away = Rule(fault=parse_fault("reset; point=before"), path="*/cancel", times=None)
    till.sandbox.faults.add(away)
    await till.cancellation.cancel(ADA, order_id)

    till.sandbox.faults.clear()
    await till.sweep.run()

    assert [intent["status"] for intent in till.sandbox.state.payment_intents] == ["canceled"]
