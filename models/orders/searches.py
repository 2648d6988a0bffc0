"""Everybody's orders, found by what a shop's people ask for. Each filter is answered from an index of its own.

Several statuses are several walks along the index of statuses, each no longer than the page: one walk along the
newest orders would read the whole shop for a status that hardly any order has.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    exists,
    func,
    select,
    text,
    tuple_,
    union_all,
)
from sqlmodel import col

from models.base import among
from models.orders.rows import OrderRow
from models.orders.statements import OrderParts, order_columns
from models.orders.tables import Order
from models.payments.tables import Payment, PaymentState
from models.refunds.tables import Dispute
from runtime.database.statements import Query

_moment = DateTime(timezone=True)


class OrderFilterName(StrEnum):
    """Each is the name of its parameter too; those of `FLAGS` have none, and `ID_PREFIX` has `id_from` and `id_to`."""

    CREATED_FROM = "created_from"
    CREATED_BEFORE = "created_before"
    UPDATED_FROM = "updated_from"
    USER_ID = "user_id"
    RECEIPT_EMAIL = "receipt_email"
    REFERENCE = "reference"
    INTENT_ID = "intent_id"
    ID_PREFIX = "id_prefix"
    DISPUTED = "disputed"
    UNDISPUTED = "undisputed"
    PROCESSING = "processing"
    NOT_PROCESSING = "not_processing"


FLAGS = (
    OrderFilterName.DISPUTED,
    OrderFilterName.UNDISPUTED,
    OrderFilterName.PROCESSING,
    OrderFilterName.NOT_PROCESSING,
)
MOST_WITH_PREFIX = 100  # two orders of a billion share eight digits

_of_disputed = (
    select(col(Payment.order_id)).join(Dispute, col(Dispute.payment_id) == col(Payment.id)).distinct()
)
_has_dispute = exists().where(
    col(Payment.order_id) == col(Order.id), col(Dispute.payment_id) == col(Payment.id)
)
# With the condition of its index in full, so that it is read from there.
_of_processing = select(col(Payment.order_id)).where(text("payments.state = 'processing'")).distinct()
_is_processing = exists().where(
    col(Payment.order_id) == col(Order.id), among(col(Payment.state), (PaymentState.PROCESSING,))
)
_between = col(Order.id).between(bindparam("id_from", type_=Uuid), bindparam("id_to", type_=Uuid))
_of_prefix = select(col(Order.id)).where(_between).order_by(col(Order.id)).limit(MOST_WITH_PREFIX).subquery()


def _is_one_of(ids: Any) -> ColumnElement[bool]:
    """As an array, which is read once and looked up by the orders' key; a join would have the planner guess."""
    return col(Order.id) == any_(func.array(ids.scalar_subquery(), type_=ARRAY(Uuid)))


_CONDITIONS: dict[OrderFilterName, ColumnElement[bool]] = {
    OrderFilterName.CREATED_FROM: col(Order.created_at) >= bindparam("created_from", type_=_moment),
    OrderFilterName.CREATED_BEFORE: col(Order.created_at) < bindparam("created_before", type_=_moment),
    OrderFilterName.UPDATED_FROM: col(Order.updated_at) >= bindparam("updated_from", type_=_moment),
    OrderFilterName.USER_ID: col(Order.user_id) == bindparam("user_id", type_=Text),
    OrderFilterName.RECEIPT_EMAIL: col(Order.receipt_email) == bindparam("receipt_email", type_=Text),
    OrderFilterName.REFERENCE: col(Order.reference) == bindparam("reference", type_=Text),
    OrderFilterName.INTENT_ID: col(Order.id).in_(
        select(col(Payment.order_id)).where(col(Payment.intent_id) == bindparam("intent_id", type_=Text))
    ),
    OrderFilterName.ID_PREFIX: _is_one_of(select(_of_prefix.c.id)),
    OrderFilterName.DISPUTED: _is_one_of(_of_disputed),
    OrderFilterName.UNDISPUTED: ~_has_dispute,
    OrderFilterName.PROCESSING: _is_one_of(_of_processing),
    OrderFilterName.NOT_PROCESSING: ~_is_processing,
}
_older = tuple_(col(Order.created_at), col(Order.id)) < tuple_(
    bindparam("before", type_=_moment), bindparam("before_id", type_=Uuid)
)
_newest_first = (col(Order.created_at).desc(), col(Order.id).desc())


@cache
def orders_search(
    parts: OrderParts, filters: frozenset[OrderFilterName], *, statuses: int, after: bool
) -> Query[OrderRow]:
    """A page of all orders, newest first; the wanted statuses are the parameters `status_0`, `status_1` …"""
    conditions = [_CONDITIONS[name] for name in sorted(filters)] + ([_older] if after else [])
    if statuses > 1:
        walks = [_walk(conditions, number) for number in range(statuses)]
        conditions = [_is_one_of(union_all(*(select(walk.c.id) for walk in walks)))]
    elif statuses == 1:
        conditions.append(_has_status(0))
    page = order_columns(parts).where(*conditions).order_by(*_newest_first).limit(bindparam("limit"))
    return Query(OrderRow, page)


def _walk(conditions: Sequence[ColumnElement[bool]], status: int) -> Any:
    """The newest orders of one status, no more than the page holds."""
    return (
        select(col(Order.id))
        .where(_has_status(status), *conditions)
        .order_by(*_newest_first)
        .limit(bindparam("limit"))
        .subquery(f"of_status_{status}")
    )


def _has_status(number: int) -> ColumnElement[bool]:
    return col(Order.status) == bindparam(f"status_{number}", type_=Text)
