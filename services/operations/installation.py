"""A copied database becomes an installation of its own and leaves alone what the original has at Stripe; or a database
gets back the id that it had, and goes on with what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.reconciliation.copied_database import (
    ADD_FORMER,
    CLOSE_COPIED_CASES,
    DISABLE_COPIED_ENDPOINTS,
    DROP_COPIED_CHANGES,
    FAIL_COPIED_REFUNDS,
    FINISH_COPIED_EVENTS,
    FORGET_COPIED_ITEMS,
    FORMER_INSTALLATIONS,
    GIVE_UP_COPIED_PAYMENTS,
    GO_ON_WITH_EVENTS,
    GO_ON_WITH_PAYMENTS,
    GO_ON_WITH_REFUNDS,
    LEAVE_INSTALLATION,
    LOCK_INSTALLATION,
    OWN_FORMER,
    READ_LISTS_AGAIN,
    RENEW_INSTALLATION,
    REOPEN_CASES,
    SET_INSTALLATION,
    UNKNOWN_ID,
    FormerRow,
    LockedInstallation,
)
from runtime.database.database import Transaction, build_database


class NeverHadThisId(Exception):
    """The id that a database should get back is none that it had."""


async def renew_installation(url: str, known: UUID | None = None) -> str:
    """Give the database at `url` a new id and end what the original goes on with. Or give it back `known`, which it had
    before, or which it lost when a backup from before there were ids was restored. Says what it did.

    Raises `NeverHadThisId`.
    """
    database = build_database(url)
    try:
        return await database.transaction(lambda transaction: _renew(transaction, known))
    finally:
        await database.close()


async def _renew(transaction: Transaction, known: UUID | None) -> str:
    installation = await transaction.one(LOCK_INSTALLATION)
    if known is None:
        return await _leave(transaction)
    if known == installation.id:
        return f"installation {known}: it has this id already"
    former = await transaction.rows(FORMER_INSTALLATIONS)
    return await _go_back(transaction, known, _way_back(installation, former, known))


async def _leave(transaction: Transaction) -> str:
    await transaction.rows(LEAVE_INSTALLATION)
    row = await transaction.one(RENEW_INSTALLATION)
    given_up = await transaction.rows(GIVE_UP_COPIED_PAYMENTS)
    await transaction.rows(DROP_COPIED_CHANGES)
    await transaction.rows(FAIL_COPIED_REFUNDS)
    await transaction.rows(FINISH_COPIED_EVENTS)
    await transaction.rows(FORGET_COPIED_ITEMS)
    await transaction.rows(CLOSE_COPIED_CASES)
    await transaction.rows(DISABLE_COPIED_ENDPOINTS)
    return f"installation {row.id}: {len(given_up)} payments left to the original"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """`ids` are those that the database had since the moment `since`."""

    ids: Sequence[UUID]
    since: datetime


def _way_back(installation: LockedInstallation, former: Sequence[FormerRow], known: UUID) -> WayBack:
    originals = [row for row in former if row.belongs_to is None]
    wanted = next((row for row in originals if row.id == known), None)
    if wanted is not None:
        later = [row.id for row in originals if row.left_at > wanted.left_at]
        return WayBack(ids=[installation.id, *later], since=wanted.left_at)
    if originals:
        had = ", ".join(str(row.id) for row in originals)
        raise NeverHadThisId(f"this database never had the id {known}; those that it had before are {had}")
    if installation.payments_since is not None:  # a copy from before ids were kept
        return WayBack(ids=[installation.id, UNKNOWN_ID], since=installation.payments_since)
    return WayBack(ids=[installation.id], since=installation.made_at)


async def _go_back(transaction: Transaction, known: UUID, way: WayBack) -> str:
    wanted = {"wanted": known}
    await transaction.rows(ADD_FORMER, [{"former_id": former} for former in way.ids])
    await transaction.rows(OWN_FORMER, {**wanted, "ids": list(way.ids)})
    await transaction.rows(SET_INSTALLATION, wanted)
    payments = await transaction.rows(GO_ON_WITH_PAYMENTS)
    refunds = await transaction.rows(GO_ON_WITH_REFUNDS)
    events = await transaction.rows(GO_ON_WITH_EVENTS, {"since": way.since})
    await transaction.rows(REOPEN_CASES, {"since": way.since})
    await transaction.rows(READ_LISTS_AGAIN, {"since": way.since})
    return (
        f"installation {known} again: it goes on with {len(payments)} payments, {len(refunds)} refunds and "
        f"{len(events)} events, and with Stripe's lists since {way.since:%Y-%m-%d %H:%M} UTC. Webhook endpoints that "
        "were disabled stay so."
    )
