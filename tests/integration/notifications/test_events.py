"""The shop's events: each change leaves one, whichever path it took, and no reader ever misses any."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from models import EventType, OrderStatus
from models.webhooks.deliveries import (
    DELETE_OLD_EVENTS,
)
from runtime.database.database import Database
from runtime.pages import InvalidPage
from services.notifications.event_feed import EventFeed, EventView, FeedCursor, read_feed_cursor
from services.notifications.publishing import publish_events
from tests.client import Client
from tests.make import Shop


@pytest.fixture
def feed(database: Database) -> EventFeed:
    return EventFeed(database)


async def all_of(feed: EventFeed, after: FeedCursor | None = None) -> list[EventView]:
    return list((await feed.page(first=100, after=after)).items)


async def types_of(feed: EventFeed, order_id: UUID) -> list[str]:
    return [str(event.type) for event in await all_of(feed) if event.order_id == order_id]


async def placed(shop: Shop, feed: EventFeed) -> UUID:
    """An order whose events begin now. (The shop's builder places it in two transactions.)"""
    order_id = await shop.order()
    await publish_events(shop.database)
    await shop.database.rows(text("DELETE FROM shop_events"))
    return order_id


async def paid(shop: Shop, feed: EventFeed, *, disposition: str = "settled") -> tuple[UUID, UUID]:
    """The ids of a paid order and its payment."""
    order_id, payment_id = await placed(shop, feed), uuid4()
    await shop.database.rows(
        text(
            "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount,"
            " amount_received, currency, order_version, cause) VALUES (:id, :order_id, 'succeeded', :disposition,"
            " :key, :intent_id, 5248, 5248, 'USD', 2, 'test')"
        ),
        {
            "id": payment_id,
            "order_id": order_id,
            "disposition": disposition,
            "key": str(payment_id),
            "intent_id": f"pi_{payment_id.hex}",
        },
    )
    return order_id, payment_id


@pytest.mark.parametrize(
    ("statuses", "events"),
    [
        (["paid"], ["order_paid"]),
        (["canceled"], ["order_canceled"]),
        (["review", "paid"], ["order_review", "order_paid"]),
        (["paid", "partially_refunded", "refunded"], ["order_paid", "order_refunded", "order_refunded"]),
        (["paid", "refunded", "paid"], ["order_paid", "order_refunded", "order_paid"]),
        (["canceled", "pending"], ["order_canceled", "order_updated"]),
    ],
)
async def test_each_change_of_a_status_is_one_event_also_by_plain_sql(
    shop: Shop, feed: EventFeed, statuses: list[str], events: list[str]
) -> None:
    order_id = await placed(shop, feed)

    for status in statuses:
        await shop.set_order(order_id, status=OrderStatus(status))
        await shop.set_order(order_id, status=OrderStatus(status))

    assert await types_of(feed, order_id) == events
    assert [event.status for event in await all_of(feed)] == statuses


async def test_an_order_that_is_placed_leaves_no_event(shop: Shop, client: Client, feed: EventFeed) -> None:
    product = await shop.product()
    create = "mutation Create($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }"
    wish = {"idempotencyKey": "cart", "items": [{"productId": str(product), "quantity": 2}]}
    await client.data(create, {"input": wish})

    assert await all_of(feed) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE order_items SET unit_amount = 7 WHERE order_id = :id",
        "DELETE FROM order_items WHERE order_id = :id AND position = 1",
        "UPDATE orders SET expires_at = now() + interval '1 day' WHERE id = :id",
        "UPDATE orders SET currency = 'EUR' WHERE id = :id",
        'UPDATE orders SET shop_metadata = \'{"a": "b"}\' WHERE id = :id',
    ],
)
async def test_a_change_of_what_is_ordered_is_an_event(shop: Shop, feed: EventFeed, change: str) -> None:
    order_id = await placed(shop, feed)

    await shop.database.rows(text(change), {"id": order_id})

    [event] = await all_of(feed)
    assert (event.type, event.order_id, event.status) == (EventType.ORDER_UPDATED, order_id, "pending")


async def test_a_transaction_is_one_event_of_each_type_with_what_it_left(shop: Shop, feed: EventFeed) -> None:
    order_id = await placed(shop, feed)

    async def change(transaction: Any) -> None:
        for amount in (1, 2, 3):
            await transaction.rows(text(f"UPDATE order_items SET unit_amount = {amount}"))  # noqa: S608

    await shop.database.transaction(change)

    [event] = await all_of(feed)
    [order] = await shop.database.rows(text("SELECT version FROM orders WHERE id = :id"), {"id": order_id})
    assert (event.type, event.version) == (EventType.ORDER_UPDATED, order.version)


@pytest.mark.parametrize(
    ("states", "disposition", "events"),
    [
        (["succeeded"], "settled", ["order_refunded"]),
        (["pending", "succeeded"], "mismatch", ["order_refunded"]),
        (["pending", "failed"], "settled", ["order_refunded", "refund_failed"]),
        (["creating", "canceled"], "settled", ["refund_failed"]),
        (["creating", "failed", "creating", "succeeded"], "settled", ["refund_failed", "order_refunded"]),
        (["succeeded"], "duplicate", ["order_updated"]),
    ],
)
async def test_refunds_are_told(
    shop: Shop, feed: EventFeed, states: list[str], disposition: str, events: list[str]
) -> None:
    order_id, payment_id = await paid(shop, feed, disposition=disposition)
    refund_id = uuid4()
    values = {"id": refund_id, "payment_id": payment_id, "state": states[0]}
    await shop.database.rows(
        text(
            "INSERT INTO refunds (id, payment_id, state, cause, amount, stripe_refund_id)"
            " VALUES (:id, :payment_id, :state, 'dashboard', 7, 're_1')"
        ),
        values,
    )
    for state in states[1:]:
        await shop.database.rows(
            text("UPDATE refunds SET state = :state WHERE id = :id"), {"state": state, "id": refund_id}
        )

    assert await types_of(feed, order_id) == events
    failed = [event for event in await all_of(feed) if event.type is EventType.REFUND_FAILED]
    assert all(event.subject_id == str(refund_id) for event in failed)


@pytest.mark.parametrize(
    ("statuses", "events"),
    [
        (["needs_response", "under_review", "won"], ["dispute_opened", "dispute_closed"]),
        (["lost"], ["dispute_opened", "dispute_closed"]),
        (["warning_needs_response", "warning_closed"], ["dispute_opened", "dispute_closed"]),
        (["won", "needs_response"], ["dispute_opened", "dispute_closed", "dispute_opened"]),
    ],
)
async def test_disputes_are_told(shop: Shop, feed: EventFeed, statuses: list[str], events: list[str]) -> None:
    order_id, payment_id = await paid(shop, feed)
    for number, status in enumerate(statuses):
        values = {"payment_id": payment_id, "status": status}
        statement = (
            "UPDATE disputes SET status = :status WHERE payment_id = :payment_id"
            if number
            else "INSERT INTO disputes (id, payment_id, status, reason, amount, created_at)"
            " VALUES ('du_1', :payment_id, :status, 'general', 7, now())"
        )
        await shop.database.rows(text(statement), values)

    assert await types_of(feed, order_id) == events
    assert {event.subject_id for event in await all_of(feed)} == {"du_1"}


async def test_a_case_for_a_person_is_told_with_and_without_an_order(shop: Shop, feed: EventFeed) -> None:
    order_id = await placed(shop, feed)
    add = text(
        "INSERT INTO attention (id, kind, subject, subject_id, order_id, message)"
        " VALUES (gen_random_uuid(), 'refund_failed', 'refund', :subject, :order_id, 'Decide.')"
    )
    await shop.database.rows(add, {"subject": "1", "order_id": order_id})
    await shop.database.rows(add, {"subject": "2", "order_id": None})
    await shop.database.rows(text("UPDATE attention SET closed_at = now()"))
    await shop.database.rows(text("UPDATE attention SET closed_at = NULL WHERE subject_id = '1'"))

    events = await all_of(feed)
    assert [(event.type, event.order_id) for event in events] == [
        (EventType.ATTENTION_NEEDED, order_id),
        (EventType.ATTENTION_NEEDED, None),
        (EventType.ATTENTION_NEEDED, order_id),
    ]


async def test_no_event_is_left_of_a_change_that_is_taken_back(
    shop: Shop, feed: EventFeed, postgres_url: str
) -> None:
    order_id = await placed(shop, feed)
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("UPDATE orders SET status = 'paid' WHERE id = %s", [order_id])
        await connection.rollback()

    assert await all_of(feed) == []


async def test_a_reader_does_not_pass_an_event_that_is_committed_late(
    shop: Shop, feed: EventFeed, postgres_url: str
) -> None:
    first, second = await placed(shop, feed), await placed(shop, feed)
    async with await psycopg.AsyncConnection.connect(postgres_url) as slow:
        await slow.execute("UPDATE orders SET status = 'paid' WHERE id = %s", [first])
        await shop.set_order(second, status=OrderStatus.PAID)

        seen = await all_of(feed)
        assert [event.order_id for event in seen] == [second]  # and nothing waits for the slow one

        await slow.commit()

    [late] = await all_of(feed, after=seen[-1].cursor)
    assert late.order_id == first


async def test_two_who_publish_at_once_give_each_event_one_place(
    shop: Shop, feed: EventFeed, postgres_url: str
) -> None:
    """One of them is stopped between taking its places and its commit: the others' events come behind."""
    first, second = await placed(shop, feed), await placed(shop, feed)
    await shop.set_order(first, status=OrderStatus.PAID)
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SELECT pg_advisory_xact_lock(hashtext('paygraph shop events'))")
        await other.execute("UPDATE shop_events SET position = 1, published_at = now()")
        await shop.set_order(second, status=OrderStatus.PAID)

        assert await publish_events(shop.database) == 0
        assert await all_of(feed) == []
        await other.commit()

    events = await all_of(feed)
    assert [(event.order_id, event.cursor.position) for event in events] == [(first, 1), (second, 2)]


async def test_pages_follow_each_other_and_types_are_walked_on_their_own(shop: Shop, feed: EventFeed) -> None:
    orders = [await placed(shop, feed) for _ in range(5)]
    for order_id in orders:
        await shop.set_order(order_id, status=OrderStatus.PAID)
        await shop.set_order(order_id, status=OrderStatus.REFUNDED)

    seen: list[EventView] = []
    after: FeedCursor | None = None
    while True:
        page = await feed.page(first=2, after=after, types=[EventType.ORDER_PAID, EventType.ORDER_REVIEW])
        seen += page.items
        if not page.has_next:
            break
        after = page.items[-1].cursor

    assert [event.order_id for event in seen] == orders
    assert {event.type for event in seen} == {EventType.ORDER_PAID}
    assert len(await all_of(feed)) == 10


async def test_old_events_go_and_a_reader_behind_them_goes_on(shop: Shop, feed: EventFeed) -> None:
    order_id = await placed(shop, feed)
    for status in (OrderStatus.PAID, OrderStatus.REVIEW, OrderStatus.REFUNDED):
        await shop.set_order(order_id, status=status)
    events = await all_of(feed)
    await shop.database.rows(text("UPDATE shop_events SET published_at = now() - interval '40 days'"))

    await shop.database.rows(DELETE_OLD_EVENTS, {"age": timedelta(days=30), "limit": 100})

    left = await all_of(feed, after=events[0].cursor)  # the newest stays, so that no place is given twice
    assert [event.id for event in left] == [events[2].id]
    await shop.set_order(order_id, status=OrderStatus.PAID)
    assert [event.type for event in await all_of(feed, after=left[-1].cursor)] == [EventType.ORDER_PAID]


async def test_a_reader_who_was_ahead_of_a_restored_backup_misses_nothing(
    shop: Shop, feed: EventFeed
) -> None:
    """What was published after the backup is gone, its places are given anew, and the reader has been behind them."""
    order_id, other = await placed(shop, feed), await placed(shop, feed)
    await shop.set_order(order_id, status=OrderStatus.PAID)
    [backed_up] = await all_of(feed)
    for status in (OrderStatus.REVIEW, OrderStatus.REFUNDED, OrderStatus.PAID):
        await shop.set_order(order_id, status=status)
    ahead = (await all_of(feed))[-1]

    await shop.database.rows(text("DELETE FROM shop_events WHERE position > 1"))  # the backup
    assert backed_up.id in [event.id for event in await all_of(feed, after=ahead.cursor)]
    for number in range(5):
        await shop.set_order(other, status=OrderStatus.PAID if number % 2 == 0 else OrderStatus.REVIEW)

    read = await all_of(feed, after=ahead.cursor)
    assert [event.order_id for event in read if event.order_id == other] == [other] * 5


async def test_a_reader_of_an_emptied_feed_begins_anew(shop: Shop, feed: EventFeed) -> None:
    order_id = await placed(shop, feed)
    await shop.set_order(order_id, status=OrderStatus.PAID)
    [event] = await all_of(feed)
    await shop.database.rows(text("DELETE FROM shop_events"))
    await shop.set_order(order_id, status=OrderStatus.REVIEW)

    assert [e.type for e in await all_of(feed, after=event.cursor)] == [EventType.ORDER_REVIEW]


OLD, NEW = "0001-01-01T00:00:00+00:00", "2026-01-01T00:00:00"
MADE_UP = [
    base64.urlsafe_b64encode(f"{position}|{UUID(int=1)}|{moment}".encode()).decode()
    for position, moment in (
        ("1", OLD),
        ("1", NEW),
        ("0", f"{NEW}Z"),
        ("9" * 30, f"{NEW}Z"),
        ("x", f"{NEW}Z"),
    )
]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "MXx4fHk=", "é", "0" * 5_000, *MADE_UP])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidPage):
        read_feed_cursor(cursor)
