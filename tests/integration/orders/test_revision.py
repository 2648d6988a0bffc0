"""`Order.revision` puts two reads of one order in their order, whatever changed in between."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from models.orders.statements import OrderParts
from runtime.database.database import Database, Transaction
from services.identity.principal import Principal
from services.orders.orders import Orders, WantedItem
from services.orders.search import OrderFilter
from services.orders.views import PlacedOrder
from tests.conftest import Stripe
from tests.proof.whole_shop import ADA, WholeShop

MERCHANT = Principal("m", None, frozenset({"merchant"}))
PARTS = OrderParts.REVISION | OrderParts.LINES
Read: TypeAlias = Callable[[Orders, UUID], Awaitable[Sequence[PlacedOrder | None]]]


async def of_a_page(orders: Orders, _: UUID) -> Sequence[PlacedOrder | None]:
    return (await orders.page("ada", first=5, after=None, status=None, parts=PARTS)).items


async def of_a_search(orders: Orders, _: UUID) -> Sequence[PlacedOrder | None]:
    return (await orders.search(OrderFilter(), first=5, after=None, parts=PARTS)).items


async def by_ids(orders: Orders, order_id: UUID) -> Sequence[PlacedOrder | None]:
    return await orders.of_the_shop([order_id], PARTS)


async def as_entities(orders: Orders, order_id: UUID) -> Sequence[PlacedOrder | None]:
    return await orders.visible(MERCHANT, ids=[order_id], parts=PARTS)


async def alone(orders: Orders, order_id: UUID) -> Sequence[PlacedOrder | None]:
    return [await orders.find(MERCHANT, order_id, PARTS)]


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def revision(database: Database, order_id: UUID) -> int:
    order = await Orders(database).find(MERCHANT, order_id, OrderParts.REVISION)
    assert order
    return order.revision


async def test_it_grows_with_every_change_that_is_shown(whole_shop: WholeShop, database: Database) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    seen = [await revision(database, order_id)]

    async def changed() -> None:
        seen.append(await revision(database, order_id))

    await whole_shop.shop.set_price(order_id, 1_200)
    await changed()
    await whole_shop.shop.set_order(order_id, receipt_email="new@shop.test")
    await changed()
    intent = await whole_shop.ask(order_id)
    await changed()
    whole_shop.sandbox.pay(intent.id)
    await whole_shop.sweep.run()
    await changed()
    await whole_shop.refund(order_id, 300)
    await changed()
    whole_shop.sandbox.refund(intent.id, 100)
    await whole_shop.sweep.run()
    await changed()
    dispute = whole_shop.sandbox.dispute(intent.id, amount=200)
    await whole_shop.sweep.run()
    await changed()
    whole_shop.sandbox.move_dispute(dispute["id"], "lost")
    await whole_shop.sweep.run()
    await changed()

    assert seen == sorted(set(seen))


async def test_it_stays_while_nothing_happens(whole_shop: WholeShop, database: Database) -> None:
    order_id, _ = await whole_shop.paid()
    before = await revision(database, order_id)

    await whole_shop.sweep.run()
    await Orders(database).find(ADA, order_id)

    assert await revision(database, order_id) == before


async def test_a_change_that_is_committed_late_makes_the_later_read_the_newer_one(
    whole_shop: WholeShop, database: Database
) -> None:
    """A number that is drawn when a row is written would stand still here."""
    order_id, _ = await whole_shop.paid()
    refund = await whole_shop.refund(order_id, 100)
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


async def test_it_is_read_only_where_it_is_asked_for(whole_shop: WholeShop, database: Database) -> None:
    order_id = await whole_shop.shop.order()

    order = await Orders(database).find(ADA, order_id, OrderParts.PAYMENTS)

    assert order
    assert order.revision == 0


@pytest.mark.parametrize("read", [of_a_page, of_a_search, by_ids, as_entities, alone])
async def test_what_an_answer_says_of_an_order_held_at_one_moment(
    whole_shop: WholeShop, database: Database, postgres_url: str, read: Read
) -> None:
    """The order's lines change before each statement of the answer: its total, lines and revision are of one moment."""
    order_id = await whole_shop.shop.order(items=[(1_000, 2)])
    price = 1_000
    seen: dict[int, int] = {}  # the unit price by revision

    with psycopg.connect(postgres_url, autocommit=True) as other:

        @contextmanager
        def changing(sql: str) -> Iterator[None]:
            nonlocal price
            if sql.startswith("SELECT"):
                price += 100
                other.execute(
                    "UPDATE order_items SET unit_amount = %s WHERE order_id = %s", [price, order_id]
                )
            yield

        for _ in range(2):
            database.watch = changing
            [order] = await read(Orders(database), order_id)
            database.watch = None
            assert order
            assert order.total == sum(line.unit_amount * line.quantity for line in order.lines)
            seen[order.revision] = order.lines[0].unit_amount
            [now] = await alone(Orders(database), order_id)
            assert now
            assert seen.setdefault(now.revision, price) == now.lines[0].unit_amount

    assert sorted(seen) == sorted(seen, key=lambda each: seen[each])


async def test_a_new_order_is_told_with_the_revision_that_it_has(
    whole_shop: WholeShop, database: Database
) -> None:
    wanted = [
        WantedItem(str(await whole_shop.shop.product()), 2),
        WantedItem(str(await whole_shop.shop.product()), 1),
    ]

    placed = await Orders(database).place("ada", wanted, None, "cart")

    assert placed.revision == await revision(database, placed.id)
    assert (await Orders(database).place("ada", wanted, None, "cart")).revision == placed.revision
