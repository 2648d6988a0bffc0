"""The statements over refunds and disputes."""

from sqlalchemy import Boolean, Interval, Text, Uuid, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import among
from models.orders.tables import Order
from models.payments.tables import Disposition, Payment, PaymentState
from models.refunds.sums import MADE, RESERVED
from models.refunds.tables import Dispute, Refund, RefundCause, RefundState

AUTOMATIC = (RefundCause.DUPLICATE, RefundCause.LATE)

_other = aliased(Refund, name="other")
_this_refund = col(Refund.id) == bindparam("refund_id", type_=Uuid)
_of_payment = col(Refund.payment_id) == bindparam("payment_id", type_=Uuid)

ORDER_STATUS = select(col(Order.status)).where(
    col(Order.id) == bindparam("order_id", type_=Uuid),
    or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),
)

# The payment whose money a merchant gives back: the one that settled the order, or the mismatch under review.
REFUNDABLE_PAYMENT = (
    select(col(Payment.id), col(Payment.amount_received), col(Payment.currency))
    .where(
        col(Payment.order_id) == bindparam("order_id", type_=Uuid),
        col(Payment.state) == PaymentState.SUCCEEDED.value,
        among(col(Payment.disposition), (Disposition.SETTLED, Disposition.MISMATCH)),
    )
    .order_by(col(Payment.disposition).desc(), col(Payment.created_at))
    .limit(1)
    .with_for_update()
)
RESERVED_AMOUNT = select(func.coalesce(func.sum(col(Refund.amount)), 0)).where(
    _of_payment, among(col(Refund.state), RESERVED)
)
MADE_AMOUNT = select(func.coalesce(func.sum(col(Refund.amount)), 0)).where(
    _of_payment, among(col(Refund.state), MADE)
)
REFUND_BY_CLIENT_KEY = select(Refund).where(_of_payment, col(Refund.client_key) == bindparam("client_key"))
REFUND = select(Refund).where(_this_refund)
REFUNDS_OF_PAYMENT = select(Refund).where(_of_payment)
ADD_REFUND = insert(Refund).returning(col(Refund.id))
ADD_AUTOMATIC_REFUND = insert(Refund).on_conflict_do_nothing().returning(col(Refund.id))

# Who carries out a refund: nobody else while the lease lasts.
TAKE_REFUND = (
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.CREATING.value,
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
        col(Payment.id) == col(Refund.payment_id),
    )
    .values(lease_until=func.now() + bindparam("lease", type_=Interval), updated_at=func.now())
    .returning(
        col(Refund.id),
        col(Refund.amount),
        col(Refund.reason),
        col(Refund.attempt),
        (col(Refund.created_at) < func.now() - bindparam("key_lifetime", type_=Interval)).label(
            "key_expired"
        ),
        col(Payment.order_id),
        col(Payment.intent_id),
    )
)
END_REFUND_LEASE = update(Refund).where(_this_refund).values(lease_until=None)
NEXT_ATTEMPT = (
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.CREATING.value,
        col(Refund.attempt) == bindparam("tried"),
    )
    .values(
        attempt=Refund.attempt + 1,
        lease_until=func.now() + bindparam("lease", type_=Interval),
        updated_at=func.now(),
    )
    .returning(col(Refund.id))
)
FAIL_REFUND = (
    update(Refund)
    .where(_this_refund, col(Refund.state) == RefundState.CREATING.value)
    .values(
        state=RefundState.FAILED.value,
        failure_code=bindparam("code"),
        lease_until=None,
        updated_at=func.now(),
    )
)
# A person says that the money went back in another way; not while somebody asks Stripe for it.
GIVE_UP_REFUND = (
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.CREATING.value,
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
    )
    .values(state=RefundState.FAILED.value, lease_until=None, updated_at=func.now())
    .returning(col(Refund.id))
)
_made = (
    select(func.coalesce(func.sum(col(_other.amount)), 0))
    .where(col(_other.payment_id) == col(Refund.payment_id), among(col(_other.state), MADE))
    .scalar_subquery()
)
# What is left of owed money, where others gave back a part while ours was refused: under a key that asks for this.
TRY_THE_REST = (
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.FAILED.value,
        col(Refund.stripe_refund_id).is_(None),
        among(col(Refund.cause), AUTOMATIC),
        col(Payment.id) == col(Refund.payment_id),
        col(Payment.amount_received) - _made < col(Refund.amount),
        col(Payment.amount_received) > _made,
    )
    .values(
        state=RefundState.CREATING.value,
        amount=col(Payment.amount_received) - _made,
        attempt=Refund.attempt + 1,
        failure_code=None,
        updated_at=func.now(),
    )
    .returning(col(Refund.id))
)
SET_REFUND = (
    update(Refund)
    .where(_this_refund)
    .values(
        state=bindparam("to_state"),
        stripe_refund_id=bindparam("to_stripe_id"),
        failure_code=bindparam("to_failure_code"),
        lease_until=None,
        updated_at=func.now(),
    )
)
PAYMENT_WITH_INTENT = select(
    col(Payment.id), col(Payment.order_id), col(Payment.disposition), col(Payment.amount_received)
).where(col(Payment.intent_id) == bindparam("intent_id", type_=Text))

OWED_REFUND = (
    select(col(Refund.id))
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        col(Payment.intent_id) == bindparam("intent_id", type_=Text),
        col(Refund.state) == RefundState.CREATING.value,
        among(col(Refund.cause), AUTOMATIC),
    )
)

UNFINISHED_REFUNDS = (
    select(col(Refund.id), col(Refund.state), col(Payment.intent_id))
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        among(col(Refund.state), (RefundState.CREATING, RefundState.PENDING, RefundState.REQUIRES_ACTION)),
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
    )
    .order_by(col(Refund.updated_at))
    .limit(bindparam("limit"))
)

_dispute = insert(Dispute)
PUT_DISPUTE = _dispute.on_conflict_do_update(
    index_elements=["id"],
    set_={"status": _dispute.excluded.status, "amount": _dispute.excluded.amount, "updated_at": func.now()},
)
