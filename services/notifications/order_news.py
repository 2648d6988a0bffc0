"""News of orders, from whichever process or machine changed them, over PostgreSQL's LISTEN and NOTIFY."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import psycopg
import structlog

from models.orders.channel import LISTEN
from models.shop_events.statements import CHANNEL as EVENTS_CHANNEL
from models.shop_events.statements import LISTEN as LISTEN_TO_EVENTS
from runtime.background import in_background
from runtime.database.address import conninfo
from services.identity.refusals import RateLimited

MOST_PER_USER = 20  # orders that one user may follow at once in one process
RECONNECT_SECONDS = 1.0

log = structlog.get_logger(__name__)


class OrderNews:
    """One listening connection for all followers of this process.

    A notification says only that an order changed; what it is now is read anew. Nothing is missed while the
    connection is lost: once it is back, every follower is woken.
    """

    def __init__(self, database_url: str) -> None:
        self._conninfo = conninfo(database_url, application="paygraph order news", session={})
        self._is_listening = True
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._following: Counter[str] = Counter()
        self._awaiting_events: set[asyncio.Event] = set()

    @asynccontextmanager
    async def on_air(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        async with in_background(self._listen_for_ever()):
            yield

    def wake_for_events(self, waker: asyncio.Event) -> None:
        """Set `waker` whenever an event for the shop was written, or may have been."""
        self._awaiting_events.add(waker)

    @contextmanager
    def of(self, order_id: UUID, user_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the order may have changed; `RateLimited` for one order too many."""
        if self._following[user_id] >= MOST_PER_USER:
            raise RateLimited(retry_after=60)
        changed, key = asyncio.Event(), str(order_id)
        self._followers[key].add(changed)
        self._following[user_id] += 1
        try:
            yield changed
        finally:
            self._forget(key, changed, user_id)

    def _forget(self, key: str, changed: asyncio.Event, user_id: str) -> None:
        self._followers[key].discard(changed)
        if not self._followers[key]:
            del self._followers[key]
        self._following[user_id] -= 1
        if not self._following[user_id]:
            del self._following[user_id]

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                if self._is_listening:  # an outage is told once
                    log.warning("order news interrupted", reason=type(error).__name__)
                self._is_listening = False
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            await connection.execute(LISTEN)
            await connection.execute(LISTEN_TO_EVENTS)
            self._is_listening = True
            self._wake_all()
            async for notification in connection.notifies():
                for concerned in self._concerned_by(notification):
                    concerned.set()

    def _concerned_by(self, notification: psycopg.Notify) -> Collection[asyncio.Event]:
        if notification.channel == EVENTS_CHANNEL:
            return self._awaiting_events
        return self._followers.get(notification.payload, ())

    def _wake_all(self) -> None:
        for followers in (*self._followers.values(), self._awaiting_events):
            for changed in followers:
                changed.set()
