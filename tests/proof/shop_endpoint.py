"""The shop's side in the proof: an endpoint that fails when it likes, and what it has heard of (E8)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import orjson
from sqlalchemy import text

from models.attention.tables import AttentionKind
from runtime.database.database import Database
from services.identity.principal import Principal
from services.notifications.event_feed import EventFeed, FeedCursor
from services.notifications.webhook_addresses import PUBLIC_ONLY
from services.notifications.webhook_dispatcher import WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_sender import Answer
from tests.proof.watched import is_held

URL = "https://shop.example/paygraph"
OWNER = Principal("m", None, frozenset({"merchant"}))
THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

# Which changes there were, noted by a trigger of the proof's own: it shares nothing with those that write the events.
NOTE_CHANGES = (
    "CREATE TABLE status_changes (number bigserial PRIMARY KEY, order_id uuid, status text,"
    " transaction_id bigint DEFAULT pg_current_xact_id()::text::bigint)",
    "CREATE FUNCTION note_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO status_changes (order_id, status) VALUES (NEW.id, NEW.status); RETURN NULL; END $$",
    "CREATE TRIGGER note_status AFTER UPDATE OF status ON orders FOR EACH ROW"
    " WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION note_status()",
)
TYPES = {
    "paid": "order_paid",
    "canceled": "order_canceled",
    "review": "order_review",
    "refunded": "order_refunded",
    "partially_refunded": "order_refunded",
    "pending": "order_updated",
}
CHANGES = text("SELECT DISTINCT order_id, transaction_id, status FROM status_changes")
EVENTS = text("SELECT * FROM shop_events")
NOT_TOLD = text(
    "SELECT d.id FROM webhook_deliveries d WHERE d.status = 'given_up'"
    " AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.kind = :kind)"
)
# An event's revision is no larger than the order's, and no smaller than that of the order's event before it.
WRONG_REVISIONS = text(
    "SELECT e.id, e.order_revision, e.one_before, o.revision"
    " + (SELECT coalesce(sum(p.revision), 0) FROM payments p WHERE p.order_id = o.id)"
    " + (SELECT coalesce(sum(r.revision), 0) FROM payments p JOIN refunds r ON r.payment_id = p.id"
    " WHERE p.order_id = o.id)"
    " + (SELECT coalesce(sum(d.revision), 0) FROM payments p JOIN disputes d ON d.payment_id = p.id"
    " WHERE p.order_id = o.id) AS now"
    " FROM (SELECT id, order_id, order_revision, lag(order_revision) OVER (PARTITION BY order_id ORDER BY position)"
    " AS one_before FROM shop_events WHERE position IS NOT NULL) e JOIN orders o ON o.id = e.order_id"
)
UNDER_WAY = text("SELECT id FROM webhook_deliveries WHERE status = 'due'")


class ShopEndpoint:
    """`moods`: what it does with each message in turn: take it, fail, or take it and let nobody know."""

    def __init__(self, database: Database) -> None:
        self.moods = cycle(["take"])
        self.heard: set[str] = set()
        self.called_while_held: list[str] = []
        self.pulled: set[str] = set()
        self.cursor: FeedCursor | None = None
        self._database = database
        self.endpoints = WebhookEndpoints(database, PUBLIC_ONLY)
        self.feed = EventFeed(database)
        self.dispatcher = WebhookDispatcher(database, self, kept=timedelta(days=3_650))

    async def open(self) -> None:
        self.heard, self.pulled, self.cursor, self.moods = set(), set(), None, cycle(["take"])
        await self.endpoints.create(OWNER, URL, None)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if is_held():
            self.called_while_held.append(orjson.loads(body)["type"])
        mood = next(self.moods)
        if mood != "fail":
            self.heard.add(headers["webhook-id"])
        return Answer(204, None) if mood == "take" else Answer(500, "it answered 500")

    async def close(self) -> None:
        pass

    async def pull(self) -> None:
        """All that is behind the cursor, as a shop that keeps one does it."""
        has_next = True
        while has_next:
            page = await self.feed.page(first=10, after=self.cursor)
            for event in page.items:
                self.pulled.add(str(event.id))
                self.cursor = event.cursor
            has_next = page.has_next

    def pass_time(self, time: timedelta) -> None:
        if self.cursor is not None:
            self.cursor = replace(self.cursor, published_at=self.cursor.published_at - time)

    async def repair(self) -> None:
        """What a case says: enable the endpoint, and have all sent again."""
        self.moods = cycle(["take"])
        [endpoint] = await self.endpoints.list()
        if endpoint.disabled_because is not None:
            await self.endpoints.set_enabled(OWNER, endpoint.id, enabled=True)
        await self.endpoints.replay(OWNER, endpoint.id, THE_BEGINNING)


async def e8_each_change_is_one_event_and_the_shop_hears_it(
    database: Database, endpoint: ShopEndpoint
) -> None:
    """By webhook and by the feed; a webhook that was given up was told to a person, and comes when they replay it."""
    events = await database.rows(EVENTS)
    await _each_change_is_one_event(database, events)
    untold = await database.rows(NOT_TOLD, {"kind": AttentionKind.WEBHOOK_DISABLED.value})
    assert not untold, f"E8: given up, and nobody was told: {untold}"

    await endpoint.dispatcher.deliver_due()
    if not {str(event.id) for event in events} <= endpoint.heard:
        given_up = await database.rows(
            text("SELECT 1 FROM attention WHERE kind = :kind"),
            {"kind": AttentionKind.WEBHOOK_DISABLED.value},
        )
        assert given_up, "E8: events that the endpoint did not hear of, and none was given up"
        await endpoint.repair()
        await endpoint.dispatcher.deliver_due()
    await endpoint.pull()
    everything = {str(event.id) for event in await database.rows(EVENTS)}
    assert everything <= endpoint.heard, f"E8: not heard of: {everything - endpoint.heard}"
    assert everything <= endpoint.pulled, f"E8: not in the feed: {everything - endpoint.pulled}"
    assert not await database.rows(UNDER_WAY), "E8: due, though the endpoint is well"
    for event in await database.rows(WRONG_REVISIONS):
        assert (event.one_before or 0) <= event.order_revision <= event.now, f"E8: revision of {event}"


async def _each_change_is_one_event(database: Database, events: Any) -> None:
    told = {(event.order_id, event.transaction_id, event.type) for event in events}
    of_status = [(e.order_id, e.transaction_id, e.type) for e in events if not e.subject_id]
    assert len(of_status) == len(set(of_status)), "E8: one change, several events"
    changes = {
        (change.order_id, change.transaction_id, TYPES[change.status])
        for change in await database.rows(CHANGES)
    }
    assert changes <= told, f"E8: changes without an event: {changes - told}"
    made_up = {each for each in told - changes if each[2] in ("order_paid", "order_canceled", "order_review")}
    assert not made_up, f"E8: events without a change: {made_up}"
