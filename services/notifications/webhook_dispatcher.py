"""Sends the shop its events: at least once each, side by side, and no endpoint holds up another.

Any number of processes take deliveries from one table. A delivery that is taken is leased: what a process that dies
had in hand is due again when the lease has passed. No connection to the database is held while an endpoint is called.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from models.webhooks.deliveries import (
    DELETE_OLD_EVENTS,
    DUE_ENDPOINTS,
    GIVE_UP_OF_DISABLED,
    MARK_DELIVERED,
    TAKE_DUE,
    DueDelivery,
    DueEndpoint,
)
from models.webhooks.endpoints import (
    DELETE_OLD_ENDPOINTS,
    LOCK_REPLAY,
    MOVE_REPLAY,
    REPLAY_SOME,
)
from runtime.background import in_background
from runtime.database.database import Database, DatabaseUnavailable, Transaction
from runtime.failures import log_failure
from services.notifications.metrics import WEBHOOK_TRIES, WEBHOOK_TRY_SECONDS, DeliveryResult
from services.notifications.publishing import BATCH as PUBLISHED_AT_ONCE
from services.notifications.publishing import publish_events
from services.notifications.webhook_failures import WebhookFailures
from services.notifications.webhook_message import body_of, signed_headers
from services.notifications.webhook_sender import Answer
from services.payments import failpoints

PLACES = 8  # tries of one process at one endpoint at once; one, while the endpoint fails
STATEMENTS = 2  # that are run at once to write answers down
LEASE = timedelta(seconds=60)  # longer than a try
POLL_SECONDS = 5.0  # when no notification came
FAREWELL_SECONDS = 3.0  # for tries under way when the process ends
PREPARING_SECONDS = 1.0
CLEANING_SECONDS = 600.0
BATCH = 500
DELETED_AT_ONCE = 200

log = structlog.get_logger(__name__)


class Sender(Protocol):
    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send to now; `signing` are its secrets, the newest first."""

    id: UUID
    url: str
    signing: tuple[bytes, ...]
    is_failing: bool

    @property
    def places(self) -> int:
        return 1 if self.is_failing else PLACES


class WebhookDispatcher:
    """One for each process. `kept` is how long events and finished deliveries are."""

    def __init__(self, database: Database, sender: Sender, *, kept: timedelta) -> None:
        self.news = asyncio.Event()
        self._database = database
        self._sender = sender
        self._kept = kept
        self._failures = WebhookFailures(database)
        self._busy: Counter[UUID] = Counter()
        self._tries: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Semaphore(STATEMENTS)
        self._prepare_at = 0.0
        self._answers = True  # the database, the last time it was asked

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Deliver events as they come until the block ends; what is under way then may end for a moment."""
        try:
            async with in_background(self._run()), in_background(self._clean_now_and_then()):
                yield
        finally:
            if self._tries:
                await asyncio.wait(self._tries, timeout=FAREWELL_SECONDS)
            for task in self._tries:
                task.cancel()
            await asyncio.gather(*self._tries, return_exceptions=True)
            await self._sender.close()

    async def deliver_due(self) -> int:
        """Everything that is due now, once; how many tries that took."""
        count, started = 0, 1
        while started:
            await self._prepare()
            started = await self._begin()
            await asyncio.gather(*self._tries)
            count += started
        return count

    async def clean(self) -> None:
        """Delete what is old enough, in small steps, so that no lock and no transaction is long."""
        while await self._database.rows(DELETE_OLD_EVENTS, {"age": self._kept, "limit": DELETED_AT_ONCE}):
            pass
        await self._database.rows(DELETE_OLD_ENDPOINTS, {"age": self._kept})

    async def _run(self) -> None:
        while True:
            self.news.clear()
            try:
                if time.monotonic() >= self._prepare_at:
                    self._prepare_at = time.monotonic() + PREPARING_SECONDS
                    await self._prepare()
                await self._begin()
                self._answers = True
            except DatabaseUnavailable as error:
                if self._answers:  # an outage is told once
                    log.warning("webhooks wait for the database", reason=str(error))
                self._answers = False
            except Exception:
                log.exception("webhooks not sent; they are looked at again in some seconds")
            with contextlib.suppress(TimeoutError):
                # `wait_for` of Python 3.11 forgets a cancellation that comes with the news.
                async with asyncio.timeout(POLL_SECONDS):
                    await self.news.wait()

    async def _clean_now_and_then(self) -> None:
        """Beside the sending, which years of events would hold up."""
        while True:
            await asyncio.sleep(random.uniform(0.1, 1.0) * CLEANING_SECONDS)  # noqa: S311  # nosec B311
            try:
                await self.clean()
            except Exception as error:
                log_failure(log, "old events not deleted", error)

    async def _prepare(self) -> None:
        """Put some of what is to be sent again in line, and give up some of what disabled ones are due; the rest next
        time."""
        await self._database.transaction(_replay_some)
        await self._database.rows(GIVE_UP_OF_DISABLED, {"limit": BATCH})

    async def _begin(self) -> int:
        """Publish, and begin a try for what is due wherever there is a place; how many were begun."""
        if await publish_events(self._database) >= PUBLISHED_AT_ONCE:
            self.news.set()  # there are more
        started = 0
        for row in await self._database.rows(DUE_ENDPOINTS):
            endpoint = endpoint_from(row)
            free = endpoint.places - self._busy[endpoint.id]
            if free > 0:
                started += await self._take(endpoint, free)
        return started

    async def _take(self, endpoint: Endpoint, count: int) -> int:
        parameters = {"of_endpoint": endpoint.id, "limit": count, "lease": LEASE}
        taken = await self._database.rows(TAKE_DUE, parameters)
        for delivery in taken:
            self._busy[endpoint.id] += 1
            task = asyncio.create_task(self._deliver(endpoint, delivery))
            self._tries.add(task)
            task.add_done_callback(partial(self._ended, endpoint))
        return len(taken)

    def _ended(self, endpoint: Endpoint, task: asyncio.Task[None]) -> None:
        """Also a try that was canceled before it began: its place is free again."""
        self._tries.discard(task)
        self._busy[endpoint.id] -= 1
        if self._busy[endpoint.id] <= endpoint.places // 2:
            self.news.set()

    async def _deliver(self, endpoint: Endpoint, delivery: DueDelivery) -> None:
        """One try. What can't be written down is tried again when its lease has passed."""
        try:
            answer = await self._call(endpoint, delivery)
            failpoints.reach(failpoints.WEBHOOK_ANSWERED)
            async with self._writing:
                result = await self._write_down(endpoint, delivery, answer)
            WEBHOOK_TRIES.labels(result.value).inc()
        except DatabaseUnavailable as error:
            log.warning(
                "answer to a webhook not recorded", delivery=str(delivery.delivery_id), reason=str(error)
            )
        except Exception:
            log.exception("webhook try failed", delivery=str(delivery.delivery_id))

    async def _call(self, endpoint: Endpoint, delivery: DueDelivery) -> Answer:
        body = body_of(delivery)
        headers = signed_headers(str(delivery.id), body, endpoint.signing, seconds=int(time.time()))
        with WEBHOOK_TRY_SECONDS.time():
            return await self._sender.send(endpoint.url, body, headers)

    async def _write_down(self, endpoint: Endpoint, delivery: DueDelivery, answer: Answer) -> DeliveryResult:
        if not answer.is_taken:
            return await self._failures.record(endpoint.id, delivery, answer)
        values = {
            "of_endpoint": endpoint.id,
            "delivery_id": delivery.delivery_id,
            "attempt": delivery.attempts,
            "first_due": delivery.began_at,
            "http_status": answer.http_status,
        }
        await self._database.rows(MARK_DELIVERED, values)
        return DeliveryResult.DELIVERED


async def _replay_some(transaction: Transaction) -> None:
    replay = await transaction.row(LOCK_REPLAY)
    if replay is None:
        return
    place = {"of_endpoint": replay.id, "after": replay.replay_after, "until": replay.replay_until}
    some = await transaction.one(REPLAY_SOME, {**place, "limit": BATCH})
    is_over = some.found < BATCH
    reached = None if is_over else some.reached
    last = None if is_over else replay.replay_until
    await transaction.rows(MOVE_REPLAY, {"of_endpoint": replay.id, "reached": reached, "last": last})


def endpoint_from(row: DueEndpoint) -> Endpoint:
    signing = (row.signing_key, row.old_key) if row.old_key else (row.signing_key,)
    return Endpoint(row.id, row.url, signing, is_failing=row.failing_since is not None)
