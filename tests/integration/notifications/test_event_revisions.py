"""An event's revision tells a shop whether what it has of an order is older than the event."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from models import OrderStatus
from models.orders.statements import OrderParts
from runtime.database.database import Database
from services.identity.principal import Principal
from services.notifications.event_feed import EventFeed, EventView
from services.notifications.publishing import publish_events
from services.orders.orders import Orders
from services.orders.views import PlacedOrder
from tests.conftest import Stripe
from tests.proof.whole_shop import WholeShop

MERCHANT = Principal("m", None, frozenset({"merchant"}))


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def answer(database: Database, order_id: UUID) -> PlacedOrder:
    order = await Orders(database).find(MERCHANT, order_id, OrderParts.REVISION)
    assert order
    return order


async def events_of(database: Database, order_id: UUID) -> Sequence[EventView]:
    page = await EventFeed(database).page(first=100, after=None, order_id=order_id)
    return page.items


async def test_each_event_has_the_revision_that_its_change_made(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    changes = [await answer(database, order_id)]
    await publish_events(database)
    await whole_shop.refund(order_id, 300)
    changes.append(await answer(database, order_id))
    await publish_events(database)
    whole_shop.sandbox.dispute(intent_id, amount=200)
    await whole_shop.sweep.run()
    changes.append(await answer(database, order_id))

    events = await events_of(database, order_id)
    revisions = [event.revision for event in events if event.revision is not None]

    assert len(revisions) == len(events)
    assert sorted(set(revisions)) == [order.revision for order in changes]
    assert revisions == sorted(revisions)


async def test_an_answer_that_lacks_an_event_never_has_its_revision(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    """The order's other rows change between the event's writing and its commit, and the shop asks in between."""
    order_id, _ = await whole_shop.paid()
    await publish_events(database)
    touch = text("UPDATE payments SET looked_at = now() WHERE order_id = :order_id")
    async with await psycopg.AsyncConnection.connect(postgres_url) as slow:
        await slow.execute("UPDATE orders SET status = 'review' WHERE id = %s", [order_id])
        await database.rows(touch, {"order_id": order_id})
        await database.rows(touch, {"order_id": order_id})
        before = await answer(database, order_id)
        await slow.commit()

    event = (await events_of(database, order_id))[-1]

    assert (before.status, event.status) == (OrderStatus.PAID, OrderStatus.REVIEW)
    assert event.revision is not None
    assert before.revision < event.revision <= (await answer(database, order_id)).revision


async def test_an_event_of_before_there_were_revisions_says_nothing_of_them(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    await publish_events(database)
    await database.rows(text("UPDATE shop_events SET order_revision = NULL"))

    assert {event.revision for event in await events_of(database, order_id)} == {None}
