"""What failed refunds still owe is told once, in the amount that is missing, until it went back or a person says so."""

from uuid import UUID

import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.payments.refusals import OrderNotRefundable
from services.reconciliation.attention_cases import AttentionCases
from tests.money_back import all_fail, open_cases
from tests.proof.whole_shop import WholeShop
from tests.reconciling import sweep

KINDS = ["merchant", "late"]


async def refunded(
    whole_shop: WholeShop, database: Database, kind: str, amount: int = 1_000
) -> tuple[UUID, str]:
    """An order of 10.00 whose refund was asked for by a merchant, or that was paid after it was canceled."""
    if kind == "merchant":
        order_id, intent_id = await whole_shop.paid()
        await whole_shop.refund(order_id, amount)
        return order_id, intent_id
    order_id = await whole_shop.shop.order(items=[(amount, 1)])
    intent_id = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.pay(intent_id)
    await sweep(whole_shop, database, 2)
    return order_id, intent_id


async def told(database: Database) -> list[str]:
    """The amount of each case."""
    return [case.message.partition(" for order")[0] for case in await open_cases(database)]


async def close_the_case(database: Database, about: str = "failed") -> None:
    [case] = [case for case in await open_cases(database) if about in case.message]
    await AttentionCases(database).close("shopkeeper", case.id, "in cash")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refund_that_fails_twice_is_told_once(
    whole_shop: WholeShop, database: Database, kind: str
) -> None:
    order_id, _ = await refunded(whole_shop, database, kind, 300)
    await all_fail(whole_shop, database)
    await whole_shop.refund(order_id, 300, key="again")
    assert await told(database) == []

    await all_fail(whole_shop, database)

    assert await told(database) == ["A refund of 3.00 USD"]


async def test_a_third_refund_that_succeeds_makes_up_for_two_that_failed(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await refunded(whole_shop, database, "merchant", 300)
    for key in ("second", "third"):
        await all_fail(whole_shop, database)
        await whole_shop.refund(order_id, 300, key=key)

    assert await told(database) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_case_says_what_is_still_missing(
    whole_shop: WholeShop, database: Database, kind: str
) -> None:
    _, intent_id = await refunded(whole_shop, database, kind)
    await all_fail(whole_shop, database)
    whole_shop.sandbox.refund(intent_id, 400)
    await sweep(whole_shop, database, 2)
    assert await told(database) == ["A refund of 6.00 USD"]

    whole_shop.sandbox.refund(intent_id, 600)
    await sweep(whole_shop, database, 2)

    assert await told(database) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_person_says_about_the_last_failure_holds_for_those_before(
    whole_shop: WholeShop, database: Database, kind: str
) -> None:
    order_id, _ = await refunded(whole_shop, database, kind, 300)
    await all_fail(whole_shop, database)
    await whole_shop.refund(order_id, 300, key="again")
    await all_fail(whole_shop, database)

    await close_the_case(database)
    await sweep(whole_shop, database, 2)

    assert await told(database) == []
    if kind == "late":
        with pytest.raises(OrderNotRefundable):
            await whole_shop.refund(order_id, 300, key="third")


async def test_all_that_is_left_is_without_what_went_back_in_another_way(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await refunded(whole_shop, database, "merchant", 300)
    await all_fail(whole_shop, database)
    await close_the_case(database)

    assert (await whole_shop.refund(order_id, key="rest")).amount == 700
    assert (await whole_shop.refund(order_id, 300, key="named")).amount == 300


async def test_a_new_refund_that_fails_after_a_persons_word_is_owed(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await refunded(whole_shop, database, "merchant", 300)
    await all_fail(whole_shop, database)
    await close_the_case(database)
    await whole_shop.refund(order_id, 200, key="another")

    await all_fail(whole_shop, database)

    assert await told(database) == ["A refund of 2.00 USD"]


async def test_a_persons_word_about_a_refund_that_waits_is_about_its_amount(
    whole_shop: WholeShop, database: Database
) -> None:
    """3.00 failed; 1.00 of them waits for the balance and is paid in cash instead."""
    order_id, _ = await refunded(whole_shop, database, "merchant", 300)
    await all_fail(whole_shop, database)
    whole_shop.sandbox.state.dashboard.set(balance_insufficient=True)
    await whole_shop.refund(order_id, 100, key="part")

    await close_the_case(database, "balance")
    await sweep(whole_shop, database)

    assert await told(database) == ["A refund of 2.00 USD"]
