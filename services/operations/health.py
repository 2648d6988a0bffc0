"""Whether this process can serve, part by part: each is `ok`, or says in words what is wrong.

Not every part keeps it from serving. Without Stripe orders are still placed and read and webhooks stored; without the
sweep, or with the issuer's keys of yesterday, orders are still paid. That is told and left to alerts, since taking
every server out of traffic would make it worse. A probe is answered within a second, whatever it asks about.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import psycopg
import structlog

from models.operations.health_statements import (
    SCHEMA_REVISION,
    SECONDS_SINCE_SWEEP,
    WRITE_A_PAGE,
    WRITE_A_ROW,
)
from models.reconciliation.sweep_state import STEPS
from runtime.database.database import Database, DatabaseUnavailable, Transaction
from runtime.database.faults import PoolExhausted, is_full, is_read_only
from runtime.timeouts import within
from services.operations import migrations
from services.payments.intents import AccessDenied, GatewayError, Refused, TooManyRequests
from services.reconciliation.sweep import SWEEP

STRIPE_EVERY = 15.0  # seconds; a probe each second must not eat into Stripe's rate limit
WRITE_EVERY = 5.0  # seconds; each write is a commit, and several servers probe each second
STRIPE_PATIENCE = 3.0  # seconds for Stripe's answer, which probes don't wait for
PROBE_PATIENCE = 0.9  # seconds: probes are answered within one
MOST_CLOCK_SKEW = 30.0  # seconds: the leeway of tokens. Stripe's signatures bear 300
SWEEP_OVERDUE = 600.0  # seconds; it is due each minute, and one may take 150 seconds

OK, UNKNOWN = "ok", "unknown"

log = structlog.get_logger(__name__)


class Pinged(Protocol):
    async def ping(self) -> datetime | None:
        """The provider's time, when it answers and takes our key; raise a `GatewayError` otherwise."""


class Keys(Protocol):
    """The issuer's public keys: why their last reading failed, and whether some are there to verify with."""

    @property
    def failure(self) -> str | None: ...
    @property
    def are_usable(self) -> bool: ...
    async def refresh(self) -> None:
        """Return once they have been read again, if it is time to."""


@dataclass(frozen=True, slots=True)
class Part:
    state: str = OK
    needed: bool = True  # for orders to be paid here

    @property
    def is_ok(self) -> bool:
        return self.state == OK


@dataclass(frozen=True, slots=True)
class Report:
    parts: dict[str, Part]

    @property
    def is_ready(self) -> bool:
        return all(part.is_ok for part in self.parts.values() if part.needed)

    def as_json(self) -> dict[str, str]:
        """`status` and the state of each part by name, without any secret."""
        all_ok = all(part.is_ok for part in self.parts.values())
        status = "unready" if not self.is_ready else OK if all_ok else "degraded"
        return {"status": status, **{name: part.state for name, part in self.parts.items()}}


class Health:
    """`now` is monotonic seconds, `clock` this machine's idea of the time of day."""

    def __init__(
        self,
        database: Database,
        gateway: Pinged,
        keys: Keys | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._keys = keys
        self._now = now
        self._clock = clock
        self._began = now()
        self._asking: asyncio.Task[Part] | None = None
        self._written_until = float("-inf")
        self._key_was_taken = False
        self._stripe, self._time = Part("no answer from Stripe yet", needed=False), Part()
        self._stripe_until = float("-inf")
        self._head, self._older = migrations.head(), migrations.before_head()

    async def check(self) -> Report:
        database, stripe, keys = await asyncio.gather(
            self._check_database(), self._check_stripe(), self._check_keys()
        )
        return Report({**database, **stripe, **keys})

    async def _check_database(self) -> dict[str, Part]:
        try:
            return await within(PROBE_PATIENCE, self._ask_database())
        except (DatabaseUnavailable, psycopg.Error, TimeoutError) as error:
            unknown = Part(UNKNOWN)
            return {"database": Part(state_of_database(error)), "schema": unknown, "sweep": unknown}

    async def _ask_database(self) -> dict[str, Part]:
        schema = await self._check_schema()
        if not schema.is_ok:
            return {"database": Part(), "schema": schema, "sweep": Part(UNKNOWN, needed=False)}
        await self._check_writing()
        return {"database": Part(), "schema": schema, "sweep": await self._check_sweep()}

    async def _check_writing(self) -> None:
        """Raise unless the database takes writes, which was seen some seconds ago if not now."""
        if self._database.seems_full:
            await prove_room(self._database)
            self._database.has_room()
        if self._now() >= self._written_until:
            await self._database.rows(WRITE_A_ROW)
            self._written_until = self._now() + WRITE_EVERY

    async def _check_schema(self) -> Part:
        try:
            row = await self._database.row(SCHEMA_REVISION)
        except psycopg.errors.UndefinedTable:
            return Part("empty: run `python main.py migrate`")
        found = row.version_num if row else None
        # A revision not known here is a newer version's, whose migrations leave this one working while it goes.
        if found is None or found in self._older:
            return Part(f"at {found}, needs {self._head}: run `python main.py migrate`")
        if found != self._head and not migrations.is_newer(found):
            return Part(migrations.ANOTHERS.format(found))
        return Part()

    async def _check_sweep(self) -> Part:
        """After a pause of all servers the sweep comes a minute after their start: they wait for it as ready ones."""
        row = await self._database.row(SECONDS_SINCE_SWEEP, {"lease_name": SWEEP})
        age = row.seconds if row else None
        if self._now() - self._began < SWEEP_OVERDUE or (age is not None and age < SWEEP_OVERDUE):
            return Part(needed=False)
        late = [step for step in await self._database.rows(STEPS) if step.age >= SWEEP_OVERDUE]
        last = "there was none" if age is None else f"the last whole one began {age} seconds ago"
        steps = ", ".join(f"{step.name} ({step.age} s)" for step in late)
        which = f" (not whole for long: {steps})" if steps else ""
        return Part(f"overdue: {last}{which}; the log of the server that sweeps says why", needed=False)

    async def _check_stripe(self) -> dict[str, Part]:
        if self._asking is None and self._now() >= self._stripe_until:
            self._asking = asyncio.create_task(self._ping())  # one question for all who probe meanwhile
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=PROBE_PATIENCE)
        if self._asking is not None and self._asking.done():
            # Forgotten before its answer is read: a question that failed is asked again.
            told, self._asking = self._asking, None
            self._stripe_until = self._now() + STRIPE_EVERY
            self._stripe = _answer_of(told)
        return {"stripe": self._stripe, "clock": self._time}

    async def _ping(self) -> Part:
        """A key that Stripe has never taken is a wrong setting; one that it takes no longer is left to alerts."""
        try:
            async with asyncio.timeout(STRIPE_PATIENCE):
                told = await self._gateway.ping()
        except (Refused, TooManyRequests):  # it answered, and the key was good enough to be heard
            self._key_was_taken = True
            return Part()
        except AccessDenied:
            denied = "AccessDenied: Stripe refuses STRIPE_SECRET_KEY, or it may not read the balance"
            return Part(denied, needed=not self._key_was_taken)
        except GatewayError as error:
            return Part(f"{type(error).__name__}: Stripe can't be reached, or is out of order", needed=False)
        except TimeoutError:
            return Part(f"no answer from Stripe within {STRIPE_PATIENCE:.0f} seconds", needed=False)
        self._key_was_taken = True
        self._time = Part() if told is None else clock_against(told, self._clock())
        return Part()

    async def _check_keys(self) -> dict[str, Part]:
        if self._keys is None:
            return {}
        try:
            async with asyncio.timeout(PROBE_PATIENCE):  # the reading itself goes on
                await self._keys.refresh()
        except TimeoutError:
            why = "no answer"
        else:
            if self._keys.failure is None:
                return {"keys": Part()}
            why = self._keys.failure
        usable = self._keys.are_usable
        what = "the keys read last serve on" if usable else "nobody can sign in"
        return {"keys": Part(f"JWT_JWKS_URL can't be read ({why}): {what}", needed=not usable)}


def _answer_of(told: asyncio.Task[Part]) -> Part:
    """A fault of ours in asking says nothing about Stripe, and keeps no server from serving."""
    error = told.exception()
    if error is None:
        return told.result()
    log.error("stripe not probed", exc_info=error)
    return Part(f"{type(error).__name__}: a fault of this server, which its log shows", needed=False)


class _RolledBack(Exception):
    """Ends a transaction that was only tried."""


async def prove_room(database: Database) -> None:
    """Return when a table could grow; raise what the database says otherwise."""

    async def grow(transaction: Transaction) -> None:
        await transaction.rows(WRITE_A_PAGE)
        raise _RolledBack

    with contextlib.suppress(_RolledBack):
        await database.transaction(grow)


def state_of_database(error: Exception) -> str:
    """In words, without what the error may tell of the address."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    if not isinstance(cause, psycopg.Error):
        return f"no answer within {PROBE_PATIENCE} seconds"
    if isinstance(cause, PoolExhausted):
        return "busy: no connection became free in time"
    if is_read_only(cause):
        return "read-only: no host of DATABASE_URL takes writes"
    return (
        "full: the server has no room left (disk, memory or connections)" if is_full(cause) else "unreachable"
    )


def clock_against(theirs: datetime, ours: datetime) -> Part:
    skew = (ours - theirs).total_seconds()
    if abs(skew) <= MOST_CLOCK_SKEW:
        return Part()
    where = "ahead of" if skew > 0 else "behind"
    return Part(f"{abs(skew):.0f} seconds {where} Stripe's, and {MOST_CLOCK_SKEW:.0f} are allowed: check NTP")
