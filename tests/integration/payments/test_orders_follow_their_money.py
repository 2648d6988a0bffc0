"""An order's status follows its money to one end, however often its news is heard and whatever somebody set by SQL."""

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.payments.disputes import Disputes
from tests.proof.whole_shop import WholeShop

OTHER_CLOCK = text("UPDATE disputes SET asked_at = now() + make_interval(mins => 2)")


@pytest.fixture
def disputes(whole_shop: WholeShop, database: Database) -> Disputes:
    return Disputes(database, whole_shop.gateway)


async def kinds(database: Database) -> list[str]:
    return [
        row.kind for row in await database.rows(text("SELECT kind FROM attention WHERE closed_at IS NULL"))
    ]


@pytest.mark.parametrize("was", [OrderStatus.REVIEW, OrderStatus.PAID])
async def test_a_canceled_order_is_not_made_paid_by_two_events_of_one_refund(
    whole_shop: WholeShop, database: Database, was: OrderStatus
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    if was is OrderStatus.REVIEW:
        await whole_shop.shop.set_price(order_id, 900)
    whole_shop.sandbox.pay(intent.id)
    await whole_shop.sweep.run()
    assert await whole_shop.shop.status(order_id) is was
    await whole_shop.shop.set_price(order_id, 900)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    await whole_shop.refunds.refresh(intent.id)
    whole_shop.sandbox.refund(intent.id, 100)

    statuses = []
    for _ in range(3):
        await whole_shop.refunds.refresh(intent.id)
        statuses.append(await whole_shop.shop.status(order_id))

    assert statuses == [OrderStatus.CANCELED] * 3
    assert await kinds(database) == ["order_in_review"]


@pytest.mark.parametrize("payment_is_known", [True, False])
async def test_a_review_ends_when_a_bank_took_its_money(
    whole_shop: WholeShop, database: Database, disputes: Disputes, payment_is_known: bool
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_price(order_id, 1_500)
    whole_shop.sandbox.pay(intent.id)
    if payment_is_known:
        await whole_shop.sweep.run()
        assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    dispute = whole_shop.sandbox.dispute(intent.id)
    whole_shop.sandbox.close_dispute(dispute["id"], won=False)

    await disputes.refresh(intent.id)
    await whole_shop.sweep.run()

    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED
    assert await kinds(database) == ["dispute_open"]  # nobody was told of it while something could be done


async def test_a_dispute_leaves_a_paid_order_paid(whole_shop: WholeShop, disputes: Disputes) -> None:
    order_id, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id)
    await disputes.refresh(intent_id)
    whole_shop.sandbox.close_dispute(dispute["id"], won=False)
    await disputes.refresh(intent_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID


@pytest.mark.parametrize("status", ["under_review", "won", "lost"])
async def test_a_dispute_moves_on_after_a_failover_to_a_clock_that_is_behind(
    whole_shop: WholeShop, database: Database, disputes: Disputes, status: str
) -> None:
    _, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id)
    await disputes.refresh(intent_id)
    await database.rows(OTHER_CLOCK)
    whole_shop.sandbox.move_dispute(dispute["id"], status)

    await disputes.refresh(intent_id)

    assert [row.status for row in await database.rows(text("SELECT status FROM disputes"))] == [status]


async def test_money_of_another_currency_settles_no_order(whole_shop: WholeShop, database: Database) -> None:
    """Somebody changed the currency by SQL: a thousand dollars are not a thousand yen."""
    order_id, intent_id = await whole_shop.paid(1_000)
    await whole_shop.shop.set_order(order_id, currency="JPY")

    await whole_shop.refunds.refresh(intent_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    assert await kinds(database) == ["order_in_review"]
    await whole_shop.shop.set_order(order_id, currency="USD")
    await whole_shop.refunds.refresh(intent_id)
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert await kinds(database) == []


async def test_money_of_another_currency_waits_for_a_person_however_often_its_news_is_heard(
    whole_shop: WholeShop, database: Database
) -> None:
    """Somebody else on the account gave the intent another currency after its secret was released."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.disguise(intent.id, currency="jpy")
    whole_shop.sandbox.pay(intent.id)

    for _ in range(2):
        await whole_shop.sweep.run()
        await whole_shop.refunds.refresh(intent.id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    [payment] = await whole_shop.shop.payments(order_id)
    assert (payment.amount_received, payment.currency) == (1_000, "JPY")
    [case] = await database.rows(text("SELECT message FROM attention WHERE closed_at IS NULL"))
    assert "1000 JPY" in case.message
