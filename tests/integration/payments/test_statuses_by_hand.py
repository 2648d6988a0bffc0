"""A paid order's status is set by plain SQL: its money stays where it is, and a person decides before anything else."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.payments.tables import Disposition
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from services.orders.refusals import OrderNotCancelable
from tests.make import Shop
from tests.proof.whole_shop import ADA, WholeShop

CASES = text("SELECT kind, message FROM attention WHERE closed_at IS NULL")


@pytest.mark.parametrize("how", ["expires", "is canceled"])
async def test_an_order_that_was_set_back_to_pending_is_not_closed_over_its_money(
    whole_shop: WholeShop, database: Database, shop: Shop, how: str
) -> None:
    order_id, _ = await whole_shop.paid()
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    if how == "expires":
        await shop.set_order(order_id, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    else:
        with pytest.raises(OrderNotCancelable) as refused:
            await whole_shop.cancellation.cancel(ADA, order_id)
        assert refused.value.status is OrderStatus.REVIEW

    findings = await whole_shop.sweep.run()

    assert (findings.cases, findings.unfinished) == (1, [])
    assert await shop.status(order_id) is OrderStatus.PENDING
    await whole_shop.decide(order_id, ReviewDecision.ACCEPT)
    assert await shop.status(order_id) is OrderStatus.PAID
    assert await database.rows(CASES) == []


# What says that no money is here, while all of it is.
SET_TO = [OrderStatus.CANCELED, OrderStatus.REFUNDED, OrderStatus.PARTIALLY_REFUNDED]


@pytest.mark.parametrize("said", SET_TO)
@pytest.mark.parametrize(
    ("decision", "status", "given_back"),
    [(ReviewDecision.ACCEPT, OrderStatus.PAID, []), (ReviewDecision.REFUND, OrderStatus.REFUNDED, [1_000])],
)
async def test_settled_money_on_an_order_that_was_set_to_another_status_waits_for_a_person(
    whole_shop: WholeShop,
    database: Database,
    shop: Shop,
    said: OrderStatus,
    decision: ReviewDecision,
    status: OrderStatus,
    given_back: list[int],
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await shop.set_order(order_id, status=said)
    assert (await whole_shop.sweep.run()).cases == 1
    [case] = await database.rows(CASES)
    assert f"set to {said} by hand" in case.message

    await whole_shop.refunds.refresh(intent_id)
    assert await shop.status(order_id) is said  # news of its money hands nothing over

    await whole_shop.decide(order_id, decision)

    assert await shop.status(order_id) is status
    assert [refund["amount"] for refund in whole_shop.sandbox.state.refunds] == given_back
    assert (await whole_shop.sweep.run()).cases == 0
    assert (await shop.status(order_id), await database.rows(CASES)) == (status, [])


@pytest.mark.parametrize("said", [OrderStatus.CANCELED, OrderStatus.REFUNDED])
async def test_a_part_that_goes_back_of_an_order_that_was_set_to_another_status_leaves_it_so(
    whole_shop: WholeShop, database: Database, shop: Shop, said: OrderStatus
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await shop.set_order(order_id, status=said)
    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.sweep.run()
    assert await shop.status(order_id) is said
    [case] = await database.rows(CASES)
    assert "6.00 USD" in case.message

    await whole_shop.refund(order_id)

    assert await shop.status(order_id) is OrderStatus.REFUNDED
    assert await database.rows(CASES) == []


async def test_a_part_that_goes_back_makes_a_partial_refund_by_hand_true(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await shop.set_order(order_id, status=OrderStatus.PARTIALLY_REFUNDED)
    assert (await whole_shop.sweep.run()).cases == 1

    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED
    assert await database.rows(CASES) == []


async def test_money_in_review_stays_there_when_its_order_is_set_to_refunded(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """Also when the total becomes what was received: a person said that this order is over."""
    order_id, intent_id = await whole_shop.paid()
    await shop.set_price(order_id, 700)
    await whole_shop.refunds.refresh(intent_id)
    assert await shop.status(order_id) is OrderStatus.REVIEW

    await shop.set_order(order_id, status=OrderStatus.REFUNDED)
    await shop.set_price(order_id, 1_000)
    await whole_shop.refunds.refresh(intent_id)
    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REFUNDED
    [case] = await database.rows(CASES)
    assert "set to refunded by hand" in case.message


@pytest.mark.parametrize("said", [OrderStatus.REFUNDED, OrderStatus.PARTIALLY_REFUNDED])
async def test_an_order_that_is_set_right_again_calls_for_nobody(
    whole_shop: WholeShop, database: Database, shop: Shop, said: OrderStatus
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await shop.set_order(order_id, status=said)
    await whole_shop.sweep.run()
    await shop.set_order(order_id, status=OrderStatus.PAID)
    await whole_shop.sweep.run()
    assert await database.rows(CASES) == []

    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.refunds.refresh(intent_id)
    assert await shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED


async def test_what_really_went_back_is_no_word_by_hand(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """A refund that fails afterwards makes the order PAID again, as ever."""
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id)
    assert await shop.status(order_id) is OrderStatus.REFUNDED
    [refund] = whole_shop.sandbox.state.refunds

    whole_shop.sandbox.move_refund(refund["id"], "failed", "lost_or_stolen_card")
    await whole_shop.refunds.refresh(intent_id)

    assert await shop.status(order_id) is OrderStatus.PAID


@pytest.mark.parametrize("why", ["an earlier cancelOrder", "set with its status"])
async def test_an_order_that_was_set_to_canceled_over_its_money_is_told_whatever_reason_stands_there(
    whole_shop: WholeShop, shop: Shop, why: str
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    if why == "an earlier cancelOrder":
        await whole_shop.cancellation.cancel(ADA, order_id)
        await shop.set_order(order_id, status=OrderStatus.PENDING)
    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)
    await whole_shop.sweep.run()
    assert await shop.status(order_id) is OrderStatus.PAID

    reason = {"cancel_reason": "merchant"} if why == "set with its status" else {}
    await shop.set_order(order_id, status=OrderStatus.CANCELED, **reason)

    assert (await whole_shop.sweep.run()).cases == 1


@pytest.mark.parametrize("given_back", [0, 600])
async def test_an_order_whose_money_a_bank_took_is_paid_by_the_payment_after_it_was_reopened(
    whole_shop: WholeShop, shop: Shop, given_back: int
) -> None:
    order_id, intent_id = await whole_shop.paid()
    if given_back:
        await whole_shop.refund(order_id, given_back)
    dispute = whole_shop.sandbox.dispute(intent_id, amount=1_000 - given_back)
    whole_shop.sandbox.close_dispute(dispute["id"], won=False)
    await whole_shop.sweep.run()

    await shop.set_order(order_id, status=OrderStatus.PENDING)  # the customer shall pay again
    await whole_shop.refunds.refresh(intent_id)
    assert await shop.status(order_id) is OrderStatus.PENDING
    second = (await whole_shop.ask(order_id)).id
    whole_shop.sandbox.pay(second)
    for _ in range(2):
        await whole_shop.sweep.run()
    await whole_shop.refunds.refresh(intent_id)

    dispositions = {payment.intent_id: payment.disposition for payment in await shop.payments(order_id)}
    assert (await shop.status(order_id), dispositions[second]) == (OrderStatus.PAID, Disposition.SETTLED)
    assert [refund["amount"] for refund in whole_shop.sandbox.state.refunds] == [given_back] * (
        given_back > 0
    )


async def test_a_dispute_that_is_lost_makes_no_order_paid_that_was_set_back_to_pending(
    whole_shop: WholeShop, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id)
    await whole_shop.sweep.run()
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    assert (await whole_shop.sweep.run()).cases == 2

    whole_shop.sandbox.close_dispute(dispute["id"], won=False)
    findings = await whole_shop.sweep.run()

    assert (await shop.status(order_id), findings.cases) == (OrderStatus.PENDING, 0)
