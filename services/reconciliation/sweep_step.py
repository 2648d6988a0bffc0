"""One step of the sweep: bounded in time and items, with a cursor that is kept, and no item that holds up another.

An item that fails is skipped and tried again after a growing pause. After an hour a case calls a person.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from models.attention.tables import AttentionKind, AttentionSubject
from models.reconciliation.sweep_state import (
    END_STEP,
    FORGET_FAILURE,
    KEEP_CURSOR,
    RECORD_FAILURE,
    RETRIES,
    SET_ITEMS_ASIDE,
    STEP_CURSOR,
    UNKNOWN_TO_STRIPE,
)
from runtime.database.database import Database
from runtime.database.faults import DatabaseUnavailable
from runtime.failures import log_failure
from services.payments.attention import Case, close_case, open_case
from services.payments.intents import (
    AccessDenied,
    GatewayError,
    PermissionMissing,
    TooManyRequests,
    is_missing,
    sentence_of,
)
from services.payments.permissions import lacking
from services.reconciliation.findings import Findings
from services.reconciliation.stripe_account import account_changed

AT_ONCE = 8  # items side by side: at 0.3 s a call that is Stripe's limit of 25 a second
TELL_AFTER = 8  # attempts; that is an hour
FEW = 4  # attempts that are enough when the first was an hour ago
MOST_RETRIES = 10_000
GRACE = 10.0  # seconds that what was begun within the budget may take beyond it

UNREADABLE = (
    "For an hour {item} could not be dealt with in the sweep's step `{step}`: {failure}. Look at it in Stripe's "
    "dashboard; it is tried again each half hour."
)

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """For one run of a step: `seconds`, and `items`, most of which cost one call to Stripe."""

    seconds: float
    items: int

    def part(self, share: float, most_items: int | None = None) -> "Budget":
        items = max(1, round(self.items * share))
        return Budget(seconds=self.seconds * share, items=min(items, most_items or items))


class StepRun:
    """One run of a step. The step asks `may_go_on` before it begins anything new."""

    def __init__(
        self,
        name: str,
        database: Database,
        budget: Budget,
        findings: Findings,
        *,
        permission: str,
        memory: str | None = None,
        stripe_time: datetime | None = None,
    ) -> None:
        """`memory`: the step whose failed items this one knows as its own. `stripe_time` is Stripe's, None for ours."""
        self.name = name
        self.stripe_time = stripe_time or datetime.now(UTC)
        self._memory = memory or name
        self.cursor: str | None = None
        self.is_whole = True
        self.retries: list[str] = []  # items that failed and are due again
        self._database = database
        self._budget = budget
        self._findings = findings
        self._permission = permission
        self._deadline = time.monotonic() + budget.seconds
        self._items = 0
        self._stopped = False
        self._failing: set[str] = set()
        self._waiting: set[str] = set()
        self._impatient: set[str] = set()

    @property
    def may_go_on(self) -> bool:
        return not self._stopped and self._items < self._budget.items and time.monotonic() < self._deadline

    @property
    def items_left(self) -> int:
        """Of the budget."""
        return max(0, self._budget.items - self._items)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What ends the step ends only this one; how it went is written down."""
        began = time.monotonic()
        await self._begin_or_stop()
        try:
            async with asyncio.timeout(self._budget.seconds + GRACE):
                yield
        except TimeoutError:
            self.stop("out of time")
        except GatewayError as error:
            self.stop(f"{type(error).__name__}: {error}")
        except Exception as error:
            self.stop("an error of ours or of the database's")
            log_failure(log, "sweep step failed", error, step=self.name)
        if not self.is_whole:
            self._findings.unfinished.append(self.name)
        ended = {
            "step": self.name,
            "is_whole": self.is_whole,
            "milliseconds": round((time.monotonic() - began) * 1_000),
        }
        try:
            await self._database.rows(END_STEP, ended)
        except Exception as error:
            log_failure(log, "how a sweep step went is not written down", error, step=self.name)

    async def _begin_or_stop(self) -> None:
        try:
            async with asyncio.timeout(GRACE):
                await self._begin()
        except Exception as error:
            self.stop("an error of ours or of the database's")
            log_failure(log, "sweep step not begun", error, step=self.name)

    async def _begin(self) -> None:
        row = await self._database.row(STEP_CURSOR, {"step": self.name})
        self.cursor = row.cursor if row else None
        for retry in await self._database.rows(RETRIES, {"step": self._memory, "limit": MOST_RETRIES}):
            self._failing.add(retry.item)
            if retry.waits:
                self._waiting.add(retry.item)
            else:
                self.retries.append(retry.item)

    def stop(self, why: str) -> None:
        """Begin nothing more in this run."""
        if not self._stopped:
            log.info("sweep step stopped", step=self.name, why=why)
        self._stopped = True
        self.is_whole = False

    def count(self, finding: str, number: int = 1) -> None:
        self._findings.done[finding] += number

    def spend(self) -> None:
        """One more of the budget's items, such as a page of a list."""
        self._items += 1

    async def keep(self, cursor: str | None) -> None:
        """Go on from here, also after an interruption."""
        self.cursor = cursor
        await self._database.rows(KEEP_CURSOR, {"step": self.name, "cursor": cursor})

    async def each(
        self, items: Iterable[T], item_id: Callable[[T], str], work: Callable[[T], Awaitable[None]]
    ) -> bool:
        """Do `work` for the items, some side by side and in their order.

        False when some are left undone, which makes the step unfinished: the budget ended before them, or Stripe
        takes no more calls. One that failed is not left: it is remembered, and tried again when it is due.
        """
        left = await self.each_but(items, item_id, work)
        if left:
            self.is_whole = False
        return not left

    async def each_but(
        self, items: Iterable[T], item_id: Callable[[T], str], work: Callable[[T], Awaitable[None]]
    ) -> list[T]:
        """As `each`, but what is left undone is returned, in its order, and is the caller's to judge."""
        queue = iter(enumerate(items))
        left: list[tuple[int, T]] = []

        async def take_turns() -> None:
            for number, item in queue:
                if not self.may_go_on or not await self._one(item_id(item), item, work):
                    left.append((number, item))

        tasks = [asyncio.create_task(take_turns()) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [item for _, item in sorted(left, key=lambda each: each[0])]

    async def set_aside(self, names: Sequence[str]) -> None:
        """Remember items before anything is done for them: those that are not done are due in the next run."""
        if names:
            await self._database.rows(SET_ITEMS_ASIDE, {"step": self._memory, "items": list(names)})
            self._failing.update(names)

    def never_waits(self, name: str) -> None:
        """Try this item though it failed a moment ago. Such a try that fails too counts for nothing."""
        self._impatient.add(name)

    async def _one(self, name: str, item: T, work: Callable[[T], Awaitable[None]]) -> bool:
        """False when it is left as it was, since Stripe takes no more calls of this kind."""
        if name in self._waiting and name not in self._impatient:
            self.count("items that wait after a failure")
            return True
        self.spend()
        try:
            await work(item)
        except PermissionMissing as error:
            await open_case(self._database, lacking(self._permission, error))
            self._findings.forbidden.add(self._permission)
            self.stop(str(error))
            return False
        except (AccessDenied, TooManyRequests) as error:  # it would be the same for the next
            self.stop(type(error).__name__)
            return False
        except Exception as error:
            return await self._remember(name, error)
        else:
            await self._recovered(name)
        return True

    async def _recovered(self, name: str) -> None:
        self._findings.permitted.add(self._permission)
        if name in self._failing:
            self._failing.discard(name)
            await self._database.rows(FORGET_FAILURE, {"step": self._memory, "item": name})
            await close_case(self._database, AttentionKind.EVENT_UNFINISHED, name)

    async def _remember(self, name: str, error: Exception) -> bool:
        """False when its failure can't be written down: it is left, and the items beside it are done all the same."""
        try:
            await self.record_failure(name, error)
        except Exception as unwritten:
            if isinstance(unwritten, DatabaseUnavailable):  # so what is done for the others can't be either
                self.stop("the database is away")
            log_failure(log, "failure of a sweep item not written down", unwritten, step=self.name, item=name)
            return False
        return True

    async def record_failure(self, name: str, error: Exception) -> None:
        """Try this item again later; tell a person when it has failed for long."""
        if name in self._waiting:
            return
        unknown = is_missing(error)
        failure = UNKNOWN_TO_STRIPE if unknown else f"{type(error).__name__}: {sentence_of(error)}"[:300]
        parameters = {"step": self._memory, "item": name, "failure": failure}
        row = await self._database.row(RECORD_FAILURE, parameters)
        self._failing.add(name)
        self.count("items that failed")
        write = log.warning if isinstance(error, GatewayError) else log.error
        write("sweep item failed", step=self.name, item=name, failure=failure, exc_info=_fault(error))
        if unknown:
            await open_case(self._database, account_changed(name))
        elif row is not None and (row.attempts >= TELL_AFTER or (row.is_old and row.attempts >= FEW)):
            await open_case(self._database, unreadable(name, self.name, failure))


def _fault(error: Exception) -> Exception | None:
    """A traceback only for what nobody thought of."""
    return None if isinstance(error, GatewayError) else error


def unreadable(item: str, step: str, failure: str) -> Case:
    return Case(
        kind=AttentionKind.EVENT_UNFINISHED,
        subject=AttentionSubject.PAYMENT,
        subject_id=item,
        message=UNREADABLE.format(item=item, step=step, failure=failure),
    )
