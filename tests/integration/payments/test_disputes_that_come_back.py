"""Disputes that are decided at once, or again: a person hears of each while it matters, and no money stays untold."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Row
from services.reconciliation.attention_cases import AttentionCases
from tests.money_back import paid_late
from tests.proof.whole_shop import ADA, WholeShop

CASES = text("SELECT id, kind, message FROM attention WHERE closed_at IS NULL")
NEXT_TRIES = text("UPDATE refunds SET due_at = now(), lease_until = NULL")


async def the_case(database: Database) -> Row:
    [case] = await database.rows(CASES)
    return case


async def close_the_case(database: Database) -> None:
    await AttentionCases(database).close("shopkeeper", (await the_case(database)).id, "Answered.")


async def sweep(whole_shop: WholeShop, database: Database) -> None:
    """Twice, with all refunds due."""
    for _ in range(2):
        await database.rows(NEXT_TRIES)
        await whole_shop.sweep.run()


async def lost(whole_shop: WholeShop, database: Database, intent_id: str) -> dict[str, Any]:
    """A dispute over all of it that a person was told of, and that the bank decided."""
    dispute = whole_shop.sandbox.dispute(intent_id)
    await whole_shop.sweep.run()
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    await whole_shop.sweep.run()
    assert await database.rows(CASES) == []
    return dispute


async def test_a_dispute_that_was_lost_when_it_was_first_heard_of_waits_for_a_person(
    whole_shop: WholeShop, database: Database
) -> None:
    """As disputes of bank debits are: the bank takes the money back, and asks nobody."""
    _, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id)
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")

    await sweep(whole_shop, database)

    case = await the_case(database)
    assert (case.kind, "took 10.00 USD" in case.message) == ("dispute_open", True)
    await close_the_case(database)
    await sweep(whole_shop, database)
    assert await database.rows(CASES) == []


async def test_who_has_the_money_twice_is_told_whatever_was_told_before(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id)
    dispute = whole_shop.sandbox.dispute(intent_id)
    await whole_shop.sweep.run()
    await close_the_case(database)

    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    await sweep(whole_shop, database)

    assert "twice" in (await the_case(database)).message


@pytest.mark.parametrize("closed_by", ["a person", "the bank"])
async def test_an_inquiry_that_becomes_a_dispute_calls_again(
    whole_shop: WholeShop, database: Database, closed_by: str
) -> None:
    _, intent_id = await whole_shop.paid()
    dispute = whole_shop.sandbox.dispute(intent_id, inquiry=True)
    await whole_shop.sweep.run()
    if closed_by == "a person":
        whole_shop.sandbox.move_dispute(dispute["id"], "warning_under_review")
        await whole_shop.sweep.run()
        await close_the_case(database)
    else:
        whole_shop.sandbox.move_dispute(dispute["id"], "warning_closed")
    await sweep(whole_shop, database)
    assert await database.rows(CASES) == []

    whole_shop.sandbox.move_dispute(dispute["id"], "needs_response")
    await sweep(whole_shop, database)

    assert f"({dispute['id']}, " in (await the_case(database)).message


async def paid_again(whole_shop: WholeShop, order_id: UUID) -> None:
    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)


async def canceled(whole_shop: WholeShop, order_id: UUID) -> None:
    await whole_shop.cancellation.cancel(ADA, order_id)


@pytest.mark.parametrize("meanwhile", [paid_again, canceled])
async def test_money_that_is_won_back_after_its_order_went_on_without_it_waits_for_a_person(
    whole_shop: WholeShop, database: Database, meanwhile: Any
) -> None:
    order_id, intent_id = await whole_shop.paid()
    dispute = await lost(whole_shop, database, intent_id)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await meanwhile(whole_shop, order_id)
    await sweep(whole_shop, database)
    before = await whole_shop.shop.status(order_id)

    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database)

    assert (await the_case(database)).kind == "order_in_review"
    assert await whole_shop.shop.status(order_id) is before


async def test_a_part_of_late_money_that_is_won_back_is_given_back_by_a_person(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await paid_late(whole_shop)
    dispute = whole_shop.sandbox.dispute(intent_id, amount=250)
    await sweep(whole_shop, database)
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    state = whole_shop.sandbox.state
    [charge] = state.charges
    state.save(state.charges, charge | {"disputed": False})  # Stripe refunds the rest of one that is decided
    await sweep(whole_shop, database)
    assert ([made["amount"] for made in state.refunds], await database.rows(CASES)) == ([750], [])

    whole_shop.sandbox.move_dispute(dispute["id"], "won")
    await sweep(whole_shop, database)
    assert "2.50 USD" in (await the_case(database)).message
    await whole_shop.refund(order_id)
    await whole_shop.sweep.run()

    assert [made["amount"] for made in state.refunds] == [750, 250]
    assert await database.rows(CASES) == []


@pytest.mark.parametrize("said", [OrderStatus.PENDING, OrderStatus.REFUNDED])
async def test_what_a_person_said_of_a_review_says_nothing_of_the_next_one(
    whole_shop: WholeShop, database: Database, said: OrderStatus
) -> None:
    order_id, _ = await whole_shop.paid()
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PENDING)
    await whole_shop.sweep.run()
    await close_the_case(database)
    await whole_shop.sweep.run()
    assert await database.rows(CASES) == []  # as long as it is so, a person has seen it
    await whole_shop.shop.set_order(order_id, status=OrderStatus.PAID)
    await whole_shop.sweep.run()

    await whole_shop.shop.set_order(order_id, status=said)
    await whole_shop.sweep.run()

    assert (await the_case(database)).kind == "order_in_review"
