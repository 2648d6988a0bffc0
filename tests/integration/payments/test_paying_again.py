"""An order whose money went back in another way, by a person's word, is as good as new: nothing of it waits."""

import pytest

from models import OrderStatus
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from services.reconciliation.attention_cases import AttentionCases
from tests.money_back import all_fail, close_all, open_cases, paid_too_much, told
from tests.proof.whole_shop import ADA, WholeShop
from tests.reconciling import sweep


@pytest.mark.parametrize("first", ["settled the order", "waited for a decision"])
async def test_an_order_whose_money_went_back_in_another_way_can_be_paid_again(
    whole_shop: WholeShop, database: Database, first: str
) -> None:
    """The card is closed, the customer gets cash, the shop sets the order to pending, and they pay it after all."""
    if first == "settled the order":
        order_id, _ = await whole_shop.paid()
        await whole_shop.refund(order_id)
    else:
        order_id, _ = await paid_too_much(whole_shop)
        await whole_shop.decide(order_id, ReviewDecision.REFUND)
    await all_fail(whole_shop, database)
    for case in await open_cases(database):
        if case.kind == "refund_failed":
            await AttentionCases(database).close("shopkeeper", case.id, "in cash")
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await sweep(whole_shop, database)

    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)
    await sweep(whole_shop, database, 2)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert await told(database) == []
    assert [each["status"] for each in whole_shop.sandbox.state.refunds] == ["failed"]


async def test_a_pending_order_whose_money_went_back_in_another_way_can_be_canceled(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    await whole_shop.refund(order_id)
    await all_fail(whole_shop, database)
    await close_all(database)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)

    await whole_shop.cancellation.cancel(ADA, order_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.CANCELED
    assert await told(database) == []
