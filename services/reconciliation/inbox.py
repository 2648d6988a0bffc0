"""Stripe's events: stored by id before the 200, then finished by asking Stripe how the intent stands now.

The payload moves nothing. It may be stale, reordered, or forged with a leaked secret, and it holds the client
secret, so only its id, its type and the id of the object it is about are kept.
"""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from models.reconciliation.statements import EVENTS_DUE_NOW, FINISHED_EVENTS
from models.stripe_events.tables import FINISH_EVENT, POSTPONE_EVENT, STORE_EVENT, TAKE_DUE_EVENTS
from runtime.database.database import Database, Row
from services.payments import failpoints
from services.payments.call_priority import in_background
from services.payments.disputes import DisputeGateway, Disputes
from services.payments.intents import GatewayError, Intent, Refused, StripeEventSeen
from services.payments.refunds import RefundGateway, Refunds
from services.payments.settlement import Settlement

INTENT_EVENTS = "payment_intent."
REFUND_EVENTS = ("refund.", "charge.refund")
DISPUTE_EVENTS = "charge.dispute."
EVENT_LEASE = timedelta(seconds=60)  # how long one worker may take for one event
BATCH = 20
POLL_SECONDS = 5.0
LONGEST_DELAY = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class UnverifiedEvent(Exception):
    """Not signed by Stripe with one of our secrets, or not an event; nothing of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is kept of an event; `intent_id` is None when it is about no intent."""

    id: str
    type: str
    intent_id: str | None
    created_at: datetime
    livemode: bool


class SignatureCheck(Protocol):
    @property
    def is_possible(self) -> bool:
        """Whether there is a secret to check with."""

    def __call__(self, payload: bytes, header: str) -> None:
        """Return for a genuine, recent signature; raise `UnverifiedEvent` otherwise."""


class WebhookGateway(RefundGateway, DisputeGateway, Protocol):
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class Inbox:
    """Receives events and finishes them; one per process, any number of processes."""

    def __init__(
        self,
        database: Database,
        gateway: WebhookGateway,
        check_signature: SignatureCheck | None,
        *,
        livemode: bool,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)
        self._refunds = Refunds(database, gateway)
        self._disputes = Disputes(database, gateway)
        self._check_signature = check_signature
        self._livemode = livemode
        self._news = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Without a secret nothing can be told from a forgery, so nothing is taken."""
        return self._check_signature is not None and self._check_signature.is_possible

    async def receive(self, payload: bytes, signature: str) -> None:
        """Store a genuine event of interest; its commit comes before the caller's 200."""
        if self._check_signature is None or not self.is_open:
            raise UnverifiedEvent("no webhook secret is set")
        self._check_signature(payload, signature)
        event = event_from(payload)
        if event.livemode != self._livemode:
            log.warning("event of the other mode ignored", event_id=event.id, livemode=event.livemode)
            return
        if event.intent_id is None:
            return
        await self._database.rows(
            STORE_EVENT, stored(event.id, event.type, event.intent_id, event.created_at)
        )
        failpoints.reach(failpoints.EVENT_STORED)
        self._news.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Finish events as they come, and those that were left, until the block ends."""
        work = asyncio.create_task(self._run())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _run(self) -> None:
        while True:
            self._news.clear()
            if await self._work_or_log() == 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), POLL_SECONDS)

    async def _work_or_log(self) -> int:
        try:
            return await self.finish_due()
        except Exception:
            log.exception("webhook events could not be finished; trying again")
            await asyncio.sleep(1)
            return 0

    async def take_missed(self, events: Sequence[StripeEventSeen]) -> int:
        """Store those of Stripe's list that never came or are not finished; how many were new or unfinished."""
        rows = await self._database.rows(FINISHED_EVENTS, {"ids": [event.id for event in events]})
        finished = {row.id for row in rows}
        missed = [event for event in events if event.id not in finished]
        for event in missed:
            await self._database.rows(
                STORE_EVENT, stored(event.id, event.type, event.intent_id, event.created_at)
            )
        return len(missed)

    async def finish_all(self, *, pause: float = 0.0) -> int:
        """Finish every event that is not, whenever it would be due; how many there were.

        `pause` is seconds for each event, so that a flood of them leaves Stripe's rate limit to customers.
        """
        await self._database.rows(EVENTS_DUE_NOW)
        count = 0
        while taken := await self.finish_due():
            count += taken
            await asyncio.sleep(pause * taken)
        return count

    async def finish_due(self) -> int:
        """Take the events that are due and finish them; how many were taken."""
        due = await self._database.rows(TAKE_DUE_EVENTS, {"limit": BATCH, "lease": EVENT_LEASE})
        alike: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        for event in due:  # one question to Stripe answers all events of a kind about the same intent
            alike[kind_of(event.type), event.object_id].append(event)
        with in_background():
            await asyncio.gather(
                *(self._finish(kind, intent, rows) for (kind, intent), rows in alike.items())
            )
        return len(due)

    async def _finish(self, kind: str, intent_id: str, events: Sequence[Row]) -> None:
        try:
            await self._hear(kind, intent_id, cause=events[-1].id)
        except Refused as error:  # Stripe knows no such intent: there is nothing to apply
            log.warning("event about an unknown intent", event_id=events[-1].id, code=error.code)
        except GatewayError as error:
            return await self._postpone(events, type(error).__name__)
        except Exception as error:  # one event that can't be finished must not hold up the others
            log.exception("event not finished", event_id=events[-1].id)
            return await self._postpone(events, type(error).__name__)
        for event in events:
            await self._database.rows(FINISH_EVENT, {"event_id": event.id})
        return None

    async def _hear(self, kind: str, intent_id: str, *, cause: str) -> None:
        if kind == INTENT_EVENTS:
            intent = await self._gateway.retrieve_intent(intent_id)
            await self._settlement.apply(intent, cause=cause)
            failpoints.reach(failpoints.EVENT_APPLIED)
            await self._refunds.carry_out_owed(intent_id)
        elif kind == DISPUTE_EVENTS:
            await self._disputes.hear(intent_id)
        else:
            await self._refunds.hear(intent_id)

    async def _postpone(self, events: Sequence[Row], failure: str) -> None:
        for event in events:
            delay = min(timedelta(seconds=2 ** min(event.attempts, 10)), LONGEST_DELAY)
            parameters = {"event_id": event.id, "delay": delay, "failure": failure}
            await self._database.rows(POSTPONE_EVENT, parameters)


def stored(event_id: str, kind: str, intent_id: str, created_at: datetime) -> dict[str, Any]:
    return {"id": event_id, "type": kind, "object_id": intent_id, "created_at": created_at}


def event_from(payload: bytes) -> Event:
    """The parts of a verified event that we keep: https://docs.stripe.com/api/events/object"""
    try:
        data: dict[str, Any] = json.loads(payload)
        kind, about = _text(data["type"]), data["data"]["object"]
        return Event(
            id=_text(data["id"]),
            type=kind,
            intent_id=intent_of(kind, about),
            created_at=datetime.fromtimestamp(data["created"], UTC),
            livemode=bool(data["livemode"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UnverifiedEvent("not an event") from error


def kind_of(event_type: str) -> str:
    """What has to be asked of Stripe after an event of this type."""
    if event_type.startswith(INTENT_EVENTS):
        return INTENT_EVENTS
    return DISPUTE_EVENTS if event_type.startswith(DISPUTE_EVENTS) else REFUND_EVENTS[0]


def intent_of(kind: str, about: Mapping[str, Any]) -> str | None:
    """The intent that an event is about, if it is about an intent, its refunds or its disputes."""
    if kind.startswith(INTENT_EVENTS):
        return _text(about["id"])
    if kind.startswith((*REFUND_EVENTS, DISPUTE_EVENTS)):
        intent_id = about.get("payment_intent")
        return None if intent_id is None else _text(intent_id)
    return None


def _text(value: object) -> str:
    # PostgreSQL takes neither NUL nor half a character.
    if not (isinstance(value, str) and 0 < len(value) <= 255 and value.isascii() and value.isprintable()):
        raise TypeError("not a string of Stripe's")
    return value
