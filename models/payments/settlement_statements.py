"""The statements that write Stripe's word into our rows, run in a transaction under the order's lock."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.orders.tables import Order, order_total
from models.payments.installation import is_recorded_here, own_ids_as_text
from models.payments.tables import GOES_BACK, Payment, PaymentState, PaymentTransition
from models.refunds.sums import given_back, taken_by_banks
from models.reviews.tables import Review, ReviewDecision
from runtime.database.statements import Query


class PaymentOfIntentRow(NamedTuple):
    id: UUID
    order_id: UUID


# By the intent's id; by its metadata only as long as we have not recorded an intent for that payment. Never for an
# intent that another installation made, nor a payment that this database has as a copy.
PAYMENT_OF_INTENT = Query(
    PaymentOfIntentRow,
    select(col(Payment.id), col(Payment.order_id)).where(
        or_(
            col(Payment.intent_id) == bindparam("intent_id", type_=Text),
            and_(
                col(Payment.id) == bindparam("payment_id", type_=Uuid),
                col(Payment.order_id) == bindparam("metadata_order_id", type_=Uuid),
                col(Payment.intent_id).is_(None),
            ),
        ),
        func.coalesce(bindparam("installation_id", type_=Text) == any_(own_ids_as_text), true()),
        is_recorded_here,
    ),
)

_this_order = col(Order.id) == bindparam("order_id", type_=Uuid)
_this_payment = col(Payment.id) == bindparam("payment_id", type_=Uuid)


class LockedOrder(NamedTuple):
    status: str
    currency: str
    version: int
    cancel_reason: str | None
    refunded_by_hand: bool


# Each locks one row and reads nothing else: a statement that waits for a lock has an old snapshot of other rows. What
# decides a write is read afterwards, in a statement of its own. Order before payment before refund, everywhere.
LOCK_ORDER = Query(
    LockedOrder,
    select(
        col(Order.status),
        col(Order.currency),
        col(Order.version),
        col(Order.cancel_reason),
        col(Order.refunded_by_hand),
    )
    .where(_this_order)
    .with_for_update(),
)


class LockedPayment(NamedTuple):
    """Amounts are minor units."""

    state: str
    disposition: str | None
    amount: int
    amount_received: int
    currency: str
    intent_id: str | None
    authorized_at: datetime | None


LOCK_PAYMENT = Query(
    LockedPayment,
    select(
        col(Payment.state),
        col(Payment.disposition),
        col(Payment.amount),
        col(Payment.amount_received),
        col(Payment.currency),
        col(Payment.intent_id),
        col(Payment.authorized_at),
    )
    .where(_this_payment)
    .with_for_update(),
)


class OrderWorth(NamedTuple):
    """`total` is minor units. `is_rejected`: a person decided last that its money goes back."""

    total: int
    is_rejected: bool


_paid_later = aliased(Payment, name="paid_later")
# What came afterwards, and not to go back, was not decided about. (By the review's order: a subquery sees the one
# around it, not further.)
_last_decision = (
    select(col(Review.decision))
    .where(
        col(Review.order_id) == col(Order.id),
        ~exists().where(
            col(_paid_later.order_id) == col(Review.order_id),
            col(_paid_later.disposition).not_in([literal_column(f"'{each.value}'") for each in GOES_BACK]),
            col(PaymentTransition.payment_id) == col(_paid_later.id),
            col(PaymentTransition.to_state) == PaymentState.SUCCEEDED.value,
            col(PaymentTransition.at) > col(Review.decided_at),
        ),
    )
    .order_by(col(Review.decided_at).desc())
    .limit(1)
    .scalar_subquery()
)
ORDER_WORTH = Query(
    OrderWorth,
    select(
        order_total.label("total"),
        func.coalesce(_last_decision == ReviewDecision.REFUND.value, false()).label("is_rejected"),
    )
    .select_from(Order)
    .where(_this_order),
)


class MoneyRow(NamedTuple):
    """A payment's money: minor units."""

    id: UUID
    intent_id: str
    disposition: str
    currency: str
    received: int
    refunded: int
    taken: int
    given_up: int
    is_ours: bool  # recorded here, and not in the database that this one is a copy of


# What became of the money that an order received so far, oldest first; minor units.
MONEY_OF_ORDER = Query(
    MoneyRow,
    select(
        col(Payment.id),
        col(Payment.intent_id),
        col(Payment.disposition),
        col(Payment.currency),
        col(Payment.amount_received).label("received"),
        cast(given_back(Payment.id), BigInteger).label("refunded"),
        cast(taken_by_banks(Payment.id), BigInteger).label("taken"),
        col(Payment.given_up),
        is_recorded_here.label("is_ours"),
    )
    .where(
        col(Payment.order_id) == bindparam("order_id", type_=Uuid),
        col(Payment.state) == PaymentState.SUCCEEDED.value,
    )
    .order_by(col(Payment.created_at), col(Payment.id)),
)
SET_DISPOSITION = (
    update(Payment)
    .where(_this_payment)
    .values(disposition=bindparam("to_disposition"), cause=bindparam("to_cause"), updated_at=func.now())
)

SET_PAYMENT = (
    update(Payment)
    .where(_this_payment)
    .values(
        state=bindparam("to_state"),
        disposition=bindparam("to_disposition"),
        intent_id=bindparam("to_intent_id"),
        amount=bindparam("to_amount"),
        amount_received=bindparam("to_amount_received"),
        currency=bindparam("to_currency"),
        authorized_at=case(
            (bindparam("is_authorized", type_=Boolean), func.coalesce(col(Payment.authorized_at), func.now()))
        ),
        cause=bindparam("to_cause"),
        lease_until=None,
        updated_at=func.now(),
    )
)
SET_ORDER_STATUS = (
    update(Order).where(_this_order).values(status=bindparam("to_status"), updated_at=func.now())
)
# The database marks a status that says more than the refunds do; what went back by a person's word it doesn't know.
NOT_BY_HAND = update(Order).where(_this_order, col(Order.refunded_by_hand)).values(refunded_by_hand=False)
