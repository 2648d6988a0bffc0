"""The sweep that a server waits for: after a restored backup nothing may be left for later.

It sweeps with large budgets until every step came to its end, says what it does meanwhile, and gives up where no
further sweep would help: Stripe is away, or the same steps end without having done anything.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from models.reconciliation.statements import OPEN_AT_STRIPE
from models.reconciliation.sweep_state import WINDOWS
from runtime.background import in_background
from runtime.database.database import Database
from services.reconciliation.findings import Findings
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import ClosableGateway, Sweep

SHARE = 40.0  # of the steps' usual budgets: ten minutes and 12,000 items for one of 15 seconds and 300
MOST_IN_VAIN = 3  # sweeps in a row that did nothing and were not whole
EVERY = 5.0  # seconds between two lines of progress
PAUSE = 2.0  # seconds before the next sweep: Stripe's limit recovers
# A call to Stripe takes some 0.3 seconds, and a step makes eight at once.
USUAL_RATE = 25.0
# What is counted though nothing came further by it.
_IDLE = ("items that wait after a failure", "items that failed", "parts of the list of")

Tell = Callable[[str], None]


async def sweep_until_whole(
    database: Database,
    gateway: ClosableGateway,
    *,
    livemode: bool,
    tell: Tell,
    calls_per_second: float | None = None,
    most_items: int | None = None,
    statement_suffix: str | None = None,
    pause: float = PAUSE,
) -> Findings:
    """What all sweeps did together. It is whole unless `unreachable` or `unfinished` says otherwise.

    `tell` gets a line now and then; `calls_per_second` is what Stripe takes, for the estimate alone. `most_items`
    bounds each step of one sweep; it is at least 2, since each sweep's own minute of a list of Stripe's is one.
    """
    try:
        await _tell_estimate(database, tell, calls_per_second or USUAL_RATE)
        inbox = Inbox(database, gateway, None, livemode=livemode)
        sweep = Sweep(
            database,
            gateway,
            inbox,
            share=SHARE,
            most_items=most_items,
            statement_suffix=statement_suffix,
        )
        return await _repeat(database, sweep, tell, pause)
    finally:
        await gateway.close()
        await database.close()


async def _tell_estimate(database: Database, tell: Tell, rate: float) -> None:
    row = await database.row(OPEN_AT_STRIPE)
    payments = row.payments if row else 0
    seconds = payments / rate
    how_long = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    tell(
        f"sweeping: {payments} payments are open here, about {how_long} at {rate:g} calls a second; "
        "what Stripe has besides comes on top"
    )


async def _repeat(database: Database, sweep: Sweep, tell: Tell, pause: float) -> Findings:
    done: Counter[str] = Counter()
    in_vain, unread = 0, await _unread(database)
    while True:
        findings = Findings()
        async with _progress(findings, done, tell):
            await sweep.run(findings)
        before, unread = unread, await _unread(database)
        # A sweep is whole when the last hour of Stripe's lists was read; here all of them count.
        findings.unfinished += [name for name in unread if name not in findings.unfinished]
        in_vain = 0 if _did_something(findings) or _read_on(before, unread) else in_vain + 1
        done += findings.done
        if findings.unreachable or not findings.unfinished or in_vain >= MOST_IN_VAIN:
            findings.done = done
            return findings
        tell(f"sweeping again: {', '.join(findings.unfinished)} did not come to an end")
        await asyncio.sleep(pause)


Unread = dict[str, dict[datetime, str | None]]


async def _unread(database: Database) -> Unread:
    """The parts of Stripe's lists that are not read to their end, by their beginning, and where reading them goes on.

    By step. One of which nothing was read grows with each sweep, and begins where it began.
    """
    found: Unread = {}
    for name in ("events", "intents"):
        windows = await database.rows(WINDOWS, {"of_list": name})
        if windows:
            found[f"list of {name}"] = {window.since: window.after for window in windows}
    return found


def _read_on(before: Unread, now: Unread) -> bool:
    """Whether a part that was there before is read, or read further. Each sweep adds one for its own minute."""
    return any(
        now.get(step, {}).get(since, "") != after
        for step, windows in before.items()
        for since, after in windows.items()
    )


def _did_something(findings: Findings) -> bool:
    return any(count and not name.startswith(_IDLE) for name, count in findings.done.items())


@asynccontextmanager
async def _progress(findings: Findings, before: Counter[str], tell: Tell) -> AsyncIterator[None]:
    """A line now and then while the block runs, about the step that is being done."""
    began = time.monotonic()

    async def report() -> None:
        while True:
            await asyncio.sleep(EVERY)
            done = before + findings.done
            counts = ", ".join(f"{name}: {count}" for name, count in sorted(done.items()) if count)
            tell(
                f"{time.monotonic() - began:.0f} s, {findings.step or 'beginning'}; {counts or 'nothing yet'}"
            )

    async with in_background(report()):
        yield


def in_sentences(findings: Findings) -> str:
    """What was done, then what could not be."""
    if findings.unfinished and not findings.unreachable:
        return f"{findings}\nnot whole: {', '.join(findings.unfinished)}; the log says why"
    return str(findings)
