"""Money that a person gives back, or that a bank took, makes no order PAID: nothing is handed over for it."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from tests.money_back import paid_too_much, paid_twice
from tests.proof.whole_shop import ADA, WholeShop

CASES = text("SELECT kind FROM attention WHERE closed_at IS NULL ORDER BY kind")
PAID_EVENTS = text("SELECT count(*) AS events FROM shop_events WHERE type = 'order_paid'")
NEXT_TRIES = text("UPDATE refunds SET due_at = now(), lease_until = NULL")


async def paid_events(database: Database) -> int:
    return int((await database.rows(PAID_EVENTS))[0].events)


async def two_that_wait(whole_shop: WholeShop, database: Database) -> tuple[UUID, str]:
    order_id, second = await paid_twice(whole_shop, database)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    return order_id, second


@pytest.mark.parametrize("refusal", [None, "balance_insufficient", "charge_not_refundable"])
async def test_what_is_given_back_of_two_payments_leaves_none_that_pays_the_order(
    whole_shop: WholeShop, database: Database, refusal: str | None
) -> None:
    order_id, second = await two_that_wait(whole_shop, database)
    if refusal:
        whole_shop.sandbox.plan_refunds(second, refuse=refusal)

    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await whole_shop.sweep.run()
    if refusal:
        assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
        whole_shop.sandbox.plan_refunds(second)
        await database.rows(NEXT_TRIES)
        await whole_shop.sweep.run()
        if refusal == "charge_not_refundable":  # for good: the person asks again
            await whole_shop.refund(order_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    assert sorted(made["amount"] for made in whole_shop.sandbox.state.refunds) == [1_000, 1_300]
    assert (await paid_events(database), await database.rows(CASES)) == (0, [])


async def test_what_others_pay_changes_no_decision_about_an_order(
    whole_shop: WholeShop, database: Database
) -> None:
    """Both payments should go back and wait for Stripe's balance; the first one does after somebody else paid."""
    order_id, second = await two_that_wait(whole_shop, database)
    [first] = [str(p.intent_id) for p in await whole_shop.shop.payments(order_id) if p.intent_id != second]
    for intent_id in (first, second):
        whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")
    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await whole_shop.paid()
    whole_shop.sandbox.plan_refunds(first)
    await database.rows(NEXT_TRIES)
    await whole_shop.sweep.run()

    assert [made["amount"] for made in whole_shop.sandbox.state.refunds] == [1_300]
    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    assert await paid_events(database) == 1  # the other's


@pytest.mark.parametrize("said", [OrderStatus.PENDING, OrderStatus.REVIEW, OrderStatus.CANCELED])
async def test_what_is_given_back_of_an_order_that_was_set_to_another_status_does_not_pay_it_on_its_way(
    whole_shop: WholeShop, database: Database, said: OrderStatus
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.shop.set_order(order_id, status=said)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")

    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await whole_shop.refunds.refresh(intent_id)
    await whole_shop.sweep.run()
    on_its_way = OrderStatus.CANCELED if said is OrderStatus.CANCELED else OrderStatus.REVIEW
    assert await whole_shop.shop.status(order_id) is on_its_way

    whole_shop.sandbox.plan_refunds(intent_id)
    await database.rows(NEXT_TRIES)
    await whole_shop.sweep.run()
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    assert (await paid_events(database), await database.rows(CASES)) == (1, [])


async def lose(whole_shop: WholeShop, intent_id: str, amount: int | None = None) -> None:
    """A bank takes it for good; Stripe gives back the rest of a charge whose dispute is decided."""
    dispute = whole_shop.sandbox.dispute(intent_id, amount=amount)
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    charges = whole_shop.sandbox.state.charges
    [charge] = [each for each in charges if each["payment_intent"] == intent_id]
    whole_shop.sandbox.state.save(charges, charge | {"disputed": False})


async def test_what_is_left_after_a_bank_took_its_part_is_not_the_total_because_what_came_was(
    whole_shop: WholeShop, database: Database
) -> None:
    """13.00 came for 10.00, a bank took 3.00 and 3.00 went back: 7.00 are here."""
    order_id, intent_id = await paid_too_much(whole_shop)
    await lose(whole_shop, intent_id, 300)
    await whole_shop.sweep.run()

    await whole_shop.refund(order_id, 300)
    await whole_shop.sweep.run()

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    await whole_shop.decide(order_id, ReviewDecision.ACCEPT)  # a person may say that it is enough
    await whole_shop.sweep.run()
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert await paid_events(database) == 1


async def test_news_of_another_payment_pays_no_order_with_what_a_bank_took(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, first = await whole_shop.paid()
    await lose(whole_shop, first)
    await whole_shop.sweep.run()
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await whole_shop.shop.set_price(order_id, 700)
    second = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_price(order_id, 1_000)
    whole_shop.sandbox.pay(second)
    await whole_shop.sweep.run()

    whole_shop.sandbox.refund(second, 100)
    await whole_shop.refunds.refresh(second)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    assert await paid_events(database) == 1


async def test_news_of_money_that_is_gone_leaves_an_order_canceled_that_was_canceled_without_it(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await whole_shop.cancellation.cancel(ADA, order_id)

    await whole_shop.refunds.refresh(intent_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.CANCELED
