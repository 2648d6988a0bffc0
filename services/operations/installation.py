"""A copied database becomes an installation of its own: it leaves alone what the original has at Stripe."""

from uuid import UUID

from models.reconciliation.copied_database import (
    DISABLE_COPIED_ENDPOINTS,
    DROP_COPIED_CHANGES,
    FAIL_COPIED_REFUNDS,
    FINISH_COPIED_EVENTS,
    FORGET_COPIED_ITEMS,
    GIVE_UP_COPIED_PAYMENTS,
    OWN_ALL_PAYMENTS,
    RENEW_INSTALLATION,
    SET_INSTALLATION,
)
from runtime.database.database import Transaction, build_database


async def renew_installation(url: str, known: UUID | None = None) -> str:
    """Give the database at `url` a new id and end what the original goes on with; or only `known`. Says what it did."""
    database = build_database(url)

    async def renew(transaction: Transaction) -> tuple[UUID, int]:
        if known is not None:
            row = await transaction.one(SET_INSTALLATION, {"installation_id": known})
            await transaction.rows(OWN_ALL_PAYMENTS)
            return row.id, 0
        row = await transaction.one(RENEW_INSTALLATION)
        given_up = await transaction.rows(GIVE_UP_COPIED_PAYMENTS)
        await transaction.rows(DROP_COPIED_CHANGES)
        await transaction.rows(FAIL_COPIED_REFUNDS)
        await transaction.rows(FINISH_COPIED_EVENTS)
        await transaction.rows(FORGET_COPIED_ITEMS)
        await transaction.rows(DISABLE_COPIED_ENDPOINTS)
        return row.id, len(given_up)

    try:
        installation, given_up = await database.transaction(renew)
    finally:
        await database.close()
    return f"installation {installation}: {given_up} payments left to the original"
