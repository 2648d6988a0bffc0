"""`python main.py listen`: the shop's events on a terminal, as they come."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence

from models.shop_events.tables import EventType
from runtime.database.database import DatabaseUnavailable, build_database
from services.notifications.event_feed import EventFeed, EventView, FeedCursor
from services.notifications.order_news import OrderNews

POLL_SECONDS = 5.0  # when no notification came
PAGE = 100


async def listen(
    url: str, after: FeedCursor | None, types: Sequence[EventType], write: Callable[[str], object]
) -> None:
    """Write a line for each event behind a cursor, or from now on; runs until it is canceled.

    Raises `DatabaseUnavailable` at the beginning; a database that goes away later is waited for.
    """
    database, news, woken = build_database(url, pool_size=1), OrderNews(url), asyncio.Event()
    news.wake_for_events(woken)
    feed = EventFeed(database)
    try:
        place = after or await feed.newest()
        async with news.on_air():
            while True:
                woken.clear()
                has_next = False
                with contextlib.suppress(DatabaseUnavailable):  # the news have said so
                    page = await feed.page(first=PAGE, after=place, types=types)
                    for event in page.items:
                        write(as_line(event))
                        place = event.cursor
                    has_next = page.has_next
                if has_next:
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await woken.wait()
    finally:
        await database.close()


def as_line(event: EventView) -> str:
    told = {
        "type": event.type.name,
        "createdAt": event.created_at.isoformat(timespec="milliseconds"),
        "orderId": str(event.order_id) if event.order_id else None,
        "orderStatus": event.status.name if event.status else None,
        "orderVersion": event.version,
        "orderRevision": event.revision,
        "subjectId": event.subject_id,
        "id": str(event.id),
        "cursor": str(event.cursor),
    }
    return json.dumps({name: value for name, value in told.items() if value is not None})
