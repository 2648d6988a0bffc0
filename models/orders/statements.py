"""The statements over orders, built once. An order, its total and its items come in one round trip."""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert
from sqlmodel import SQLModel, col

from models.orders.tables import Order, OrderItem, order_total
from models.payments.tables import LOOK_PAUSE_SECONDS, Payment, PaymentTransition
from models.products.tables import Product
from models.refunds.tables import Dispute, Refund

NOTHING: ColumnElement[Any] = literal_column("'[]'::json", JSON)


def _list(row: ColumnElement[Any], of: Any, *, is_owner: Any, outer: type[SQLModel]) -> Any:
    """A JSON array of `row`s, in the order of `of`, of what belongs to the row of `outer`."""
    return (
        select(func.coalesce(func.json_agg(aggregate_order_by(row, of)), NOTHING))
        .where(is_owner)
        .correlate(outer)
        .scalar_subquery()
    )


_items = _list(
    func.json_build_array(
        col(OrderItem.product_id),
        col(OrderItem.product_name),
        col(OrderItem.unit_amount),
        col(OrderItem.quantity),
    ),
    col(OrderItem.position),
    is_owner=col(OrderItem.order_id) == col(Order.id),
    outer=Order,
)
_refunds = _list(
    func.json_build_array(
        col(Refund.id),
        col(Refund.state),
        col(Refund.cause),
        col(Refund.amount),
        col(Refund.reason),
        col(Refund.created_at),
    ),
    col(Refund.created_at),
    is_owner=col(Refund.payment_id) == col(Payment.id),
    outer=Payment,
)
_disputes = _list(
    func.json_build_array(
        col(Dispute.id),
        col(Dispute.status),
        col(Dispute.reason),
        col(Dispute.amount),
        col(Dispute.created_at),
    ),
    col(Dispute.created_at),
    is_owner=col(Dispute.payment_id) == col(Payment.id),
    outer=Payment,
)
_history = _list(
    func.json_build_array(
        col(PaymentTransition.from_state),
        col(PaymentTransition.to_state),
        col(PaymentTransition.cause),
        col(PaymentTransition.at),
    ),
    col(PaymentTransition.id),
    is_owner=col(PaymentTransition.payment_id) == col(Payment.id),
    outer=Payment,
)
_payments = _list(
    func.json_build_array(
        col(Payment.id),
        col(Payment.state),
        col(Payment.disposition),
        col(Payment.amount),
        col(Payment.amount_received),
        col(Payment.currency),
        col(Payment.intent_id),
        col(Payment.created_at),
        col(Payment.looked_at) < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, LOOK_PAUSE_SECONDS),
        _refunds,
        _disputes,
        _history,
    ),
    col(Payment.created_at),
    is_owner=col(Payment.order_id) == col(Order.id),
    outer=Order,
)
_orders = select(
    col(Order.id),
    col(Order.status),
    col(Order.currency),
    col(Order.created_at),
    col(Order.updated_at),
    order_total.label("total"),
    _items.label("items"),
    _payments.label("payments"),
)
_of_user = col(Order.user_id) == bindparam("user_id", type_=Text)

ORDER = _orders.where(
    col(Order.id) == bindparam("order_id", type_=Uuid),
    or_(_of_user, bindparam("is_merchant", type_=Boolean)),
)
ORDER_BY_KEY = _orders.where(_of_user, col(Order.idempotency_key) == bindparam("idempotency_key", type_=Text))

_newest_first = (
    _orders.where(_of_user)
    .order_by(col(Order.created_at).desc(), col(Order.id).desc())
    .limit(bindparam("limit"))
)
_older = tuple_(col(Order.created_at), col(Order.id)) < tuple_(
    bindparam("before", type_=DateTime(timezone=True)), bindparam("before_id", type_=Uuid)
)
_with_status = col(Order.status) == bindparam("status", type_=Text)

ORDERS = _newest_first
ORDERS_AFTER = _newest_first.where(_older)
ORDERS_WITH_STATUS = _newest_first.where(_with_status)
ORDERS_WITH_STATUS_AFTER = _newest_first.where(_with_status, _older)

ADD_ORDER = (
    insert(Order)
    .on_conflict_do_nothing(index_elements=["user_id", "idempotency_key"])
    .returning(col(Order.id), col(Order.created_at), col(Order.updated_at))
)
ADD_ITEMS = insert(OrderItem)

PRICES = select(
    col(Product.id), col(Product.name), col(Product.unit_amount), col(Product.currency), col(Product.active)
).where(col(Product.id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
