"""What the sweep looks for: work that a crash, a lost webhook or a restored backup left behind."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    any_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import among
from models.orders.tables import Order, OrderStatus
from models.payments.installation import is_recorded_here
from models.payments.tables import IS_LIVE, LIVE, PAYABLE, Payment, PaymentState
from models.refunds.given_up import is_given_up
from models.refunds.sums import LOST, MADE
from models.refunds.tables import AUTOMATIC, Dispute, Refund, RefundState
from runtime.database.statements import Query

_limit: BindParameter[int] = bindparam("limit", type_=Integer)
_of_pending_order = col(Order.status) == OrderStatus.PENDING.value
_unleased = func.coalesce(col(Payment.lease_until), func.now()) <= func.now()


class UnansweredPayment(NamedTuple):
    id: UUID
    order_id: UUID
    user_id: str | None
    status: str


# Recorded, and no call to Stripe is under way for them.
UNANSWERED_PAYMENTS = Query(
    UnansweredPayment,
    select(col(Payment.id), col(Payment.order_id), col(Order.user_id), col(Order.status))
    .join(Order, col(Order.id) == col(Payment.order_id))
    .where(col(Payment.state) == PaymentState.CREATING.value, _unleased)
    .order_by(col(Payment.created_at))
    .limit(_limit),
)

# Orders with a payment that must not be payable: it lives though its order is closed, or its cancellation was not
# confirmed. Nothing marks those beforehand: a mark would have to be right after a restored backup too, and neither an
# order that closes nor a payment that begins sees the other before it is committed, unless each creation locks its
# order. Instead all live payments are compared with the pending orders, both read from indexes alone and in one order:
# a quarter of a microsecond for each, one where vacuum has not been yet. 22 ms at 100,000 open carts, where reading
# each one's order took a second.
_after = bindparam("after_id", type_=Uuid)
_of_closed_orders = (
    select(col(Payment.order_id))
    .where(
        among(col(Payment.state), LIVE),
        col(Payment.order_id) > _after,
        ~exists().where(col(Order.id) == col(Payment.order_id), _of_pending_order),
    )
    .order_by(col(Payment.order_id))
    .limit(_limit)
    .subquery()
)
_being_canceled = (
    select(col(Payment.order_id))
    .where(col(Payment.state) == PaymentState.CANCELING.value, col(Payment.order_id) > _after)
    .order_by(col(Payment.order_id))
    .limit(_limit)
    .subquery()
)


class OrderToClose(NamedTuple):
    order_id: UUID


# TO_BE_CLOSED in SQL:
#     SELECT anon_1.order_id
#     FROM (
#       SELECT payments.order_id
#       FROM payments
#       WHERE payments.state IN ('creating', 'open', 'processing', 'canceling') AND payments.order_id > $1 AND NOT
#           (EXISTS (
#         SELECT *
#         FROM orders
#         WHERE orders.id = payments.order_id AND orders.status = 'pending'))
#       ORDER BY payments.order_id LIMIT $2)
#     AS anon_1
#     UNION SELECT anon_2.order_id
#     FROM (
#       SELECT payments.order_id
#       FROM payments
#       WHERE payments.state = 'canceling' AND payments.order_id > $1
#       ORDER BY payments.order_id LIMIT $2)
#     AS anon_2
#     ORDER BY order_id LIMIT $2
TO_BE_CLOSED = Query(
    OrderToClose,
    union(select(_of_closed_orders.c.order_id), select(_being_canceled.c.order_id))
    .order_by("order_id")
    .limit(_limit),
)


class PaymentToClose(NamedTuple):
    id: UUID
    order_id: UUID
    state: str
    intent_id: str


# Such an order's payment, when its turn has come: another one may live there by then, and be good.
PAYMENT_TO_BE_CLOSED = Query(
    PaymentToClose,
    select(col(Payment.id), col(Payment.order_id), col(Payment.state), col(Payment.intent_id))
    .join(Order, col(Order.id) == col(Payment.order_id))
    .where(
        col(Payment.order_id) == bindparam("order_id", type_=Uuid),
        among(col(Payment.state), (PaymentState.CANCELING, PaymentState.OPEN, PaymentState.PROCESSING)),
        or_(col(Payment.state) == PaymentState.CANCELING.value, ~_of_pending_order),
    ),
)

# A bank debit is under way for days, and news of it comes by events: of these orders, those that were looked at within
# a quarter of the payment's age, an hour at most.
_orders = bindparam("order_ids", type_=ARRAY(Uuid))
_under_way = col(Payment.state) == PaymentState.PROCESSING.value
_age = (func.now() - col(Payment.created_at)).op("/", precedence=8)(literal_column("4", Integer))
_pause_under_way = func.least(
    func.greatest(_age, literal_column("interval '55 seconds'", Interval)),
    literal_column("interval '1 hour'", Interval),
)
ORDERS_THAT_PAUSE = Query(
    OrderToClose,
    select(col(Payment.order_id)).where(
        col(Payment.order_id) == any_(_orders),
        _under_way,
        col(Payment.looked_at) > func.now() - _pause_under_way,
    ),
)
LOOK_AT_MONEY_UNDER_WAY = (
    update(Payment)
    .where(col(Payment.order_id) == bindparam("of_order", type_=Uuid), _under_way)
    .values(looked_at=func.now())
)

# Payable ones, the youngest first, in parts of so many rows that are read, whatever the state of the table. One is due
# when Stripe was not asked about it for a quarter of its age: after a minute at first, and at least once a day.
_payable = (
    select(
        col(Payment.id),
        col(Payment.intent_id),
        col(Payment.created_at),
        col(Payment.looked_at),
    )
    .where(
        among(col(Payment.state), PAYABLE),
        col(Payment.created_at) < bindparam("before", type_=DateTime(timezone=True)),
        col(Payment.created_at) >= bindparam("until", type_=DateTime(timezone=True)),
    )
    .order_by(col(Payment.created_at).desc())
    .limit(bindparam("scanned", type_=Integer))
    .subquery()
)
_quarter_of_its_age = (func.now() - _payable.c.created_at).op("/", precedence=8)(literal_column("4", Integer))
_look_pause = func.least(
    func.greatest(_quarter_of_its_age, literal_column("interval '55 seconds'", Interval)),
    literal_column("interval '1 day'", Interval),
)


class Scanned(NamedTuple):
    oldest: datetime | None


PAYABLE_SCANNED = Query(Scanned, select(func.min(_payable.c.created_at).label("oldest")))


class PayablePayment(NamedTuple):
    id: UUID
    intent_id: str


# PAYABLE_TO_BE_LOOKED_AT in SQL:
#     SELECT anon_1.id, anon_1.intent_id
#     FROM (
#       SELECT payments.id, payments.intent_id, payments.created_at, payments.looked_at
#       FROM payments
#       WHERE payments.state IN ('open', 'processing') AND payments.created_at < $1 AND payments.created_at >= $2
#       ORDER BY payments.created_at DESC LIMIT $3)
#     WHERE anon_1.looked_at < now() - least(greatest((now() - anon_1.created_at) / 4, interval '55 seconds'),
#         interval '1 day')
#     ORDER BY anon_1.created_at DESC
PAYABLE_TO_BE_LOOKED_AT = Query(
    PayablePayment,
    select(_payable.c.id, _payable.c.intent_id)
    .where(_payable.c.looked_at < func.now() - _look_pause)
    .order_by(_payable.c.created_at.desc()),
)


class PaymentStateRow(NamedTuple):
    state: str


LOOK_AT_PAYMENT = Query(
    PaymentStateRow,
    update(Payment)
    .where(col(Payment.id) == bindparam("payment_id", type_=Uuid))
    .values(looked_at=func.now())
    .returning(col(Payment.state)),
)


class PaymentOfIntent(NamedTuple):
    id: UUID
    intent_id: str | None
    state: str
    amount: int


PAYMENTS_OF_INTENTS = Query(
    PaymentOfIntent,
    select(col(Payment.id), col(Payment.intent_id), col(Payment.state), col(Payment.amount)).where(
        or_(
            col(Payment.intent_id) == any_(bindparam("intent_ids", type_=ARRAY(Text))),
            col(Payment.id) == any_(bindparam("payment_ids", type_=ARRAY(Uuid))),
        )
    ),
)

# A payment that we don't have, for an intent that Stripe has and an order that is here: live while its money is under
# way, if no other lives; otherwise given up, so that the intent is either canceled or its money put in its place.
RECOVER_PAYMENT = (
    insert(Payment)
    .from_select(
        [
            "id",
            "order_id",
            "state",
            "idempotency_key",
            "intent_id",
            "amount",
            "currency",
            "order_version",
            "cause",
            "looked_at",
        ],
        select(
            bindparam("payment_id", type_=Uuid),
            col(Order.id),
            bindparam("state", type_=Text),
            func.concat("recovered:", bindparam("intent_id", type_=Text)),
            bindparam("intent_id", type_=Text),
            bindparam("amount", type_=Payment.__table__.c.amount.type),  # type: ignore[attr-defined]
            bindparam("currency", type_=Text),
            col(Order.version),
            literal("reconcile", Text),
            func.to_timestamp(0),  # the next sweep looks at it: news of it may have come before
        ).where(col(Order.id) == bindparam("order_id", type_=Uuid)),
    )
    .on_conflict_do_nothing()
    .returning(col(Payment.id))
)


_other = aliased(Refund, name="other")
_given_back = (
    select(func.coalesce(func.sum(col(_other.amount)), 0))
    .where(col(_other.payment_id) == col(Refund.payment_id), among(col(_other.state), MADE))
    .scalar_subquery()
)
_taken_by_banks = (
    select(func.coalesce(func.sum(col(Dispute.amount)), 0))
    .where(col(Dispute.payment_id) == col(Refund.payment_id), col(Dispute.status) == LOST)
    .scalar_subquery()
)


class FailedRefund(NamedTuple):
    id: UUID
    failure_code: str | None


# Owed money that is still here: not what was given back in another way, nor what a lost dispute took. What a person
# said they gave back is not ours to try.
REFUNDS_THAT_FAILED = Query(
    FailedRefund,
    select(col(Refund.id), col(Refund.failure_code))
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        is_recorded_here,
        _given_back + _taken_by_banks < col(Payment.amount_received),
        col(Refund.state) == RefundState.FAILED.value,
        among(col(Refund.cause), AUTOMATIC),
        ~is_given_up(Refund),
        col(Refund.id) > _after,
    )
    .order_by(col(Refund.id))
    .limit(_limit),
)


class PaymentCount(NamedTuple):
    payments: int


# How many payments may still become money, for an estimate.
OPEN_AT_STRIPE = Query(
    PaymentCount, select(func.count().label("payments")).select_from(Payment).where(IS_LIVE)
)


class LiveIntent(NamedTuple):
    id: UUID
    order_id: UUID
    intent_id: str
    state: str


# Payments that may still become money, in parts.
LIVE_INTENTS = Query(
    LiveIntent,
    select(col(Payment.id), col(Payment.order_id), col(Payment.intent_id), col(Payment.state))
    .where(among(col(Payment.state), (*PAYABLE, PaymentState.CANCELING)), col(Payment.order_id) > _after)
    .order_by(col(Payment.order_id))
    .limit(_limit),
)
