"""Whether the key belongs to the account that our payments were made with.

While Stripe answers 404 about what our tables know, its lists are another account's: they are not read, and what they
lack is not taken for gone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import structlog

from models.attention.tables import AttentionKind, AttentionSubject
from models.reconciliation.stripe_account import (
    ACCOUNT,
    ANY_HEARD,
    DATABASE_TIME,
    FINISH_UNKNOWN_EVENTS,
    GIVEN_UP_WITH_ACCOUNT,
    INTENT_TO_ASK_ABOUT,
    LAST_HEARD,
    NEWEST_PAYABLE,
    TRY_UNKNOWN_EVENTS,
    TRY_UNKNOWN_ITEMS,
    UNKNOWN_OBJECTS,
)
from models.reconciliation.sweep_state import (
    FORGET_FAILURE,
    FORGET_UNKNOWN_TO_STRIPE,
    KEEP_CURSOR,
    RECORD_FAILURE,
    STEP_CURSOR,
    UNKNOWN_TO_STRIPE,
)
from runtime.database.database import Database
from services.payments.attention import Case, close_case, open_case
from services.payments.intents import GatewayError, Intent, is_missing

SUBJECT = "stripe account"
ACCOUNT_CHANGED = (
    "Stripe has no answer about payments that it made for this shop, {item} among them: STRIPE_SECRET_KEY belongs to "
    "another account or to the other mode. Set the right key. If the old account is given up for good, "
    "`python main.py forget-unknown-payments` closes what can't be asked about any more."
)

log = structlog.get_logger(__name__)


class IntentReader(Protocol):
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


def account_changed(item: str) -> Case:
    return Case(
        kind=AttentionKind.STRIPE_ACCOUNT_CHANGED,
        subject=AttentionSubject.NONE,
        subject_id=SUBJECT,
        message=ACCOUNT_CHANGED.format(item=item),
    )


class StripeAccount:
    def __init__(self, database: Database, gateway: IntentReader) -> None:
        self._database = database
        self._gateway = gateway

    async def is_another(self) -> bool:
        """Whether something of ours is unknown to Stripe, as far as was asked, and not given up with its account."""
        unknown = {row.item for row in await self._database.rows(UNKNOWN_OBJECTS)}
        given_up_at = await self._given_up_at()
        if not unknown or given_up_at is None:
            return bool(unknown)
        wanted = {**_ids_of(unknown), "before": given_up_at}
        for row in await self._database.rows(GIVEN_UP_WITH_ACCOUNT, wanted):
            unknown -= {str(row.id), str(row.order_id), row.intent_id}
        return bool(unknown)

    async def check(self) -> None:
        """Ask about one payment that Stripe knows if the key is right: before anything is taken from its lists."""
        since = {"since": await self._given_up_at() or datetime(1970, 1, 1, tzinfo=UTC)}
        for statement in (NEWEST_PAYABLE, LAST_HEARD, ANY_HEARD):
            known = await self._database.row(statement, since)
            if known is not None:
                break
        else:
            return
        item = {"step": ACCOUNT, "item": known.intent_id}
        try:
            await self._gateway.retrieve_intent(known.intent_id)
        except GatewayError as error:
            if is_missing(error):
                await self._database.row(RECORD_FAILURE, {**item, "failure": UNKNOWN_TO_STRIPE})
                await open_case(self._database, account_changed(known.intent_id))
            return
        await self._database.rows(FORGET_FAILURE, item)

    async def give_up(self) -> None:
        """The account is gone for good: what was made with it may stay unknown."""
        await self._database.rows(FORGET_UNKNOWN_TO_STRIPE)
        await self._database.rows(FINISH_UNKNOWN_EVENTS)
        [now] = await self._database.rows(DATABASE_TIME)  # payments are older or younger by the same clock
        await self._database.rows(KEEP_CURSOR, {"step": ACCOUNT, "cursor": now.moment.isoformat()})
        await close_case(self._database, AttentionKind.STRIPE_ACCOUNT_CHANGED, SUBJECT)

    async def _given_up_at(self) -> datetime | None:
        row = await self._database.row(STEP_CURSOR, {"step": ACCOUNT})
        return datetime.fromisoformat(row.cursor) if row and row.cursor else None

    async def ask_again(self) -> None:
        """One call tells whether the right key is back; then all that was unknown is tried at once."""
        unknown = [row.item for row in await self._database.rows(UNKNOWN_OBJECTS)]
        if not unknown:
            return
        known = await self._database.row(INTENT_TO_ASK_ABOUT, _ids_of(unknown))
        if known is not None:
            try:
                await self._gateway.retrieve_intent(known.intent_id)
            except GatewayError as error:
                log.warning("still unknown to Stripe", intent=known.intent_id, outcome=type(error).__name__)
                return
        await self._database.rows(TRY_UNKNOWN_ITEMS)
        await self._database.rows(TRY_UNKNOWN_EVENTS)

    async def close_case_if_known(self) -> None:
        if not await self.is_another():
            await close_case(self._database, AttentionKind.STRIPE_ACCOUNT_CHANGED, SUBJECT)


def _ids_of(items: Iterable[str]) -> dict[str, list[Any]]:
    """Of payments, orders and intents, as the statements take them."""
    return {"intent_ids": list(items), "ids": [item for item in map(uuid_or_none, items) if item]}


def uuid_or_none(item: str) -> UUID | None:
    try:
        return UUID(item)
    except ValueError:
        return None
