"""Cases for a person: opened once for each fact, and closed when the fact is gone.

What the tables say opens and closes by itself: `refresh_cases` in the transaction that moves an order's money,
`Attention.derive` in the sweep, over everything. What only a call to Stripe or an event shows is opened by whoever
sees it, with `open_case`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import structlog

from models.attention.fact import FactRow
from models.attention.facts import (
    FACTS_OF_ORDER,
    FACTS_WITHOUT_CASE,
    GONE,
    GONE_OF_ORDER,
    REVIEWS_THAT_ENDED,
)
from models.attention.statements import CLOSE_BY_FACTS, OPEN_CASE
from models.attention.tables import AttentionKind, AttentionSubject
from runtime.database.database import Database, Transaction
from services.payments.attention_messages import message_of

BATCH = 1_000  # cases of a kind that are opened at once; the next sweep goes on

Runner: TypeAlias = Database | Transaction  # the latter when the case is part of its work

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`subject_id` is what it is about, and makes opening it a second time change nothing.

    A case with the subject `NONE` is opened anew when a person closed it and its reason is still there; one about an
    order's money is not. `message` says what happened and what to do. `missing_order_id` is an order that is not here.
    """

    kind: AttentionKind
    subject: AttentionSubject
    subject_id: str
    message: str
    order_id: UUID | None = None
    missing_order_id: UUID | None = None
    due_by: datetime | None = None


async def open_case(runner: Runner, case: Case) -> bool:
    """Whether the case is new; one that is open takes the new message and date."""
    values = {
        "kind": case.kind,
        "subject": case.subject,
        "subject_id": case.subject_id,
        "order_id": case.order_id,
        "missing_order_id": case.missing_order_id,
        "message": case.message,
        "due_by": case.due_by,
    }
    row = await runner.row(OPEN_CASE, values)
    if row is None or not row.is_new:
        return False
    log.warning(
        "needs a person",
        kind=case.kind,
        subject=case.subject_id,
        order=str(case.order_id) if case.order_id else None,
        message=case.message,
    )
    return True


async def close_case(runner: Runner, kind: AttentionKind, subject_id: str) -> bool:
    """Whether an open case was closed, since its reason is gone."""
    parameters = {"case_kind": kind, "case_subject_id": subject_id}
    return await runner.row(CLOSE_BY_FACTS, parameters) is not None


async def refresh_cases(runner: Runner, order_id: UUID) -> None:
    """Open and close what the facts of one order say. Call it last, under the order's lock."""
    for fact in await runner.rows(FACTS_OF_ORDER, {"facts_of_order": order_id}):
        await open_case(runner, case_from(fact))
    await runner.rows(GONE_OF_ORDER, {"facts_of_order": order_id})


class Attention:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def derive(self) -> tuple[int, int]:
        """How many cases were opened and closed by what the tables say now. It asks only the database."""
        closed = [await self._database.rows(statement, {}) for statement in GONE]
        await self._database.rows(REVIEWS_THAT_ENDED)
        opened = 0
        for statement in FACTS_WITHOUT_CASE:
            for fact in await self._database.rows(statement, {"limit": BATCH}):
                opened += await open_case(self._database, case_from(fact))
        return opened, sum(map(len, closed))


def case_from(fact: FactRow) -> Case:
    return Case(
        kind=AttentionKind(fact.kind),
        subject=AttentionSubject(fact.subject),
        subject_id=fact.subject_id,
        order_id=fact.order_id,
        due_by=fact.due_by,
        message=message_of(fact),
    )
