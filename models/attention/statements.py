"""The statements that open, show and close cases."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.attention.tables import IS_FORGETTABLE, STANDS, AttentionCase, AttentionKind
from models.orders.tables import Order
from runtime.database.statements import Query

_is_open = col(AttentionCase.closed_at).is_(None)

# A row when the case is new, or when its date or its words changed while it was open.
_case = insert(AttentionCase)


class OpenedCase(NamedTuple):
    id: UUID
    is_new: bool


OPEN_CASE = Query(
    OpenedCase,
    _case.on_conflict_do_update(
        index_elements=["kind", "subject", "subject_id"],
        index_where=STANDS,
        set_={"message": _case.excluded.message, "due_by": _case.excluded.due_by},
        where=text(
            "attention.closed_at IS NULL"
            " AND (attention.message, attention.due_by) IS DISTINCT FROM (excluded.message, excluded.due_by)"
        ),
    ).returning(col(AttentionCase.id), text("xmax = 0 AS is_new")),
)

_this_subject = (
    col(AttentionCase.kind) == bindparam("case_kind", type_=Text),
    col(AttentionCase.subject_id) == bindparam("case_subject_id", type_=Text),
)
CLOSE_BY_FACTS = (
    update(AttentionCase)
    .where(*_this_subject, _is_open)
    .values(closed_at=func.now())
    .returning(col(AttentionCase.id))
)
CLOSE_BY_PERSON = (
    update(AttentionCase)
    .where(col(AttentionCase.id) == bindparam("case_id", type_=Uuid), _is_open)
    .values(
        closed_at=func.now(), closed_by=bindparam("person", type_=Text), note=bindparam("remark", type_=Text)
    )
    .returning(col(AttentionCase.id))
)
_forgettable = (
    select(col(AttentionCase.id))
    .where(IS_FORGETTABLE, col(AttentionCase.closed_at) < func.now() - cast(bindparam("age"), Interval))
    .order_by(col(AttentionCase.closed_at))
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
)
DELETE_OLD_CASES = (
    delete(AttentionCase)
    .where(col(AttentionCase.id) == any_(func.array(_forgettable.scalar_subquery())))
    .returning(col(AttentionCase.id))
)

_cases = select(
    col(AttentionCase.id),
    col(AttentionCase.kind),
    col(AttentionCase.subject),
    col(AttentionCase.subject_id),
    col(AttentionCase.order_id),
    col(AttentionCase.message),
    col(AttentionCase.due_by),
    col(AttentionCase.opened_at),
    col(AttentionCase.closed_at),
    col(AttentionCase.closed_by),
    col(AttentionCase.note),
)


_named = func.substring(
    col(AttentionCase.message),
    " for order ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}), which is not in this",
)


class MoneyFound(NamedTuple):
    intent_id: str


# Money without an order whose order is here by now. A person who closed its case has dealt with it in another way; of
# one that a server of an earlier version opened, the words alone name the order.
MONEY_WITH_ITS_ORDER = Query(
    MoneyFound,
    select(col(AttentionCase.subject_id).label("intent_id"))
    .join(Order, col(Order.id) == func.coalesce(col(AttentionCase.missing_order_id), cast(_named, Uuid)))
    .where(_is_open, col(AttentionCase.kind) == AttentionKind.MONEY_WITHOUT_ORDER.value)
    .limit(bindparam("limit", type_=Integer)),
)


class CaseRow(NamedTuple):
    id: UUID
    kind: str
    subject: str
    subject_id: str
    order_id: UUID | None
    message: str
    due_by: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None


CASE = Query(CaseRow, _cases.where(col(AttentionCase.id) == bindparam("case_id", type_=Uuid)))
LOCK_CASE = Query(
    CaseRow, _cases.where(col(AttentionCase.id) == bindparam("case_id", type_=Uuid)).with_for_update()
)
_newest_first = _cases.order_by(col(AttentionCase.opened_at).desc(), col(AttentionCase.id).desc()).limit(
    bindparam("limit", type_=Integer)
)
_older = tuple_(col(AttentionCase.opened_at), col(AttentionCase.id)) < tuple_(
    bindparam("before", type_=DateTime(timezone=True)), bindparam("before_id", type_=Uuid)
)
_is_closed = col(AttentionCase.closed_at).is_not(None)
_open, _closed = _newest_first.where(_is_open), _newest_first.where(_is_closed)
OPEN_CASES, CLOSED_CASES = Query(CaseRow, _open), Query(CaseRow, _closed)
OPEN_CASES_AFTER = Query(CaseRow, _open.where(_older))
CLOSED_CASES_AFTER = Query(CaseRow, _closed.where(_older))
