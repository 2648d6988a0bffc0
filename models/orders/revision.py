"""What tells which of two reads of an order is the newer one."""

from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlmodel import col

from models.orders.tables import Order
from models.payments.tables import Payment
from models.refunds.tables import Dispute, Refund


def _revisions(row: type[Payment | Refund | Dispute], *of: Any) -> Any:
    """How often rows of an order were written, the first time included."""
    return select(func.coalesce(func.sum(col(row.revision)), 0)).where(*of).correlate(Order).scalar_subquery()


_of_order = col(Payment.order_id) == col(Order.id)
# Rows are never deleted, and each counts up: of two moments the later one has the larger sum, if anything was changed.
order_revision = cast(
    col(Order.revision)
    + _revisions(Payment, _of_order)
    + _revisions(Refund, _of_order, col(Refund.payment_id) == col(Payment.id))
    + _revisions(Dispute, _of_order, col(Dispute.payment_id) == col(Payment.id)),
    Integer,
)
