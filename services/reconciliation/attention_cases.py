"""The list of cases as a merchant sees it, and closing one by a person's word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from models.attention.facts import MADE_CASE
from models.attention.statements import (
    CASE,
    CLOSE_BY_PERSON,
    CLOSED_CASES,
    CLOSED_CASES_AFTER,
    LOCK_CASE,
    OPEN_CASES,
    OPEN_CASES_AFTER,
    CaseRow,
)
from models.attention.tables import LONGEST_NOTE, AttentionKind
from models.payments.settlement_statements import LOCK_ORDER
from models.refunds.attempts import GIVE_UP_REFUND, STRIPE_MAY_FINISH_WITHIN
from models.refunds.given_up import OF_REFUNDS
from models.refunds.statements import REFUND
from models.refunds.tables import RefundState
from runtime.database.database import Database, Transaction
from runtime.pages import Cursor, Page, check_size, page_of
from services.identity.refusals import RateLimited, Refusal
from services.orders.texts import LONGEST_KEY, is_key, is_note
from services.payments.order_money import follow_the_money

CAUSE = "closeAttention"
STRIPE_ENDS_IT_WITHIN = STRIPE_MAY_FINISH_WITHIN // timedelta(seconds=1)

log = structlog.get_logger(__name__)


class InvalidNote(ValueError):
    """A note or a key that says nothing or too much; the message is for the client's developer."""


@dataclass
class AttentionNotFound(Refusal):
    """There is no such case."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """`closed_by` is None for a case that is open or that the facts closed."""

    id: UUID
    kind: AttentionKind
    message: str
    order_id: UUID | None
    due_by: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.opened_at, self.id)


class AttentionCases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, *, first: int, after: Cursor | None, is_open: bool) -> Page[CaseView]:
        """Cases that wait for a person, or those that are closed; newest first. `InvalidPage` as elsewhere."""
        parameters: dict[str, Any] = {"limit": check_size(first) + 1}
        if after is not None:
            parameters |= {"before": after.created_at, "before_id": after.id}
        first_page, next_page = (
            (OPEN_CASES, OPEN_CASES_AFTER) if is_open else (CLOSED_CASES, CLOSED_CASES_AFTER)
        )
        rows = await self._database.rows(next_page if after else first_page, parameters)
        return page_of([view_from(row) for row in rows], first)

    async def find(self, case_id: UUID) -> CaseView | None:
        row = await self._database.row(CASE, {"case_id": case_id})
        return view_from(row) if row else None

    async def close(self, person: str, case_id: UUID, note: str) -> CaseView:
        """Close a case by this person's word. One that is closed already stays as it is.

        Raises `AttentionNotFound`, `InvalidNote`, or `RateLimited` while Stripe may still make its refund.
        """
        check_note(note)
        case = await self._database.row(CASE, {"case_id": case_id})
        if case is None:
            raise AttentionNotFound

        async def write(transaction: Transaction) -> CaseRow:
            order = None
            if case.order_id is not None:
                order = await transaction.row(LOCK_ORDER, {"order_id": case.order_id})
            if stops := await _stops_a_refund(transaction, case):
                await _give_up(transaction, UUID(case.subject_id))
            closing = {"case_id": case_id, "person": person, "remark": note}
            if await transaction.row(CLOSE_BY_PERSON, closing):
                log.info("closed by a person", case=str(case_id), kind=case.kind, person=person)
            if stops and case.order_id is not None and order is not None:  # for whom no money waits any more
                await follow_the_money(transaction, case.order_id, order, cause=CAUSE)
            return await transaction.one(CASE, {"case_id": case_id})

        return view_from(await self._database.transaction(write, locks=case.order_id))


async def _stops_a_refund(transaction: Transaction, case: CaseRow) -> bool:
    """Not when the facts closed it meanwhile, since that person was told of something else; nor one that was made."""
    is_open = (await transaction.one(LOCK_CASE, {"case_id": case.id})).closed_at is None
    return is_open and case.kind in OF_REFUNDS and not case.subject_id.endswith(MADE_CASE)


async def _give_up(transaction: Transaction, refund_id: UUID) -> None:
    """A refund whose money went back in another way must not be tried again."""
    if await transaction.row(GIVE_UP_REFUND, {"refund_id": refund_id}):
        return
    refund = await transaction.row(REFUND, {"refund_id": refund_id})
    # Somebody is asking Stripe for it, or was just now.
    if refund is not None and refund.state == RefundState.CREATING:
        raise RateLimited(STRIPE_ENDS_IT_WITHIN)


def check_note(note: str) -> None:
    if not is_note(note, LONGEST_NOTE):
        raise InvalidNote(f"a note has between 1 and {LONGEST_NOTE} readable characters")


def check_key(key: str) -> None:
    if not is_key(key):
        raise InvalidNote(f"an idempotency key has between 1 and {LONGEST_KEY} printable characters")


def view_from(row: CaseRow) -> CaseView:
    return CaseView(
        id=row.id,
        kind=AttentionKind(row.kind),
        message=row.message,
        order_id=row.order_id,
        due_by=row.due_by,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        note=row.note,
    )
