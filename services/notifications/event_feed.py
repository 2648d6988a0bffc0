"""The shop's events, to be pulled: pages by place, which skip nothing, however late a transaction commits.

A reader keeps the cursor of the last event that it dealt with. When a standby that lacks the newest events takes over,
or a backup is restored, that cursor names an event that is not here: then the feed goes on from the time of that event,
so that such a reader sees some events twice and misses none.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.orders.tables import OrderStatus
from models.shop_events.statements import (
    EVENTS,
    EVENTS_OF_ORDER,
    EVENTS_OF_TYPES,
    LAST_BEFORE,
    NEWEST,
    PLACE,
    EventRow,
)
from models.shop_events.tables import EventType
from models.webhooks.deliveries import DeliveryRow
from runtime.database.database import Database
from runtime.pages import InvalidPage, Page, check_size, page_of
from services.notifications.publishing import publish_events

FIRST_YEAR = 2000
PATIENCE = 1.0  # seconds for another process that gives events their places
CLOCKS_DIFFER = timedelta(minutes=5)  # at most, between the server that was lost and the one that took over


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """The place of an event, and what tells whether it is the same event still."""

    position: int
    event_id: UUID
    published_at: datetime

    def __str__(self) -> str:
        text = f"{self.position}|{self.event_id}|{self.published_at.isoformat()}"
        return base64.urlsafe_b64encode(text.encode()).decode()


def read_feed_cursor(text: str) -> FeedCursor:
    """Raises `InvalidPage`."""
    try:
        position, event_id, moment = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split("|")
        cursor = FeedCursor(int(position), UUID(event_id), datetime.fromisoformat(moment))
    except (ValueError, binascii.Error):
        raise InvalidPage("`after` is not a cursor of this API") from None
    known = cursor.published_at.tzinfo is not None and cursor.published_at.year >= FIRST_YEAR
    if not known or not 0 < cursor.position < 2**63:
        raise InvalidPage("`after` is not a cursor of this API")
    return cursor


@dataclass(frozen=True, slots=True)
class EventView:
    """`status` and `version` are the order's, as the event's transaction left them; None without an order.

    `revision` is the order's when the event got its place in the feed: a read of the order with this one or a larger
    one knows of the event. None for an event of long ago.

    `subject_id` is the refund, dispute or case that it is about; None when it is about the order itself.
    """

    id: UUID
    type: EventType
    order_id: UUID | None
    subject_id: str | None
    status: OrderStatus | None
    version: int | None
    revision: int | None
    created_at: datetime
    cursor: FeedCursor


class EventFeed:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        *,
        first: int,
        after: FeedCursor | None,
        types: Sequence[EventType] = (),
        order_id: UUID | None = None,
    ) -> Page[EventView]:
        """Events behind a cursor, oldest first; of all types and orders when none is named. Raises `InvalidPage`."""
        check_size(first)
        await publish_events(self._database, patience=PATIENCE)
        place = await self._place_behind(after) if after else 0
        page: dict[str, Any] = {"after": place, "limit": first + 1}
        if order_id is not None:
            of_order = {"of_order": order_id, "types": _names(types or [*EventType])}
            rows = await self._database.rows(EVENTS_OF_ORDER, page | of_order)
        elif types:
            rows = await self._database.rows(EVENTS_OF_TYPES, page | {"types": _names(types)})
        else:
            rows = await self._database.rows(EVENTS, page)
        return page_of([event_from(row) for row in rows], first)

    async def newest(self) -> FeedCursor | None:
        """Where the feed ends now; None while nothing has happened."""
        await publish_events(self._database, patience=PATIENCE)
        row = await self._database.row(NEWEST)
        return event_from(row).cursor if row else None

    async def _place_behind(self, cursor: FeedCursor) -> int:
        row = await self._database.row(PLACE, {"position": cursor.position})
        assert row is not None  # nosec B101  # noqa: S101 - it always has one row
        is_same = row.id == cursor.event_id
        is_deleted_by_age = row.id is None and row.first is not None and cursor.position < row.first
        if is_same or is_deleted_by_age:
            return cursor.position
        before = await self._database.row(LAST_BEFORE, {"moment": cursor.published_at - CLOCKS_DIFFER})
        return before.position if before else 0


def _names(types: Sequence[EventType]) -> list[str]:
    return sorted({each.value for each in types})


def event_from(row: EventRow | DeliveryRow) -> EventView:
    return EventView(
        id=row.id,
        type=EventType(row.type),
        order_id=row.order_id,
        subject_id=row.subject_id or None,
        status=OrderStatus(row.order_status) if row.order_status else None,
        version=row.order_version,
        revision=row.order_revision,
        created_at=row.created_at,
        cursor=FeedCursor(row.position, row.id, row.published_at),
    )
