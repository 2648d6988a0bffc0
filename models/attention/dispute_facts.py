"""What of disputes calls for a person: those that are open, and decisions of which no open one told."""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ColumnExpressionArgument,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
)
from sqlmodel import col

from models.attention.fact import FactRow, fact_of
from models.attention.tables import AttentionKind, AttentionSubject
from models.base import among
from models.orders.tables import Order, OrderStatus
from models.payments.installation import is_recorded_here
from models.payments.tables import GOES_BACK, Payment
from models.refunds.sums import DECIDED, LOST, given_back, left_to_give_back, taken_by_banks
from models.refunds.tables import Dispute
from runtime.database.statements import Query


def _dispute(subject_id: ColumnElement[str], *where: ColumnExpressionArgument[bool]) -> Select[Any]:
    return (
        fact_of(
            AttentionKind.DISPUTE_OPEN,
            AttentionSubject.DISPUTE,
            subject_id,
            order_id=col(Payment.order_id),
            intent_id=col(Payment.intent_id),
            amount=col(Dispute.amount),
            currency=col(Payment.currency),
            word=col(Dispute.status),
            sentence=col(Dispute.reason),
            due_by=col(Dispute.due_by),
        )
        .join(Payment, col(Payment.id) == col(Dispute.payment_id))
        .where(is_recorded_here, *where)
    )


# An inquiry that a person has answered may become a dispute, with another date: that is a case of its own.
_stage = case(
    (col(Dispute.status).startswith("warning"), col(Dispute.id) + "/inquiry"), else_=col(Dispute.id)
)
OPEN_DISPUTES = _dispute(
    _stage, col(Dispute.status).not_in([literal_column(f"'{status}'") for status in DECIDED])
)

# What is opened when Stripe tells of it, since a sweep would have to look through all that was ever decided.
# `LOST_CASE`: a dispute that was lost when it was first heard of, as those of bank debits are, or over money that had
# gone back. Nobody was told while something could be done.
LOST_CASE, WON_CASE = "/lost", "/won"
_first_heard_of = bindparam("first_heard_of", type_=Boolean)
LOST_DISPUTE = Query(
    FactRow,
    _dispute(
        col(Dispute.id) + LOST_CASE,
        col(Dispute.id) == bindparam("dispute_id", type_=Text),
        col(Dispute.status) == LOST,
        or_(
            _first_heard_of,
            given_back(Payment.id) + taken_by_banks(Payment.id) > col(Payment.amount_received),
        ),
    ),
)
# `WON_CASE`: money that a bank had taken and gave back, while its order went on without it.
HERE_AGAIN = "here again"
_won_case = cast(col(Payment.id), Text) + WON_CASE
# What failed refunds owe of it has a case of its own.
_here_again = left_to_give_back(Payment) - col(Payment.owed)
_without_place = and_(
    _here_again > 0,
    or_(among(col(Payment.disposition), GOES_BACK), among(col(Order.status), (OrderStatus.CANCELED,))),
)
MONEY_WON_BACK = Query(
    FactRow,
    fact_of(
        AttentionKind.ORDER_IN_REVIEW,
        AttentionSubject.PAYMENT,
        _won_case,
        order_id=col(Payment.order_id),
        intent_id=col(Payment.intent_id),
        amount=_here_again,
        currency=col(Payment.currency),
        word=literal(HERE_AGAIN, Text),
    )
    .join(Order, col(Order.id) == col(Payment.order_id))
    .where(col(Payment.id) == bindparam("payment_id", type_=Uuid), _without_place, is_recorded_here),
)


def is_still_without_place(subject_id: Any) -> ColumnElement[bool]:
    """Whether the money of a `WON_CASE` waits."""
    payment_id = case((subject_id.endswith(WON_CASE), cast(func.split_part(subject_id, "/", 1), Uuid)))
    return exists().where(
        col(Payment.id) == payment_id, col(Order.id) == col(Payment.order_id), _without_place
    )
