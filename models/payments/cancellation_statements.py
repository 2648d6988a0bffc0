"""The statements that close an order together with its live payment."""

from sqlalchemy import Uuid, bindparam, func, select, update
from sqlmodel import col

from models.base import among
from models.orders.tables import Order, OrderStatus
from models.payments.tables import LIVE, Payment

LIVE_PAYMENT = select(col(Payment.id), col(Payment.state), col(Payment.intent_id)).where(
    col(Payment.order_id) == bindparam("order_id", type_=Uuid), among(col(Payment.state), LIVE)
)
LOCK_LIVE_PAYMENT = LIVE_PAYMENT.with_for_update()

CLOSE_PAYMENT = (
    update(Payment)
    .where(col(Payment.id) == bindparam("payment_id", type_=Uuid))
    .values(state=bindparam("to_state"), cause=bindparam("to_cause"), lease_until=None, updated_at=func.now())
)
CLOSE_ORDER = (
    update(Order)
    .where(col(Order.id) == bindparam("order_id", type_=Uuid), col(Order.status) == OrderStatus.PENDING.value)
    .values(status=OrderStatus.CANCELED.value, updated_at=func.now())
)
