"""The statements that close an order together with its live payment."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, cast, func, select, tuple_, update
from sqlmodel import col

from models.base import among
from models.orders.tables import Order, OrderStatus
from models.payments.tables import LIVE, Disposition, Payment
from models.refunds.sums import still_here
from runtime.database.statements import Query


class LivePaymentRow(NamedTuple):
    id: UUID
    state: str
    intent_id: str | None


_live_payment = select(col(Payment.id), col(Payment.state), col(Payment.intent_id)).where(
    col(Payment.order_id) == bindparam("order_id", type_=Uuid), among(col(Payment.state), LIVE)
)
LIVE_PAYMENT = Query(LivePaymentRow, _live_payment)
LOCK_LIVE_PAYMENT = Query(LivePaymentRow, _live_payment.with_for_update())

CLOSE_PAYMENT = (
    update(Payment)
    .where(col(Payment.id) == bindparam("payment_id", type_=Uuid))
    .values(state=bindparam("to_state"), cause=bindparam("to_cause"), lease_until=None, updated_at=func.now())
)
CLOSE_ORDER = (
    update(Order)
    .where(col(Order.id) == bindparam("order_id", type_=Uuid), col(Order.status) == OrderStatus.PENDING.value)
    .values(
        status=OrderStatus.CANCELED.value,
        cancel_reason=bindparam("reason", type_=Text),
        canceled_by=bindparam("canceled_by", type_=Text),
        canceled_at=func.now(),
        updated_at=func.now(),
    )
)
# Money that settled a pending order, or waits for a decision: somebody set its status by hand. Read under the order's
# lock.
WAITING_MONEY = select(col(Payment.id)).where(
    col(Payment.order_id) == bindparam("order_id", type_=Uuid),
    among(col(Payment.disposition), (Disposition.SETTLED, Disposition.MISMATCH)),
    still_here(Payment) > 0,
)
_is_pending = col(Order.status) == OrderStatus.PENDING.value
_has_expired = col(Order.expires_at) <= func.now()
# Read under the order's lock: its time may have been set anew.
IS_EXPIRED = select(col(Order.id)).where(
    col(Order.id) == bindparam("order_id", type_=Uuid), _is_pending, _has_expired
)


class ExpiredOrderRow(NamedTuple):
    id: UUID
    expires_at: datetime


EXPIRED_ORDERS = Query(
    ExpiredOrderRow,
    select(col(Order.id), col(Order.expires_at))
    .where(
        _is_pending,
        _has_expired,
        tuple_(col(Order.expires_at), col(Order.id))
        > tuple_(
            cast(bindparam("since", type_=Text), DateTime(timezone=True)), bindparam("after_id", type_=Uuid)
        ),
    )
    .order_by(col(Order.expires_at), col(Order.id))
    .limit(bindparam("limit")),
)
