"""What the database says to operators: asked when `/metrics` is scraped, and not again within some seconds.

A scrape is answered whatever happens: a database that is down or slow is itself a figure. Counting is cut short after
a quarter of a second; then the counts of before stay, and how old they are is told.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import psycopg

from models.operations.metric_statements import AT_MOST, FIGURES, Figure
from runtime.database.database import Database, DatabaseUnavailable, Transaction
from runtime.timeouts import within
from services.reconciliation.sweep import SWEEP

EVERY = 10.0  # seconds for one answer, however often it is asked for
PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Figures:
    """`attention`: open cases by kind; `live`: payments by state now; `moved`: into which states payments went in
    five minutes; seconds and counts.

    None is what the database doesn't know, or could not be asked.
    """

    database_answers: bool
    counted_seconds_ago: float | None = None  # None before the first count
    attention: Mapping[str, int] = field(default_factory=dict)
    live: Mapping[str, int] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)
    events_pending: int | None = None
    oldest_event_seconds: int | None = None
    swept_seconds_ago: int | None = None
    sweep_failing: int | None = None
    step_ages: Mapping[str, int] = field(default_factory=dict)
    step_milliseconds: Mapping[str, int] = field(default_factory=dict)
    unpublished_seconds: int | None = None
    deliveries_due: int | None = None
    undelivered_seconds: int | None = None
    overdue_seconds: int | None = None
    endpoints_failing: int | None = None


class FigureReader:
    def __init__(self, database: Database, *, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._known, self._known_until = Figures(database_answers=False), 0.0
        self._asked_at = now()
        self._reading: asyncio.Task[Figures] | None = None

    async def read(self) -> Figures:
        """At most `EVERY` seconds old; those who ask at once wait for the same statement."""
        if self._now() < self._known_until:
            return self._known
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> Figures:
        before, self._asked_at = self._asked_at, self._now()
        try:
            rows = await within(PATIENCE, self._database.transaction(count))
        except (DatabaseUnavailable, psycopg.Error, TimeoutError) as error:
            is_slow = isinstance(error.__cause__, psycopg.errors.QueryCanceled)
            self._known = older(self._known, self._asked_at - before, database_answers=is_slow)
        else:
            self._known = figures_from([(row.kind, row.name, row.value) for row in rows])
        finally:  # also after a fault of ours, or that reading would be waited for until the server's end
            self._known_until = self._now() + EVERY
            self._reading = None
        return self._known


async def count(transaction: Transaction) -> Sequence[Figure]:
    await transaction.rows(AT_MOST)
    return await transaction.rows(FIGURES, {"sweep": SWEEP})


def older(figures: Figures, seconds: float, *, database_answers: bool) -> Figures:
    age = figures.counted_seconds_ago
    later = None if age is None else age + seconds
    return replace(figures, database_answers=database_answers, counted_seconds_ago=later)


def figures_from(rows: list[tuple[str, str | None, int]]) -> Figures:
    def named(kind: str) -> dict[str, int]:
        return {name: value for found, name, value in rows if found == kind and name}

    single = {kind: value for kind, name, value in rows if name is None}
    return Figures(
        database_answers=True,
        counted_seconds_ago=0.0,
        attention=named("attention"),
        live=named("live"),
        moved=named("moved"),
        events_pending=single.get("pending"),
        oldest_event_seconds=single.get("oldest"),
        swept_seconds_ago=single.get("swept"),
        sweep_failing=single.get("failing"),
        step_ages=named("step_age"),
        step_milliseconds=named("step_milliseconds"),
        unpublished_seconds=single.get("unpublished"),
        deliveries_due=single.get("due"),
        undelivered_seconds=single.get("undelivered"),
        overdue_seconds=single.get("overdue"),
        endpoints_failing=single.get("fail"),
    )
