"""A secret leaves only while its order is pending and the total is what Stripe was asked for, whatever changed."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.orders.refusals import OrderNotPayable
from services.payments.intents import Intent
from services.payments.payment_intents import PaymentIntents
from tests.conftest import Stripe
from tests.make import Shop
from tests.proof.interrupted_gateway import Happening, InterruptedGateway

# What alters the total of the order `:this`, of 60 and 40, while Stripe is called, by a hand at psql; `:other` is an
# order with one item of 20. With the total that it makes.
CHANGES = {
    "a price": ("UPDATE order_items SET unit_amount = 70 WHERE order_id = :this", 140),
    "a quantity": ("UPDATE order_items SET quantity = 2 WHERE order_id = :this", 200),
    "an item more": (
        "INSERT INTO order_items SELECT :this, 2, product_id, '', 20, 1 FROM order_items WHERE order_id = :other",
        120,
    ),
    "an item less": ("DELETE FROM order_items WHERE order_id = :this AND unit_amount = 40", 60),
    "an item that left": (
        "UPDATE order_items SET order_id = :other WHERE order_id = :this AND unit_amount = 40",
        60,
    ),
    "an item that came": ("UPDATE order_items SET order_id = :this WHERE order_id = :other", 120),
    "an exchange": (
        "UPDATE order_items SET order_id = CASE order_id WHEN :this THEN :other ELSE :this END"
        " WHERE unit_amount IN (40, 20)",
        80,
    ),
}


async def ask(database: Database, stripe: Stripe, order_id: UUID, meanwhile: Happening) -> Intent:
    """For the order's secret; `meanwhile` happens after Stripe made the intent, before that is recorded."""
    gateway = InterruptedGateway(stripe.sandbox, {"after create": meanwhile})
    return await PaymentIntents(database, gateway, deadline=2).create("ada", order_id)


def amounts(stripe: Stripe) -> list[int]:
    return [intent["amount"] for intent in stripe.sandbox.state.payment_intents]


async def test_a_secret_is_not_released_when_the_order_was_closed_during_the_call(
    database: Database, stripe: Stripe, shop: Shop
) -> None:
    order_id = await shop.order()

    async def it_is_closed() -> None:
        await shop.set_order(order_id, status=OrderStatus.CANCELED)

    with pytest.raises(OrderNotPayable):
        await ask(database, stripe, order_id, it_is_closed)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call(
    database: Database, stripe: Stripe, shop: Shop, change: str
) -> None:
    orders = {"this": await shop.order(items=[(60, 1), (40, 1)]), "other": await shop.order(items=[(20, 1)])}
    await database.rows(text("UPDATE order_items SET position = 9 WHERE order_id = :other"), orders)
    statement, total = CHANGES[change]

    async def it_changes() -> None:
        await database.rows(text(statement), orders)

    intent = await ask(database, stripe, orders["this"], it_changes)

    assert intent.amount == total
    assert amounts(stripe) == [total]


async def test_a_change_that_was_under_way_when_the_payment_was_recorded_keeps_its_secret_back(
    database: Database, stripe: Stripe, shop: Shop, postgres_url: str
) -> None:
    order_id = await shop.order(items=[(100, 1)])
    async with await psycopg.AsyncConnection.connect(postgres_url) as hand:
        await hand.execute("UPDATE order_items SET unit_amount = 120 WHERE order_id = %s", [order_id])

        intent = await ask(database, stripe, order_id, hand.commit)

    assert intent.amount == 120


async def test_another_version_of_the_same_total_is_looked_at_again_and_its_secret_released(
    database: Database, stripe: Stripe, shop: Shop
) -> None:
    order_id = await shop.order(items=[(60, 1), (40, 1)])

    async def prices_change_places() -> None:
        await database.rows(text("UPDATE order_items SET unit_amount = 100 - unit_amount"))

    intent = await ask(database, stripe, order_id, prices_change_places)

    assert (intent.amount, amounts(stripe)) == (100, [100])
    [payment] = await shop.payments(order_id)
    [order] = await database.rows(text("SELECT version FROM orders"))
    assert payment.order_version == order[0]


async def test_a_change_that_is_committed_while_the_release_check_waits_for_it_is_seen(
    database: Database, stripe: Stripe, shop: Shop, postgres_url: str
) -> None:
    """As `updateOrder` changes lines: under the locks of the order and of the payment that Stripe is asked for."""
    order_id = await shop.order(items=[(1_000, 1)])
    async with await psycopg.AsyncConnection.connect(postgres_url) as changing:

        async def it_is_being_changed() -> None:
            await changing.execute("SELECT 1 FROM orders FOR UPDATE")
            await changing.execute("SELECT 1 FROM payments FOR UPDATE")
            await changing.execute("UPDATE order_items SET unit_amount = 1300")
            committing.append(asyncio.create_task(commit_when_waited_for()))

        async def commit_when_waited_for() -> None:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not (await database.rows(waiting))[0][0]:  # noqa: ASYNC110  a lock gives no sign
                await asyncio.sleep(0)
            await changing.commit()

        committing: list[asyncio.Task[None]] = []
        intent = await ask(database, stripe, order_id, it_is_being_changed)
        await asyncio.gather(*committing)

    assert intent.amount == 1_300
    assert amounts(stripe) == [1_300]
