"""A replay sends what was published since a moment, holds up nobody, and ends."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from models import EventType
from models.webhooks.endpoints import MOST_IN_LINE
from services.notifications.event_feed import EventFeed
from services.notifications.publishing import BATCH
from services.notifications.webhook_dispatcher import WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from tests.deliveries import (
    MERCHANT,
    endpoint,
    paid_order,
    paid_orders,
)
from tests.deliveries import dispatcher as dispatcher
from tests.deliveries import endpoints as endpoints
from tests.deliveries import receiver as receiver
from tests.make import Shop
from tests.webhook_receiver import Receiver


async def test_a_long_replay_holds_up_no_other(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher
) -> None:
    """The first has far more behind it than a pass puts in line, so it does not end here."""
    since = datetime.now(UTC)
    await paid_order(shop)
    for name in ("long", "short"):
        view, _ = await endpoints.create(MERCHANT, f"http://127.0.0.1:9/{name}", None)
        await endpoints.replay(MERCHANT, view.id, since)
    goes_on = text("UPDATE webhook_endpoints SET replay_after = 0, replay_until = 9 WHERE url LIKE '%/long'")
    for _ in range(64):  # which is drawn by chance: the short one is missed once in 10**19
        await shop.database.rows(goes_on)
        await dispatcher._prepare()  # noqa: SLF001
    replayed = await shop.database.rows(
        text("SELECT url FROM webhook_endpoints WHERE url LIKE '%/short' AND replay_after IS NULL")
    )
    assert len(replayed) == 1


async def test_a_replay_puts_no_more_in_line_than_what_happens_meanwhile_may_wait_behind(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher
) -> None:
    await paid_orders(shop, BATCH + 400)
    await EventFeed(shop.database).newest()
    view, _ = await endpoints.create(MERCHANT, "http://127.0.0.1:9/shop", [EventType.ORDER_PAID])
    await endpoints.replay(MERCHANT, view.id, datetime.now(UTC) - timedelta(hours=1))
    in_line = text("SELECT count(*) AS waiting FROM webhook_deliveries WHERE status = 'due'")
    take = text(
        "UPDATE webhook_deliveries SET status = 'delivered', delivered_at = now() WHERE id IN"
        " (SELECT id FROM webhook_deliveries WHERE status = 'due' LIMIT :count)"
    )

    seen = []
    for taken in (0, 0, BATCH - MOST_IN_LINE - 1, 1):
        await shop.database.rows(take, {"count": taken})
        await dispatcher._prepare()  # noqa: SLF001
        row = await shop.database.row(in_line)
        assert row is not None
        seen.append(row.waiting)

    assert seen == [BATCH, BATCH, MOST_IN_LINE + 1, MOST_IN_LINE + 400]
    assert (await endpoint(shop.database)).replay_after is None


async def test_a_replay_sends_what_was_published_since_a_moment(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    first = await paid_order(shop)
    await EventFeed(shop.database).newest()
    since = datetime.now(UTC)
    second = await paid_order(shop)
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await endpoints.replay(MERCHANT, view.id, since)
    await dispatcher.deliver_due()
    assert [m.message["data"]["orderId"] for m in receiver.received] == [str(second)]

    await endpoints.replay(MERCHANT, view.id, since - timedelta(days=1))
    await dispatcher.deliver_due()
    assert {m.message["data"]["orderId"] for m in receiver.received} == {str(first), str(second)}
    assert (await endpoint(shop.database)).replay_after is None


async def test_a_replay_reaches_what_waits_behind_other_unpublished_events(
    shop: Shop, endpoints: WebhookEndpoints
) -> None:
    """More than are published at once: after an hour without a server, or a burst."""
    order_id = await shop.order()
    many = text(
        "INSERT INTO shop_events (id, type, order_id, subject_id, order_version, order_status, transaction_id)"
        " SELECT gen_random_uuid(), 'order_updated', id, '', version, status, number"
        " FROM orders, generate_series(1, :count) number"
        " WHERE id = :order_id"
    )
    await shop.database.rows(many, {"order_id": order_id, "count": 2 * BATCH + 1})
    view, _ = await endpoints.create(MERCHANT, "http://127.0.0.1:9/shop", None)

    await endpoints.replay(MERCHANT, view.id, datetime.now(UTC) - timedelta(hours=1))

    last = await shop.database.row(text("SELECT max(position) AS last, count(*) AS events FROM shop_events"))
    assert last is not None
    assert last.last == last.events  # all have a place
    assert (await endpoint(shop.database)).replay_until == last.last
