"""`Order.revision` puts two reads of one order in their order, whatever changed in between."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models.orders.statements import OrderParts
from runtime.database.database import Database, Transaction
from services.identity.principal import Principal
from services.orders.orders import Orders
from tests.conftest import Stripe
from tests.proof.till import ADA, Till

MERCHANT = Principal("m", None, frozenset({"merchant"}))


@pytest.fixture
def till(database: Database, stripe: Stripe) -> Till:
    return Till(database, stripe.sandbox)


async def revision(database: Database, order_id: UUID) -> int:
    order = await Orders(database).find(MERCHANT, order_id, OrderParts.REVISION)
    assert order
    return order.revision


async def test_it_grows_with_every_change_that_is_shown(till: Till, database: Database) -> None:
    order_id = await till.shop.order(items=[(1_000, 1)])
    seen = [await revision(database, order_id)]

    async def changed() -> None:
        seen.append(await revision(database, order_id))

    await till.shop.set_price(order_id, 1_200)
    await changed()
    await till.shop.set_order(order_id, receipt_email="new@shop.test")
    await changed()
    intent = await till.ask(order_id)
    await changed()
    till.sandbox.pay(intent.id)
    await till.sweep.run()
    await changed()
    await till.refund(order_id, 300)
    await changed()
    till.sandbox.refund(intent.id, 100)
    await till.sweep.run()
    await changed()
    dispute = till.sandbox.dispute(intent.id, amount=200)
    await till.sweep.run()
    await changed()
    till.sandbox.move_dispute(dispute["id"], "lost")
    await till.sweep.run()
    await changed()

    assert seen == sorted(set(seen))


async def test_it_stays_while_nothing_happens(till: Till, database: Database) -> None:
    order_id, _ = await till.paid()
    before = await revision(database, order_id)

    await till.sweep.run()
    await Orders(database).find(ADA, order_id)

    assert await revision(database, order_id) == before


async def test_a_change_that_is_committed_late_makes_the_later_read_the_newer_one(
    till: Till, database: Database
) -> None:
    """A number that is drawn when a row is written would stand still here."""
    order_id, _ = await till.paid()
    refund = await till.refund(order_id, 100)
    seen: list[int] = []
    touch_payment = text("UPDATE payments SET updated_at = now() WHERE order_id = :order_id")
    touch_refund = text("UPDATE refunds SET note = 'seen' WHERE id = :id")

    async def late(transaction: Transaction) -> None:
        await transaction.rows(touch_payment, {"order_id": order_id})
        await database.rows(touch_refund, {"id": refund.id})
        seen.append(await revision(database, order_id))

    await database.transaction(late)
    seen.append(await revision(database, order_id))

    assert seen[0] < seen[1]


async def test_it_is_read_only_where_it_is_asked_for(till: Till, database: Database) -> None:
    order_id = await till.shop.order()

    order = await Orders(database).find(ADA, order_id, OrderParts.PAYMENTS)

    assert order
    assert order.revision == 0
