"""The statements over refunds and disputes."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.base import among
from models.orders.tables import Order
from models.payments.installation import is_recorded_here
from models.payments.tables import GOES_BACK, Disposition, Payment, PaymentState
from models.refunds.sums import DECIDED, asked_for, left_to_give_back
from models.refunds.tables import AUTOMATIC, Dispute, Refund, RefundState
from runtime.database.statements import Query

_this_refund = col(Refund.id) == bindparam("refund_id", type_=Uuid)
_with_intent = col(Payment.intent_id) == bindparam("intent_id", type_=Text)
_of_payment = col(Refund.payment_id) == bindparam("payment_id", type_=Uuid)


class OrderStatusRow(NamedTuple):
    status: str
    user_id: str | None


ORDER_STATUS = Query(
    OrderStatusRow,
    select(col(Order.status), col(Order.user_id)).where(
        col(Order.id) == bindparam("order_id", type_=Uuid),
        or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),
    ),
)


# Money that its order has no use for, whose refund ended without being made, or which is here again. Without what went
# back in another way: it comes first here, so a refund of what settled the order would be made of this payment.
_goes_back = among(col(Payment.disposition), GOES_BACK)
_still_owed = and_(_goes_back, left_to_give_back(Payment) > col(Payment.given_up))


class RefundablePayment(NamedTuple):
    id: UUID
    intent_id: str
    amount_received: int
    currency: str
    is_ours: bool  # recorded here, and not in the database that this one is a copy of
    is_refundable: bool
    goes_back: bool  # its order has no use for it


# The payments that an order received, and whether a merchant may give back their money: in the order of the alphabet
# what is still owed comes first, then a mismatch that waits for a decision, then what settled the order. They are
# locked; what is left of them is read afterwards.
REFUNDABLE_PAYMENTS = Query(
    RefundablePayment,
    select(
        col(Payment.id),
        col(Payment.intent_id),
        col(Payment.amount_received),
        col(Payment.currency),
        is_recorded_here.label("is_ours"),
        or_(among(col(Payment.disposition), (Disposition.SETTLED, Disposition.MISMATCH)), _still_owed).label(
            "is_refundable"
        ),
        _goes_back.label("goes_back"),
    )
    .where(
        col(Payment.order_id) == bindparam("order_id", type_=Uuid),
        col(Payment.state) == PaymentState.SUCCEEDED.value,
    )
    .order_by(col(Payment.disposition), col(Payment.created_at))
    .with_for_update(),
)


class LeftRow(NamedTuple):
    amount: int
    given_up: int  # of it went back in another way, by a person's word


LEFT_TO_GIVE_BACK = Query(
    LeftRow,
    select(
        cast(left_to_give_back(Payment), BigInteger).label("amount"),
        col(Payment.given_up),
    ).where(col(Payment.id) == bindparam("payment_id", type_=Uuid)),
)


class ReservedRow(NamedTuple):
    amount: int


RESERVED_AMOUNT = Query(
    ReservedRow,
    select(cast(asked_for(bindparam("payment_id", type_=Uuid)), BigInteger).label("amount")),
)


class RefundRow(NamedTuple):
    """A refund as its table has it; `amount` is minor units of its payment's currency."""

    id: UUID
    payment_id: UUID
    state: str
    cause: str
    amount: int
    reason: str | None
    client_key: str | None
    requested_by: str | None
    attempt: int
    stripe_refund_id: str | None
    failure_code: str | None
    failure_message: str | None
    note: str | None
    customer_message: str | None
    tries: int
    due_at: datetime
    lease_until: datetime | None
    key_until: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


# The same request by its key, or by its id where Stripe reported it before the client came back.
EARLIER_REFUND = Query(
    RefundRow,
    select(Refund).where(
        _of_payment, or_(col(Refund.client_key) == bindparam("client_key", type_=Text), _this_refund)
    ),
)
REFUND = Query(RefundRow, select(Refund).where(_this_refund))
REFUNDS_OF_PAYMENT = Query(RefundRow, select(Refund).where(_of_payment))


class AddedRefund(NamedTuple):
    id: UUID


# No row when it is there already.
ADD_REFUND = Query(AddedRefund, insert(Refund).on_conflict_do_nothing().returning(col(Refund.id)))
SET_REFUND = (
    update(Refund)
    .where(_this_refund)
    .values(
        state=bindparam("to_state"),
        stripe_refund_id=bindparam("to_stripe_id"),
        amount=bindparam("to_amount"),
        failure_code=bindparam("to_failure_code"),
        failure_message=None,
        lease_until=None,
        updated_at=func.now(),
    )
)


class PaymentAskedAbout(NamedTuple):
    id: UUID
    order_id: UUID
    state: str
    asked_at: datetime


# `asked_at` is the database's time, taken before Stripe is asked about the payment.
PAYMENT_WITH_INTENT = Query(
    PaymentAskedAbout,
    select(
        col(Payment.id), col(Payment.order_id), col(Payment.state), func.clock_timestamp().label("asked_at")
    ).where(col(Payment.intent_id) == bindparam("intent_id", type_=Text)),
)


class OwedRefund(NamedTuple):
    id: UUID


OWED_REFUND = Query(
    OwedRefund,
    select(col(Refund.id))
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        col(Payment.intent_id) == bindparam("intent_id", type_=Text),
        col(Refund.state) == RefundState.CREATING.value,
        among(col(Refund.cause), AUTOMATIC),
    ),
)


class UnfinishedRefund(NamedTuple):
    id: UUID
    state: str
    intent_id: str


# What was never sent goes first; among each kind, what waits the longest.
UNFINISHED_REFUNDS = Query(
    UnfinishedRefund,
    select(col(Refund.id), col(Refund.state), col(Payment.intent_id))
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        among(col(Refund.state), (RefundState.CREATING, RefundState.PENDING, RefundState.REQUIRES_ACTION)),
        col(Refund.due_at) <= func.now(),
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
    )
    .order_by(col(Refund.state) != RefundState.CREATING.value, col(Refund.due_at))
    .limit(bindparam("limit")),
)

# A pending refund takes days: it is asked about after a tenth of its age, between five minutes and a day.
_tenth = func.extract("epoch", func.now() - col(Refund.created_at)) / 10
_until_then = func.make_interval(0, 0, 0, 0, 0, 0, func.least(func.greatest(_tenth, 300), 86_400))
LOOK_AGAIN_LATER = (
    update(Refund)
    .where(
        col(Refund.payment_id) == select(col(Payment.id)).where(_with_intent).scalar_subquery(),
        among(col(Refund.state), (RefundState.PENDING, RefundState.REQUIRES_ACTION)),
    )
    .values(due_at=func.now() + _until_then)
)

# Never back in time: what is decided stays decided, and an answer to an earlier question changes nothing but decides. A
# question of the future was asked by another server's clock, before a failover: it keeps no answer out. An inquiry that
# was closed may become a dispute all the same.
_dispute = insert(Dispute)
_fresh = _dispute.excluded
_decided: list[Any] = [literal_column(f"'{status}'") for status in DECIDED]
_is_decided, _decides = col(Dispute.status).in_(_decided), _fresh.status.in_(_decided)
_is_closed_inquiry, _is_inquiry = col(Dispute.status) == "warning_closed", _fresh.status.startswith("warning")
_was_asked_later = and_(
    col(Dispute.asked_at) > _fresh.asked_at,
    col(Dispute.asked_at) <= func.clock_timestamp(),
)


class KnownDispute(NamedTuple):
    id: str
    status: str


DISPUTES_OF_PAYMENT = Query(
    KnownDispute,
    select(col(Dispute.id), col(Dispute.status)).where(
        col(Dispute.payment_id) == bindparam("payment_id", type_=Uuid)
    ),
)
PUT_DISPUTE = _dispute.on_conflict_do_update(
    index_elements=["id"],
    set_={
        "status": _fresh.status,
        "amount": _fresh.amount,
        "reason": _fresh.reason,
        "due_by": _fresh.due_by,
        "asked_at": _fresh.asked_at,
        "updated_at": func.now(),
    },
    where=or_(
        and_(~_is_decided, or_(_decides, ~_was_asked_later)),
        and_(_decides, ~_was_asked_later),
        and_(_is_closed_inquiry, ~_is_inquiry, ~_was_asked_later),
    ),
).returning(col(Dispute.id))
