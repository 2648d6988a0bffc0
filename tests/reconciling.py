"""What a test of the sweep does again and again: faults, time, everything due, what a person was told."""

from datetime import timedelta

from sqlalchemy import text

from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from tests.proof.whole_shop import WholeShop

ITEMS_DUE = text("UPDATE sweep_retries SET due_at = now()")
EVENTS_DUE = text("UPDATE stripe_events SET due_at = now() WHERE finished_at IS NULL AND due_at < 'infinity'")
REFUNDS_DUE = text(
    "UPDATE refunds SET due_at = now(), lease_until = NULL, key_until = key_until - interval '5 minutes'"
)
LISTS_READ = text("SELECT name, done_until FROM leases WHERE name LIKE 'list of %' ORDER BY name")


def fail(whole_shop: WholeShop, words: str, method: str, path: str, times: int | None = 1) -> None:
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(words), method=method, path=path, times=times))


def pass_time(whole_shop: WholeShop, seconds: int) -> None:
    """What happened until now is out of reach of the overlap with which lists are read again."""
    whole_shop.sandbox.pass_time(seconds)
    whole_shop.gateway.ahead += timedelta(seconds=seconds)


async def sweep(whole_shop: WholeShop, database: Database, times: int = 3) -> None:
    for _ in range(times):
        for due in (ITEMS_DUE, EVENTS_DUE, REFUNDS_DUE):
            await database.rows(due)
        await whole_shop.sweep.run()


async def told(database: Database) -> list[str]:
    return [
        row.kind for row in await database.rows(text("SELECT kind FROM attention WHERE closed_at IS NULL"))
    ]


async def hear(whole_shop: WholeShop, kind: str) -> None:
    """The webhook of the last event of a kind."""
    [*_, event_id] = [event["id"] for event in whole_shop.sandbox.state.events if event["type"] == kind]
    signed = whole_shop.sandbox.webhook(event_id)
    await whole_shop.inbox.receive(signed.body, signed.signature)
    await whole_shop.inbox.finish_all()
