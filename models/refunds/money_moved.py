"""What money came in, went back and was disputed in a time, by currency. Minor units."""

from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)
from sqlmodel import col

from models.base import among
from models.payments.tables import Payment, PaymentState, PaymentTransition
from models.refunds.sums import RESERVED
from models.refunds.tables import Dispute, Refund
from runtime.database.statements import Query


class MovedRow(NamedTuple):
    currency: str
    received: int
    refunded: int
    disputed: int


def _within(moment: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    kind = DateTime(timezone=True)
    return moment >= bindparam("since", type_=kind), moment < bindparam("until", type_=kind)


_no = literal_column("0", BigInteger)
_received: Any = (
    select(
        col(Payment.currency),
        col(Payment.amount_received).label("received"),
        _no.label("refunded"),
        _no.label("disputed"),
    )
    .join(PaymentTransition, col(PaymentTransition.payment_id) == col(Payment.id))
    .where(
        col(PaymentTransition.to_state) == literal_column(f"'{PaymentState.SUCCEEDED.value}'"),
        *_within(col(PaymentTransition.at)),
    )
)
_refunded = (
    select(col(Payment.currency), _no, col(Refund.amount), _no)
    .join(Refund, col(Refund.payment_id) == col(Payment.id))
    .where(among(col(Refund.state), RESERVED), *_within(col(Refund.created_at)))
)
_disputed = (
    select(col(Payment.currency), _no, _no, col(Dispute.amount))
    .join(Dispute, col(Dispute.payment_id) == col(Payment.id))
    .where(*_within(col(Dispute.created_at)))
)
_moved = union_all(_received, _refunded, _disputed).subquery("moved")


def _sum(amounts: ColumnElement[int], name: str) -> ColumnElement[int]:
    return cast(func.sum(amounts), BigInteger).label(name)


MONEY_MOVED = Query(
    MovedRow,
    select(
        _moved.c.currency,
        _sum(_moved.c.received, "received"),
        _sum(_moved.c.refunded, "refunded"),
        _sum(_moved.c.disputed, "disputed"),
    )
    .group_by(_moved.c.currency)
    .order_by(_moved.c.currency),
)
