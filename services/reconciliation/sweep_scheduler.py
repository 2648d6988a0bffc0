"""The sweep each minute, in exactly one process of all that share the database."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from uuid import uuid4

import structlog

from models.payments.installation import INSTALLATION
from models.reconciliation.leases import GIVE_BACK, TAKE_WORK
from runtime.background import in_background
from runtime.database.database import Database
from runtime.failures import log_failure
from services.reconciliation.findings import Findings
from services.reconciliation.metrics import SWEEP_FINDINGS, SWEEPS
from services.reconciliation.sweep import SWEEP, Sweep

EVERY = 60.0  # seconds
LONGEST = 200.0  # seconds for one sweep, whose last step begins within 130
HELD = timedelta(seconds=240)  # longer than a sweep and the pause behind it

log = structlog.get_logger(__name__)


class SweepScheduler:
    def __init__(self, database: Database, sweep: Sweep, *, every: float = EVERY) -> None:
        self._database = database
        self._sweep = sweep
        self._every = every
        self._holder = str(uuid4())

    @asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """Be ready to sweep until the block ends; then let another process do it."""
        try:
            async with in_background(self._run()):
                yield
        finally:
            await self._give_back()

    async def sweep_if_it_is_our_turn(self) -> bool:
        parameters = {"name": SWEEP, "holder": self._holder, "lease": HELD}
        if await self._database.row(TAKE_WORK, parameters) is None:
            return False
        with sweep_counted() as count:
            async with asyncio.timeout(LONGEST):
                findings = await self._sweep.run()
            count(findings)
        if any(findings.done.values()) or findings.for_a_person:
            log.info(
                "swept",
                done={name: count for name, count in findings.done.items() if count},
                unfinished=findings.unfinished,
                for_a_person=findings.for_a_person,
            )
        return True

    async def _run(self) -> None:
        await self._log_installation()
        pause = self._every
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                await self.sweep_if_it_is_our_turn()
            except Exception as error:
                log_failure(log, "sweep failed; the next one is due in a minute", error)
            # From beginning to beginning, so that a long sweep does not make the next one late.
            pause = max(self._every / 12, self._every - (time.monotonic() - began))

    async def _log_installation(self) -> None:
        """The id that this server's intents carry: to be known when a backup without it was restored."""
        with contextlib.suppress(Exception):  # the database is away: /readyz says so
            row = await self._database.row(INSTALLATION)
            log.info("installation", installation=str(row.id) if row else None)

    async def _give_back(self) -> None:
        with contextlib.suppress(Exception):  # the lease runs out by itself
            await self._database.rows(GIVE_BACK, {"lease_name": SWEEP, "lease_holder": self._holder})


@contextmanager
def sweep_counted() -> Iterator[Callable[[Findings], None]]:
    """Counts a sweep when the block ends: whole, interrupted by Stripe's silence or the end of a budget, or failed."""
    outcome = "failed"

    def count(findings: Findings) -> None:
        nonlocal outcome
        outcome = "whole" if findings.is_whole else "interrupted"
        for name, number in findings.done.items():
            SWEEP_FINDINGS.labels(name).inc(number)

    try:
        yield count
    finally:
        SWEEPS.labels(outcome).inc()
