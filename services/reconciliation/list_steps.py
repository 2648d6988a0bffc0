"""The steps of the sweep that read Stripe's lists of events and intents: what no webhook delivered, what we don't have.

A list is read in windows, from now down to where the last reading began. A window that is not read to its end is kept
with the place that was reached; younger windows go first. So whatever other applications do on the account, what
happened a minute ago is read at once, and weeks of theirs are read bit by bit beside it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog

from models.attention.statements import MONEY_WITH_ITS_ORDER
from models.reconciliation.leases import DONE_UNTIL, SET_DONE_UNTIL
from models.reconciliation.sweep_state import (
    ADD_WINDOW,
    END_WINDOW,
    FIRST_AGE,
    MOVE_WINDOW,
    TAKE_BACK_UNBEGUN,
    WINDOWS,
    WindowRow,
)
from runtime.database.database import Database, Transaction
from services.payments.intents import (
    Intent,
    IntentSeen,
    Refused,
    StripeEventSeen,
    StripePage,
    UnreadableAnswer,
)
from services.reconciliation.inbox import Inbox
from services.reconciliation.ownership import Ownership
from services.reconciliation.recovery import Recovery
from services.reconciliation.sweep_step import StepRun

OVERLAP = timedelta(minutes=5)  # what Stripe was still making while we looked, and clocks that differ
SET_BACK_SINCE = timedelta(days=1)  # as far our clock may have gone back since this installation was made
LONGEST_WINDOW = timedelta(days=1)  # a longer time is read in parts, side by side
MOST_WINDOWS = 100
MOST_BROUGHT_BACK = 5_000  # orders whose money one run looks for
HEAD = timedelta(hours=1)  # a step is whole when nothing as young is left unread
ENDED_BY = {"payment_intent.succeeded": "succeeded", "payment_intent.canceled": "canceled"}

T = TypeVar("T")
Fetch = Callable[[datetime, str | None, datetime | None], Awaitable[StripePage[T]]]
Apply = Callable[[Sequence[T]], Awaitable[None]]

log = structlog.get_logger(__name__)


class ListGateway(Protocol):
    async def list_intents(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[IntentSeen]: ...
    async def list_events(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[StripeEventSeen]: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class Windows:
    """The unread parts of one list."""

    def __init__(self, database: Database, list_name: str) -> None:
        self._database = database
        self._name = list_name

    async def open_new(self, now: datetime) -> bool:
        """From `now`, by Stripe's clock, down to where the last reading began; False when too many are unread.

        By ours, what happened while it was ahead would lie before the next beginning, and never be read.

        A list that can't be read gets no window for each minute: the last one grows as long as nothing of it was read.
        """

        async def write(transaction: Transaction) -> None:
            known = await transaction.row(DONE_UNTIL, {"lease_name": f"list of {self._name}"})
            if known is None or known.done_until is None:
                age = (await transaction.one(FIRST_AGE)).age
                since = now - max(age, timedelta()) - SET_BACK_SINCE - OVERLAP
            else:
                since = known.done_until - OVERLAP
                last = {"of_list": self._name, "until_moment": known.done_until}
                if unbegun := await transaction.row(TAKE_BACK_UNBEGUN, last):
                    since = min(since, unbegun.since)
            for window in parts(since, now):
                await transaction.rows(ADD_WINDOW, {"list_name": self._name, **window})
            done = {"lease_name": f"list of {self._name}", "moment": now}
            await transaction.rows(SET_DONE_UNTIL, done)

        may_open = len(await self.unread()) < MOST_WINDOWS
        if may_open:
            await self._database.transaction(write)
        return may_open

    async def unread(self) -> Sequence[WindowRow]:
        """The youngest first."""
        return await self._database.rows(WINDOWS, {"of_list": self._name})

    async def read(
        self, step: StepRun, window: WindowRow, fetch: Fetch[T], apply: Apply[T], *, newest: bool
    ) -> None:
        """A window, page by page, as far as the budget goes. What was read is kept after each page.

        `apply` returns when the page's items are done or remembered: they are not read again.

        The window itself is an item of the budget and pays for its first page: with a small budget, windows that are
        new in each run would otherwise leave nothing for the older ones.
        """
        after: str | None = window.after
        this = {"of_list": self._name, "until_moment": window.until}
        while True:
            try:
                page = await fetch(window.since, after, None if newest else window.until)
            except Refused:
                if after is None:
                    raise
                after = None  # where it stood is gone: it begins again
                await self._database.rows(MOVE_WINDOW, {**this, "after_id": None})
                continue
            await apply(page.items)
            after = page.next
            if after is None:
                await self._database.rows(END_WINDOW, this)
                return
            await self._database.rows(MOVE_WINDOW, {**this, "after_id": after})
            if not step.may_go_on:
                return
            step.spend()

    async def read_all(self, step: StepRun, fetch: Fetch[T], apply: Apply[T]) -> None:
        is_opened = await self.open_new(step.stripe_time)
        windows = await self.unread()
        newest = windows[0].until if windows else None

        async def read(window: WindowRow) -> None:
            await self.read(step, window, fetch, apply, newest=window.until == newest)

        if windows:  # what happened a minute ago does not wait for the next try of what failed before
            step.never_waits(self._name_of(windows[0]))
        await step.each_but(windows, self._name_of, read)
        left = await self.unread()
        if left:
            step.count(f"parts of the list of {self._name} left for later", len(left))
        if not is_opened or any(window.until > step.stripe_time - HEAD for window in left):
            step.is_whole = False

    def _name_of(self, window: WindowRow) -> str:
        """By its beginning, which stays when it grows."""
        return f"{self._name} since {window.since.isoformat()}"


def parts(since: datetime, until: datetime) -> list[dict[str, Any]]:
    """`since` to `until` in parts of a day at most, the youngest first. Those before the youngest keep their bounds."""
    found: list[dict[str, Any]] = []
    while since < until:
        end = min(until, since + LONGEST_WINDOW)
        found.insert(0, {"since": since, "until": end, "after": None})
        since = end
    return found


class MissedEvents:
    """Events about our intents that no webhook brought."""

    def __init__(self, database: Database, gateway: ListGateway, inbox: Inbox) -> None:
        self._windows = Windows(database, "events")
        self._gateway = gateway
        self._inbox = inbox
        self._ownership = Ownership(database)

    async def run(self, step: StepRun) -> None:
        async def take(events: Sequence[StripeEventSeen]) -> None:
            states = await self._ownership.states([(event.intent_id, event.marks) for event in events])
            missed = [
                event
                for event in events
                if event.intent_id in states and not is_known(event, states[event.intent_id])
            ]
            step.count("events never received", await self._inbox.take_missed(missed))

        await self._windows.read_all(step, self._gateway.list_events, take)


def is_known(event: StripeEventSeen, state: str | None) -> bool:
    """Whether our payment says already what the event says, and for good."""
    return event.type in ENDED_BY and ENDED_BY[event.type] == state


class UnknownIntents:
    """Intents of ours that are not as our payments say: of lost answers, given-up payments, restored backups.

    Also those whose order was not here when they were found, and was brought back since.
    """

    def __init__(self, database: Database, gateway: ListGateway, recovery: Recovery) -> None:
        self._database = database
        self._windows = Windows(database, "intents")
        self._gateway = gateway
        self._recovery = recovery

    async def run(self, step: StepRun) -> None:
        async def recover(intent: Intent) -> None:
            step.count(await self._recovery.recover(intent))

        async def try_again(intent_id: str) -> None:
            intent = await self._gateway.retrieve_intent(intent_id)
            if await self._recovery.is_ours(intent):
                await recover(intent)

        async def take(seen: Sequence[IntentSeen]) -> None:
            unexpected, unreadable = await self._recovery.unexpected(seen)
            for each in unreadable:
                await step.record_failure(each.id, UnreadableAnswer(each.unreadable))
            # Also what a killed process had begun is taken up again: half done, an intent may look as it should.
            await step.set_aside([intent.id for intent in unexpected])
            await step.each(unexpected, lambda intent: intent.id, recover)

        found = await self._database.rows(MONEY_WITH_ITS_ORDER, {"limit": MOST_BROUGHT_BACK})
        brought_back = [row.intent_id for row in found]
        # Once each: one that failed stands in both.
        remembered = [*dict.fromkeys([*brought_back, *(i for i in step.retries if i.startswith("pi_"))])]
        half = max(1, step.items_left // 2)  # of the budget: what is new does not wait for them
        await step.each(remembered[:half], str, try_again)
        await self._windows.read_all(step, self._gateway.list_intents, take)
        await step.each(remembered[half:], str, try_again)
