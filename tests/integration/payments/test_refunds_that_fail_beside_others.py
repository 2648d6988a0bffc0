"""Refunds that fail beside other refunds, disputes and payments: each is told as what it is, and in its amount."""

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from tests.money_back import all_fail, close_all, lose, paid_late, paid_twice, told
from tests.proof.whole_shop import WholeShop
from tests.reconciling import sweep

PAID_EVENTS = text("SELECT count(*) AS events FROM shop_events WHERE type = 'order_paid'")


async def test_a_refund_that_fails_after_its_order_was_reopened_does_not_pay_it(
    whole_shop: WholeShop, database: Database
) -> None:
    """The refund was promised, the order is to be paid anew: by itself it becomes PAID with owed money."""
    order_id, _ = await whole_shop.paid()
    await whole_shop.refund(order_id)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)

    await all_fail(whole_shop, database)

    assert await whole_shop.shop.status(order_id) is not OrderStatus.PAID


async def test_won_back_money_can_be_given_back_as_its_case_says(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await paid_late(whole_shop)
    dispute = whole_shop.sandbox.dispute(intent_id, amount=250)
    await sweep(whole_shop, database, 2)
    await lose(whole_shop, database, dispute["id"])
    assert [made["amount"] for made in whole_shop.sandbox.state.refunds] == [750]
    await all_fail(whole_shop, database)
    await whole_shop.refund(order_id, 750, key="again")
    assert await told(database) == []

    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database, 2)
    [message] = await told(database)
    assert "2.50 USD" in message
    assert "refundOrder" in message

    assert (await whole_shop.refund(order_id, key="won")).amount == 250


async def test_a_restored_database_does_not_say_that_the_customer_has_no_money(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id, 300)
    await all_fail(whole_shop, database)
    await whole_shop.refund(order_id, 300, key="again")
    assert await told(database) == []
    await database.rows(text("DELETE FROM refunds"))
    await database.rows(text("DELETE FROM attention"))
    await database.rows(text("UPDATE orders SET status = 'paid'"))

    await whole_shop.refunds.refresh(intent_id)
    await sweep(whole_shop, database)

    messages = await told(database)
    assert not any("The customer does not have the money." in message for message in messages)


async def test_what_a_bank_took_for_a_failed_refund_is_owed_no_more(
    whole_shop: WholeShop, database: Database
) -> None:
    """3.00 of 10.00 should go back and failed; the customer has the bank take just these ("credit not processed")."""
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id, 300)
    await all_fail(whole_shop, database)
    assert len(await told(database)) == 1
    dispute = whole_shop.sandbox.dispute(intent_id, amount=300, reason="credit_not_processed")
    await sweep(whole_shop, database, 1)
    await lose(whole_shop, database, dispute["id"])

    messages = await told(database)
    assert not any("The customer does not have the money." in message for message in messages)


async def test_late_money_that_is_won_back_is_told_once(whole_shop: WholeShop, database: Database) -> None:
    _, intent_id = await paid_late(whole_shop)
    dispute = whole_shop.sandbox.dispute(intent_id)
    await sweep(whole_shop, database, 2)
    await lose(whole_shop, database, dispute["id"])
    assert await told(database) == []

    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database, 2)

    messages = await told(database)
    assert len(messages) == 1


async def test_refunded_by_hand_is_not_what_we_did(whole_shop: WholeShop, database: Database) -> None:
    """13.00 that wait beside 10.00 that settled: a part of the 10.00 goes back and comes back from the bank."""
    order_id, second = await paid_twice(whole_shop, database)
    await whole_shop.refund(order_id, 1_300)
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    await all_fail(whole_shop, database)  # the 13.00 wait again
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    whole_shop.sandbox.refund(second, 200)
    await whole_shop.refunds.refresh(second)
    assert await whole_shop.shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED
    [row] = await database.rows(text("SELECT refunded_by_hand FROM orders"))
    assert not row.refunded_by_hand
    await all_fail(whole_shop, database)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID


async def test_a_decision_about_money_that_went_back_says_nothing_of_the_next_payment(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_300, 1)])
    first = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_price(order_id, 1_000)
    whole_shop.sandbox.pay(first)
    await whole_shop.sweep.run()
    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await sweep(whole_shop, database, 2)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)  # they buy it after all
    await whole_shop.shop.set_price(order_id, 1_200)
    second = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_price(order_id, 1_000)
    whole_shop.sandbox.pay(second)
    await sweep(whole_shop, database, 2)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW

    await whole_shop.refund(order_id, 200, key="too much")
    await sweep(whole_shop, database, 2)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID


async def test_a_refund_that_was_asked_for_again_before_its_failure_was_heard_of_is_not_owed(
    slow_shop: WholeShop, database: Database
) -> None:
    """Stripe's list, which is read before the second request, shows that the first one failed before it."""
    order_id, _ = await slow_shop.paid()
    await slow_shop.refund(order_id, 300)
    [made] = slow_shop.sandbox.state.refunds
    # Its webhook is on its way.
    slow_shop.sandbox.move_refund(made["id"], "failed", "expired_or_canceled_card")
    await slow_shop.refund(order_id, 300, key="again")  # by who saw it in Stripe's dashboard
    await sweep(slow_shop, database)

    messages = await told(database)
    assert not any("The customer does not have the money." in message for message in messages)


async def test_a_case_about_what_a_bank_took_ends_when_it_gives_it_back(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id)
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    await sweep(whole_shop, database)
    [message] = await told(database)
    assert "took 10.00 USD" in message

    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database)

    assert await told(database) == []


async def test_two_refunds_that_fail_at_once_are_both_owed(whole_shop: WholeShop, database: Database) -> None:
    order_id, _ = await whole_shop.paid()
    await whole_shop.refund(order_id, 300)
    await whole_shop.refund(order_id, 200, key="other")
    await all_fail(whole_shop, database)
    assert [m.partition(" for order")[0] for m in await told(database)] == ["A refund of 5.00 USD"]
    await whole_shop.refund(order_id, 200, key="third")
    assert [m.partition(" for order")[0] for m in await told(database)] == ["A refund of 3.00 USD"]
    await close_all(database)
    await all_fail(whole_shop, database)
    assert [m.partition(" for order")[0] for m in await told(database)] == ["A refund of 2.00 USD"]


@pytest.mark.parametrize("closed", [True, False])
async def test_an_inquiry_that_is_heard_of_next_as_a_lost_dispute_is_told(
    whole_shop: WholeShop, database: Database, closed: bool
) -> None:
    """As banks decide that had no reply to their inquiry; or the server was down meanwhile."""
    _, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id, inquiry=True)
    await sweep(whole_shop, database, 2)
    assert len(await told(database)) == 1
    if closed:
        whole_shop.sandbox.move_dispute(dispute["id"], "warning_closed")
        await sweep(whole_shop, database, 2)
        assert await told(database) == []
        whole_shop.sandbox.move_dispute(dispute["id"], "needs_response")
    else:
        await close_all(database)  # "evidence was sent"
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    await sweep(whole_shop, database, 3)

    assert await told(database) != []
