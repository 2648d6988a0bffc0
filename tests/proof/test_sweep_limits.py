"""What the sweep can't fix must not keep it from fixing the rest."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from models import OrderStatus
from models.refunds.statements import UNFINISHED_REFUNDS
from models.refunds.tables import RefundState
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from services.payments.refusals import PaymentProviderUnavailable
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.whole_shop import WholeShop

AN_HOUR_PASSES = text("UPDATE payments SET looked_at = looked_at - interval '61 minutes'")
MADE_AND_LOOKED_AT = text(
    "UPDATE payments SET created_at = now() - CAST(CAST(:age AS text) AS interval),"
    " looked_at = now() - interval '30 minutes' WHERE intent_id = :intent_id"
)
UNKNOWN_TO_STRIPE = text("UPDATE payments SET intent_id = 'pi_unknown' WHERE id = :payment_id")


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    """With a Stripe of its own, whose clock may be moved."""
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


@pytest.mark.parametrize("fault", ["reset; point=before", "reset; point=after"])
async def test_a_payment_whose_order_can_not_be_charged_any_more_is_not_left_unanswered(
    whole_shop: WholeShop, shop: Shop, fault: str
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(fault), times=None))
    with pytest.raises(PaymentProviderUnavailable):
        await whole_shop.ask(order_id)
    whole_shop.sandbox.faults.clear()
    await shop.set_price(order_id, 0)

    for _ in range(2):
        await whole_shop.sweep.run()

    [payment] = await shop.payments(order_id)
    assert payment.state == ("canceled" if fault.endswith("after") else "abandoned")


async def test_an_intent_that_stripe_does_not_know_holds_up_no_other(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    orders = [await shop.order() for _ in range(3)]
    for order_id in orders:
        await whole_shop.ask(order_id)
        await shop.set_order(order_id, status=OrderStatus.CANCELED)
    [payment] = await shop.payments(orders[0])
    await database.rows(UNKNOWN_TO_STRIPE, {"payment_id": payment.id})

    findings = await whole_shop.sweep.run()

    states = [[p.state for p in await shop.payments(order_id)] for order_id in orders]
    assert states[1:] == [["canceled"], ["canceled"]]
    assert any("has no answer about payments" in sentence for sentence in findings.for_a_person)
    assert not findings.unreachable


async def test_an_intent_that_is_as_we_know_is_asked_about_without_its_orders_lock(
    whole_shop: WholeShop, database: Database, shop: Shop, postgres_url: str
) -> None:
    await whole_shop.ask(await shop.order())
    await whole_shop.sweep.run()  # hears its events
    await database.rows(AN_HOUR_PASSES)

    async with await psycopg.AsyncConnection.connect(postgres_url) as hand, asyncio.timeout(10):
        await hand.execute("SELECT FROM orders FOR UPDATE")
        findings = await whole_shop.sweep.run()

    assert findings.done["payable intents looked at"] == 1


async def test_an_intent_that_changed_unheard_is_heard_of_within_the_hour(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    await whole_shop.sweep.run()
    whole_shop.sandbox.pay(intent.id)
    # No list tells of it.
    await database.rows(text("UPDATE leases SET done_until = now() + interval '1 day'"))
    await database.rows(AN_HOUR_PASSES)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_after_a_restored_backup_refunds_and_disputes_are_known_with_their_payment(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id, 400)
    whole_shop.sandbox.dispute(intent_id)
    await shop.forget_payments()
    await shop.set_order(order_id, status=OrderStatus.PENDING)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED
    [dispute] = await database.rows(text("SELECT amount FROM disputes"))
    assert dispute.amount == 1_000


async def test_late_money_that_somebody_gave_back_by_hand_calls_for_nobody(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    whole_shop.sandbox.refund(intent.id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    findings = [await whole_shop.sweep.run() for _ in range(2)]

    assert findings[-1].for_a_person == []


async def test_what_is_left_of_late_money_goes_back_when_somebody_gave_back_a_part(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    whole_shop.sandbox.refund(intent.id, 400)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    findings = await whole_shop.sweep.run()

    [charge] = whole_shop.sandbox.state.charges
    assert charge["amount_refunded"] == 1_000
    assert findings.for_a_person == []


async def test_late_money_in_a_dispute_calls_for_a_person_until_the_bank_has_taken_it(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    dispute = whole_shop.sandbox.dispute(intent.id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    disputed = await whole_shop.sweep.run()
    whole_shop.sandbox.close_dispute(dispute["id"], won=False)
    lost = await whole_shop.sweep.run()

    assert any("accept the dispute" in sentence for sentence in disputed.for_a_person)
    assert lost.for_a_person == []


async def test_a_refund_that_was_never_sent_goes_before_those_that_wait(
    whole_shop: WholeShop, database: Database
) -> None:
    waiting, _ = await whole_shop.paid(method="pm_card_pendingRefund")
    await whole_shop.refund(waiting, 100)
    unsent, _ = await whole_shop.paid()
    away = Rule(fault=parse_fault("reset; point=before"), path="/v1/refunds", times=None)
    whole_shop.sandbox.faults.add(away)
    await whole_shop.refund(unsent, 100)
    await database.rows(
        text(
            "UPDATE refunds SET due_at = now() - CASE state WHEN 'pending' THEN interval '1 day' ELSE '0' END"
        )
    )

    [first] = await database.rows(UNFINISHED_REFUNDS, {"limit": 1})

    assert first.state == RefundState.CREATING


async def test_an_old_intent_is_asked_about_more_rarely_than_a_young_one(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    intents = {age: await whole_shop.ask(await shop.order()) for age in ("1 hour", "10 days")}
    await whole_shop.sweep.run()  # hears their events
    for age, intent in intents.items():
        await database.rows(MADE_AND_LOOKED_AT, {"age": age, "intent_id": intent.id})

    findings = await whole_shop.sweep.run()

    assert findings.done["payable intents looked at"] == 1
