"""What a person said of money stays true: what went back in another way goes back no second time, by whatever way."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.statements import CLOSE_BY_PERSON
from models.payments.settlement_statements import LOCK_ORDER
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database, Transaction
from services.identity.refusals import RateLimited
from services.payments.refusals import OrderNotInReview, OrderNotRefundable
from services.payments.reviews import ReviewWish
from services.reconciliation.attention_cases import AttentionCases, _give_up
from tests.money_back import WAITING, all_fail, close_all, lose, open_cases, paid_late, paid_too_much, told
from tests.proof.whole_shop import WholeShop
from tests.reconciling import fail, sweep


async def test_closing_a_case_that_the_facts_closed_stops_no_refund(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")
    await whole_shop.refund(order_id, 300)
    [case] = await open_cases(database)
    fail(whole_shop, "500; point=before", "POST", "/v1/refunds")
    await sweep(whole_shop, database, 1)
    assert await open_cases(database) == []  # closed by the facts

    view = await AttentionCases(database).close("shopkeeper", case.id, "late click")
    [row] = await database.rows(text("SELECT state FROM refunds"))
    await sweep(whole_shop, database, 1)
    assert (row.state, view.closed_by) in [("creating", None), ("failed", "shopkeeper")]


async def given_up_while_stripe_may_make_it(slow_shop: WholeShop, database: Database) -> UUID:
    """3.00 of 10.00: the answer is lost, Stripe makes it a minute later, and a person had closed the case by then."""
    order_id, _ = await slow_shop.paid()
    fail(slow_shop, "reset; point=later; seconds=60", "POST", "/v1/refunds")
    await slow_shop.refund(order_id, 300)
    await database.rows(text("UPDATE refunds SET tries = 15, due_at = now() + interval '1 hour'"))
    await slow_shop.sweep.run()
    [case] = await open_cases(database)
    assert "close this case" in case.message
    with pytest.raises(RateLimited):  # Stripe may make it in these minutes
        await close_all(database)
    await database.rows(text("UPDATE refunds SET updated_at = now() - interval '6 minutes'"))
    await close_all(database)
    slow_shop.sandbox.pass_time(61)
    await slow_shop.refunds.refresh(str((await slow_shop.shop.payments(order_id))[0].intent_id))
    return order_id


async def test_a_refund_that_was_given_up_and_is_made_all_the_same_is_told(
    slow_shop: WholeShop, database: Database
) -> None:
    await given_up_while_stripe_may_make_it(slow_shop, database)
    await sweep(slow_shop, database)

    [message] = await told(database)
    assert "twice" in message
    assert [refund["amount"] for refund in slow_shop.sandbox.state.refunds] == [300]

    await close_all(database)
    await sweep(slow_shop, database)
    assert await told(database) == []


async def test_a_refund_that_was_given_up_and_made_and_fails_is_told_no_more(
    slow_shop: WholeShop, database: Database
) -> None:
    await given_up_while_stripe_may_make_it(slow_shop, database)
    await all_fail(slow_shop, database)

    assert await told(database) == []


async def test_a_refund_given_up_then_made_then_failed_adds_nothing_to_the_next_case(
    slow_shop: WholeShop, database: Database
) -> None:
    """3.00 were given in cash; a later refund of 2.00 fails: 2.00 are owed."""
    order_id = await given_up_while_stripe_may_make_it(slow_shop, database)
    await all_fail(slow_shop, database)
    await slow_shop.refund(order_id, 200, key="another")
    await all_fail(slow_shop, database)

    assert [message.partition(" for order")[0] for message in await told(database)] == [
        "A refund of 2.00 USD"
    ]


async def test_a_review_gives_back_without_what_went_back_in_another_way(
    whole_shop: WholeShop, database: Database
) -> None:
    """13.00 came for 10.00; 3.00 went back in cash, by a person's word; REFUND gives back 10.00."""
    order_id, _ = await paid_too_much(whole_shop)
    await whole_shop.refund(order_id, 300, key="too much")
    await all_fail(whole_shop, database)
    [case] = [case for case in await open_cases(database) if case.kind == "refund_failed"]
    await AttentionCases(database).close("shopkeeper", case.id, "3.00 in cash")

    await whole_shop.decide(order_id, ReviewDecision.REFUND)

    made = [r["amount"] for r in whole_shop.sandbox.state.refunds if r["status"] == "succeeded"]
    assert made == [1_000]
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    assert await told(database) == []
    with pytest.raises(OrderNotInReview):
        await whole_shop.decide(order_id, ReviewDecision.REFUND, key="again")


async def test_what_a_person_accepts_is_not_told_as_owed(whole_shop: WholeShop, database: Database) -> None:
    """13.00 came for 10.00; REFUND, and the bank sends it back; the customer takes the goods for 13.00: ACCEPT."""
    order_id, _ = await paid_too_much(whole_shop)
    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await all_fail(whole_shop, database)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    wish = ReviewWish(
        order_id=order_id,
        decision=ReviewDecision.ACCEPT,
        note="They take it.",
        idempotency_key="k2",
        decided_by="shopkeeper",
    )
    await whole_shop.reviews.resolve(wish)
    await sweep(whole_shop, database, 2)

    messages = await told(database)

    assert messages == []


async def test_the_rest_is_without_what_went_back_in_another_way(
    whole_shop: WholeShop, database: Database
) -> None:
    """10.00 came late and Stripe refuses; 4.00 of them are given in cash, by a person's word."""
    order_id, intent_id = await paid_late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="charge_not_refundable")
    await sweep(whole_shop, database, 2)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")
    await whole_shop.refund(order_id, 400, key="part")
    [waits] = [case for case in await open_cases(database) if "balance" in case.message]
    await AttentionCases(database).close("shopkeeper", waits.id, "4.00 in cash")
    await sweep(whole_shop, database, 2)
    assert [m.partition(" for order")[0] for m in await told(database)] == ["A refund of 6.00 USD"]

    whole_shop.sandbox.plan_refunds(intent_id)
    await sweep(whole_shop, database, 3)

    assert [refund["amount"] for refund in whole_shop.sandbox.state.refunds] == [600]
    assert await told(database) == []


async def test_what_failed_after_a_persons_word_brings_back_no_more_than_that(
    whole_shop: WholeShop, database: Database
) -> None:
    """10.00 came late, were refused twice, and given in cash; then goodwill by dashboard: 4.00, 1.00 that failed."""
    order_id, intent_id = await paid_late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="charge_not_refundable")
    await sweep(whole_shop, database, 2)
    await whole_shop.refund(order_id, key="by hand")
    await close_all(database)
    await sweep(whole_shop, database, 2)
    assert await told(database) == []

    whole_shop.sandbox.plan_refunds(intent_id)
    whole_shop.sandbox.refund(intent_id, 400)
    await sweep(whole_shop, database, 1)
    failing = whole_shop.sandbox.refund(intent_id, 100)
    await sweep(whole_shop, database, 1)
    whole_shop.sandbox.move_refund(failing["id"], "failed", "expired_or_canceled_card")
    await sweep(whole_shop, database, 3)

    made = [r["amount"] for r in whole_shop.sandbox.state.refunds if r["status"] == "succeeded"]
    assert sum(made) <= 500


async def test_a_persons_word_at_the_same_moment_stops_the_rest(
    whole_shop: WholeShop, database: Database
) -> None:
    """The case is closed, and not committed, while the sweep tries the rest: that takes no lock of the order."""
    order_id, intent_id = await paid_late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="charge_not_refundable")
    await sweep(whole_shop, database, 2)
    whole_shop.sandbox.plan_refunds(intent_id)
    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.refunds.refresh(intent_id)
    [case] = await open_cases(database)
    [refund] = await database.rows(text("SELECT id FROM refunds WHERE state = 'failed'"))

    async def close(transaction: Transaction) -> None:
        """As `AttentionCases.close` does it."""
        await transaction.rows(LOCK_ORDER, {"order_id": order_id})
        await _give_up(transaction, refund.id)
        closing = {"case_id": case.id, "person": "shopkeeper", "remark": "6.00 in cash"}
        assert await transaction.row(CLOSE_BY_PERSON, closing) is not None
        trying = asyncio.ensure_future(whole_shop.refunds.try_the_rest(refund.id))
        tasks.append(trying)
        while not trying.done() and (await transaction.one(WAITING)).number == 0:
            pass

    tasks: list[asyncio.Task[None]] = []
    await database.transaction(close)
    await tasks[0]
    await sweep(whole_shop, database, 2)

    made = [each["amount"] for each in whole_shop.sandbox.state.refunds]
    assert made == [400]


async def test_a_refund_by_dashboard_instead_of_a_forbidden_one_is_not_followed_by_it(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    whole_shop.sandbox.permissions.forbid("rak_refund_write")
    await whole_shop.refund(order_id, 300)
    whole_shop.sandbox.refund(intent_id, 300)
    await sweep(whole_shop, database, 2)
    whole_shop.sandbox.permissions.allow("rak_refund_write")
    await database.rows(text("UPDATE refunds SET due_at = now()"))
    await sweep(whole_shop, database, 2)

    made = [each["amount"] for each in whole_shop.sandbox.state.refunds]
    assert made == [300]
    [row] = await database.rows(text("SELECT state, failure_code FROM refunds WHERE cause = 'merchant'"))
    assert (row.state, row.failure_code) == ("failed", "made_by_hand")
    assert await told(database) == []  # the customer has the money
    await whole_shop.refund(order_id, 300, key="really another")
    assert sum(each["amount"] for each in whole_shop.sandbox.state.refunds) == 600


async def test_an_earlier_refund_by_dashboard_of_the_same_amount_holds_back_none(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    whole_shop.sandbox.refund(intent_id, 300)
    await sweep(whole_shop, database)
    whole_shop.sandbox.permissions.forbid("rak_refund_write")
    await whole_shop.refund(order_id, 300)
    whole_shop.sandbox.permissions.allow("rak_refund_write")
    await database.rows(text("UPDATE refunds SET due_at = now()"))
    await sweep(whole_shop, database)

    assert [each["amount"] for each in whole_shop.sandbox.state.refunds] == [300, 300]


async def test_late_money_that_is_won_back_after_a_persons_word_is_told(
    whole_shop: WholeShop, database: Database
) -> None:
    """The automatic refund is refused since the charge is disputed; its case is closed, since the bank decides."""
    order_id, intent_id = await paid_late(whole_shop)
    dispute = whole_shop.sandbox.dispute(intent_id)
    await sweep(whole_shop, database, 2)
    await close_all(database)
    await lose(whole_shop, database, dispute["id"])
    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database, 2)
    messages = await told(database)

    assert ["in Stripe's dashboard" in message for message in messages] == [True]
    with pytest.raises(OrderNotRefundable):  # somebody said that it went back in another way
        await whole_shop.refund(order_id, key="won")
    whole_shop.sandbox.refund(intent_id, 1_000)
    await sweep(whole_shop, database)
    assert await told(database) == []


@pytest.mark.parametrize("heard", ["before the retry", "by it"])
async def test_one_refund_by_dashboard_stands_for_one_of_ours(
    whole_shop: WholeShop, database: Database, heard: str
) -> None:
    order_id, intent_id = await whole_shop.paid()
    whole_shop.sandbox.permissions.forbid("rak_refund_write")
    for key in ("one", "two"):
        await whole_shop.refund(order_id, 300, key=key)
    whole_shop.sandbox.refund(intent_id, 300)
    whole_shop.sandbox.permissions.allow("rak_refund_write")
    if heard == "before the retry":
        await whole_shop.refunds.refresh(intent_id)
    await database.rows(text("UPDATE refunds SET due_at = now()"))
    await sweep(whole_shop, database, 2)

    assert [each["amount"] for each in whole_shop.sandbox.state.refunds] == [300, 300]
    assert await told(database) == []


async def test_a_duplicate_that_failed_to_go_back_is_owed_whatever_is_accepted(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    first = (await whole_shop.ask(order_id)).id
    await database.rows(text("UPDATE payments SET state = 'abandoned'"))
    second = (await whole_shop.ask(order_id)).id
    for intent_id in (first, second):
        whole_shop.sandbox.pay(intent_id)
    await sweep(whole_shop, database, 2)
    await all_fail(whole_shop, database)
    assert ["A refund of 10.00 USD" in message for message in await told(database)] == [True]
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await sweep(whole_shop, database)

    await whole_shop.decide(order_id, ReviewDecision.ACCEPT)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert ["A refund of 10.00 USD" in message for message in await told(database)] == [True]


async def test_a_refund_whose_server_died_during_the_call_is_not_given_up_yet(
    whole_shop: WholeShop, database: Database
) -> None:
    """It waited for Stripe's balance before."""
    order_id, intent_id = await whole_shop.paid()
    whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")
    await whole_shop.refund(order_id, 300)
    await database.rows(
        text("UPDATE refunds SET lease_until = now() - interval '1 second', updated_at = now()")
    )

    with pytest.raises(RateLimited):
        await close_all(database)

    await database.rows(text("UPDATE refunds SET updated_at = now() - interval '6 minutes'"))
    await close_all(database)


async def test_an_order_whose_money_went_back_in_another_way_is_refunded(
    whole_shop: WholeShop, database: Database
) -> None:
    """13.00 came for 10.00, a person has them go back, the card is closed, and the customer gets cash."""
    order_id, _ = await paid_too_much(whole_shop)
    await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await all_fail(whole_shop, database)
    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW

    for case in await open_cases(database):
        if case.kind == "refund_failed":
            await AttentionCases(database).close("shopkeeper", case.id, "13.00 in cash")
    await sweep(whole_shop, database)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    assert await told(database) == []
    [row] = await database.rows(text("SELECT refunded_by_hand FROM orders"))
    assert not row.refunded_by_hand


async def test_a_second_refund_by_dashboard_stands_for_the_next_of_ours(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    for key in ("one", "two"):
        whole_shop.sandbox.permissions.forbid("rak_refund_write")
        await whole_shop.refund(order_id, 300, key=key)
        whole_shop.sandbox.refund(intent_id, 300)
        whole_shop.sandbox.permissions.allow("rak_refund_write")
        await database.rows(text("UPDATE refunds SET due_at = now()"))
        await sweep(whole_shop, database, 2)

    assert [each["amount"] for each in whole_shop.sandbox.state.refunds] == [300, 300]
