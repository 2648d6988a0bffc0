"""Stripe's events: stored by id before the 200, then finished by asking Stripe how the intent stands now.

The payload moves nothing. It may be stale, reordered, or forged with a leaked secret, and it holds the client
secret, so only its id, its type and the id of the object it is about are kept. What is about another application's
intent is dropped before it is stored; of a thin event about a refund or a dispute that is only known when Stripe was
asked.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from models.attention.tables import AttentionKind, AttentionSubject
from models.reconciliation.sweep_state import UNKNOWN_TO_STRIPE
from models.refunds.statements import PAYMENT_WITH_INTENT
from models.stripe_events.tables import (
    FINISH_EVENT,
    INTENT_OF_OBJECT,
    MOST_ATTEMPTS,
    POSTPONE_EVENT,
    REST_EVENTS,
    REVIVE_EVENTS,
    REVIVE_KIND,
    STORE_EVENT,
    STORE_MISSED_EVENT,
    TAKE_DUE_EVENTS,
    TAKE_RESTING_EVENTS,
    TRY_ONE_OF_KIND,
    DueEvent,
    RestingEvent,
)
from runtime.background import in_background
from runtime.database.database import Database, Transaction
from runtime.failures import log_failure
from runtime.observation import note
from services.payments import failpoints
from services.payments.attention import Case, open_case
from services.payments.call_priority import Rank, asking_as
from services.payments.declines import DECLINED, Declines
from services.payments.disputes import DisputeGateway, Disputes
from services.payments.intents import (
    AccessDenied,
    GatewayError,
    Intent,
    IntentMarks,
    KeyBurnt,
    NotSent,
    ObjectLocked,
    OutcomeUnknown,
    PermissionMissing,
    StripeEventSeen,
    TooManyRequests,
    UnreadableAnswer,
    is_missing,
)
from services.payments.refunds import RefundGateway, Refunds
from services.payments.settlement import Settlement
from services.payments.stripe_ids import INTENT, is_id
from services.reconciliation.ownership import Ownership
from services.reconciliation.recovery import NotHeard, Recovery
from services.reconciliation.stripe_account import StripeAccount, account_changed
from services.reconciliation.stripe_events import (
    DISPUTE_EVENTS,
    INTENT_EVENTS,
    REFUND_EVENTS,
    Event,
    UnverifiedEvent,
    event_from,
    kind_of,
    prefixes_of,
)

EVENT_LEASE = timedelta(seconds=60)  # how long one worker may take for one event
MOST_AT_ONCE = 20  # events in work of one process
RESTING_AT_ONCE = 3
POLL_SECONDS = 5.0
LONGEST_DELAY = timedelta(minutes=10)
FORBIDDEN = (PermissionMissing, NotHeard)  # until somebody gives the key a permission

log = structlog.get_logger(__name__)


class SignatureCheck(Protocol):
    @property
    def is_possible(self) -> bool:
        """Whether there is a secret to check with."""

    def __call__(self, payload: bytes, header: str) -> None:
        """Return for a genuine, recent signature; raise `UnverifiedEvent` otherwise."""


class WebhookGateway(RefundGateway, DisputeGateway, Protocol):
    async def cancel_intent(self, intent_id: str) -> Intent: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...
    async def intent_id_of(self, object_id: str) -> str | None: ...


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
        self._declines = Declines(database, gateway)
        self._ownership = Ownership(database)
        self._recovery = Recovery(database, gateway)
        self._account = StripeAccount(database, gateway)
        self._check_signature = check_signature
        self._livemode = livemode
        self._news = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Without a secret any event may be forged, so none is accepted."""
        return self._check_signature is not None and self._check_signature.is_possible

    async def receive(self, payload: bytes, signature: str) -> None:
        """Store a genuine event of ours; its commit comes before the caller's 200.

        Events of other kinds, of the other mode and of other applications are answered the same and not stored.
        """
        if self._check_signature is None or not self.is_open:
            raise UnverifiedEvent("no webhook secret is set")
        self._check_signature(payload, signature)
        event = event_from(payload)
        note(event=event.id)
        if event.livemode != self._livemode:
            log.warning("event of the other mode ignored", event_id=event.id, livemode=event.livemode)
            return
        if event.object_id is None or not await self._may_be_ours(event):
            return
        await self._database.rows(
            STORE_EVENT, stored(event.id, event.type, event.object_id, event.created_at)
        )
        failpoints.reach(failpoints.EVENT_STORED)
        self._news.set()

    async def _may_be_ours(self, event: Event) -> bool:
        """A thin event about a refund or a dispute doesn't name its intent: that is asked when it is finished."""
        if event.object_id is None or not is_id(INTENT, event.object_id):
            return True
        return await self._ownership.is_ours(event.object_id, event.marks or IntentMarks())

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Finish events as they come, and those that were left, until the block ends."""
        async with in_background(self._run()):
            yield

    async def _run(self) -> None:
        """Work on so many events at once; a slow one takes one place and holds up no other."""
        busy: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._news.clear()
                taken = await self._take_or_log(MOST_AT_ONCE - len(busy))
                for (kind, object_id), events in alike(taken).items():
                    busy.add(asyncio.create_task(self._finish_in_background(kind, object_id, events)))
                if not taken:
                    await self._until_news_or(busy if len(busy) >= MOST_AT_ONCE else set())
                elif len(busy) >= MOST_AT_ONCE:
                    await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
                busy = {task for task in busy if not task.done()}
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)

    async def _until_news_or(self, busy: set[asyncio.Task[None]]) -> None:
        if busy:
            await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
            return
        with contextlib.suppress(TimeoutError):
            # `wait_for` of Python 3.11 forgets a cancellation that comes with the news.
            async with asyncio.timeout(POLL_SECONDS):
                await self._news.wait()

    async def _take_or_log(self, limit: int) -> Sequence[DueEvent]:
        try:
            return await self._take(limit)
        except Exception as error:
            log_failure(log, "webhook events could not be taken; trying again", error)
            await asyncio.sleep(1)
            return []

    async def _take(self, limit: int) -> Sequence[DueEvent]:
        if limit <= 0:
            return []
        return await self._database.rows(TAKE_DUE_EVENTS, {"limit": limit, "lease": EVENT_LEASE})

    async def take_missed(self, events: Sequence[StripeEventSeen]) -> int:
        """Store those of Stripe's list that never came; how many were new. `events` are ours."""
        new = 0
        for event in events:
            values = stored(event.id, event.type, event.intent_id, event.created_at)
            new += len(await self._database.rows(STORE_MISSED_EVENT, values))
        return new

    async def try_all_again(self) -> None:
        """Stripe is back: what failed while it was away is due now, and with all its attempts."""
        away = (
            OutcomeUnknown,
            ObjectLocked,
            TooManyRequests,
            NotSent,
            AccessDenied,
            KeyBurnt,
            UnreadableAnswer,
            *FORBIDDEN,
        )
        await self._database.rows(REVIVE_EVENTS, {"failures": [kind.__name__ for kind in away]})

    async def try_forbidden_ones(self) -> None:
        """Whether the key may read by now what it was forbidden: one event of each kind that rests for it tells."""
        for kind in (INTENT_EVENTS, REFUND_EVENTS[0], DISPUTE_EVENTS):
            await self._database.rows(TRY_ONE_OF_KIND, forbidden_of(kind))

    async def let_tried_ones_rest(self) -> None:
        """Events that were tried often enough rest, and a person is called."""

        async def write(transaction: Transaction) -> None:
            for event in await transaction.rows(REST_EVENTS):
                await open_case(transaction, unfinished(event))

        await self._database.transaction(write)

    async def take_resting(self, behind: str | None) -> Sequence[DueEvent]:
        """A few of the events that rest, behind an id in the order of their ids.

        What kept them unfinished may have passed, and Stripe sends again only what we did not take.
        """
        behind_id = {"behind_id": behind or "", "limit": RESTING_AT_ONCE, "lease": EVENT_LEASE}
        return await self._database.rows(TAKE_RESTING_EVENTS, behind_id)

    async def finish_due(self) -> int:
        """Take some of the events that are due and finish them; how many were taken."""
        due = await self._take(MOST_AT_ONCE)
        await self.finish_taken(due)
        return len(due)

    async def finish_taken(self, events: Sequence[DueEvent]) -> None:
        groups = alike(events).items()
        await asyncio.gather(*(self._finish_in_background(*group, rows) for group, rows in groups))

    async def finish_all(self) -> int:
        """Finish all events that are due; how many there were."""
        count = 0
        while taken := await self.finish_due():
            count += taken
        return count

    async def _finish_in_background(self, kind: str, object_id: str, events: Sequence[DueEvent]) -> None:
        with asking_as(Rank.WEBHOOK):
            try:
                await self._finish(kind, object_id, events)
            except Exception as error:  # the database: the events' lease runs out
                log_failure(log, "event not finished", error, event_id=events[-1].id)

    async def _finish(self, kind: str, object_id: str, events: Sequence[DueEvent]) -> None:
        was_begun = any(event.attempts > 1 for event in events)
        try:
            await self._apply(kind, object_id, cause=events[-1].id, was_begun=was_begun)
            declined = [event.id for event in events if event.type.removeprefix("v1.") == DECLINED]
            if declined:
                await self._declines.count(object_id, declined)
        except GatewayError as error:
            failure = await self._what_it_waits_for(error, object_id)
            told = {"event_id": events[-1].id, "outcome": type(error).__name__, "said": str(error)}
            if failure is not None:
                log.warning("event delayed", **told)
                return await self._postpone(events, failure)
            log.warning("event about an unknown object", **told)
        except Exception as error:  # one event that can't be finished must not hold up the others
            log_failure(log, "event not finished", error, event_id=events[-1].id)
            return await self._postpone(events, type(error).__name__)
        for event in events:
            await self._database.rows(FINISH_EVENT, {"event_id": event.id})
        if was_begun:  # so the others may go through as well
            await self._database.rows(REVIVE_KIND, forbidden_of(kind))
        return None

    async def _apply(self, kind: str, object_id: str, *, cause: str, was_begun: bool) -> None:
        intent_id = object_id if is_id(INTENT, object_id) else await self._intent_of(object_id)
        if intent_id is None:
            return
        known = await self._database.row(PAYMENT_WITH_INTENT, {"intent_id": intent_id})
        if known is None or (kind == INTENT_EVENTS and was_begun):
            await self._recover_and_settle(intent_id, cause=cause)
        elif kind == INTENT_EVENTS:
            await self._apply_intent(intent_id, cause=cause)
        else:
            await self._refresh_what_followed(kind, intent_id)

    async def _refresh_what_followed(self, kind: str, intent_id: str) -> None:
        # With another account's key the lists are empty, and that is no answer: this call tells.
        await self._gateway.retrieve_intent(intent_id)
        if kind == DISPUTE_EVENTS:
            await self._disputes.refresh(intent_id)
        else:
            await self._refunds.refresh(intent_id)

    async def _recover_and_settle(self, intent_id: str, *, cause: str) -> None:
        """An intent that no payment had until now: events of its refunds and disputes may have come too early.

        Also for an event that was begun before: its payment may have got its intent, and not yet what followed.
        """
        intent = await self._gateway.retrieve_intent(intent_id)
        if await self._recovery.is_ours(intent):
            await self._recovery.recover(intent, cause=cause)
            failpoints.reach(failpoints.EVENT_APPLIED)
            await self._refunds.carry_out_owed(intent_id)

    async def _apply_intent(self, intent_id: str, *, cause: str) -> None:
        intent = await self._gateway.retrieve_intent(intent_id)
        await self._settlement.apply(intent, cause=cause)
        await self._recovery.close_if_given_up(intent)
        failpoints.reach(failpoints.EVENT_APPLIED)
        await self._refunds.carry_out_owed(intent_id)

    async def _intent_of(self, object_id: str) -> str | None:
        """The intent of a refund, dispute or charge, when it is ours."""
        known = await self._database.row(INTENT_OF_OBJECT, {"object_id": object_id})
        intent_id = known.intent_id if known else await self._gateway.intent_id_of(object_id)
        if intent_id is None or not await self._ownership.is_ours(intent_id, IntentMarks()):
            return None
        return str(intent_id)

    async def _is_of_another_account(self, object_id: str) -> bool:
        """Whether Stripe should know this object, since our tables do, or is known to answer for another account."""
        is_ours = await self._database.row(PAYMENT_WITH_INTENT, {"intent_id": object_id}) or (
            await self._database.row(INTENT_OF_OBJECT, {"object_id": object_id})
        )
        return is_ours is not None or await self._account.is_another()

    async def _what_it_waits_for(self, error: GatewayError, object_id: str) -> str | None:
        """None when Stripe knows no such object, and neither do we: there is nothing to apply."""
        if not is_missing(error):
            return type(error).__name__
        if not await self._is_of_another_account(object_id):
            return None
        await open_case(self._database, account_changed(object_id))
        return UNKNOWN_TO_STRIPE

    async def _postpone(self, events: Sequence[DueEvent], failure: str) -> None:
        for event in events:
            delay = min(timedelta(seconds=2 ** min(event.attempts, 10)), LONGEST_DELAY)
            parameters = {"event_id": event.id, "delay": delay, "failure": failure}
            await self._database.rows(POSTPONE_EVENT, parameters)


def alike(events: Sequence[DueEvent]) -> dict[tuple[str, str], list[DueEvent]]:
    """One question to Stripe answers all events of a kind about the same object."""
    groups: defaultdict[tuple[str, str], list[DueEvent]] = defaultdict(list)
    for event in events:
        groups[kind_of(event.type), event.object_id].append(event)
    return groups


def unfinished(event: RestingEvent) -> Case:
    return Case(
        kind=AttentionKind.EVENT_UNFINISHED,
        subject=AttentionSubject.EVENT,
        subject_id=event.id,
        message=(
            f"Stripe's event {event.id} ({event.type} of {event.object_id}) could not be finished in {MOST_ATTEMPTS} "
            f"attempts: {event.failure or 'the server ended each time'}. Look at {event.object_id} in Stripe's "
            "dashboard, and send the event again there (Developers → Webhooks → Resend) to have it tried at once; it "
            "is tried again from time to time."
        ),
    )


def forbidden_of(kind: str) -> dict[str, list[str]]:
    return {"failures": [error.__name__ for error in FORBIDDEN], "prefixes": prefixes_of(kind)}


def stored(event_id: str, kind: str, object_id: str, created_at: datetime) -> dict[str, Any]:
    return {"id": event_id, "type": kind, "object_id": object_id, "created_at": created_at}
