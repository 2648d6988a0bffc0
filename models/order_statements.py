"""The statements over orders, built once. An order, its total and its items come in one round trip."""

from sqlalchemy import JSON, DateTime, Text, Uuid, any_, bindparam, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert
from sqlmodel import col

from models.orders import Order, OrderItem, order_total
from models.products import Product

_line = func.json_build_array(
    col(OrderItem.product_id),
    col(OrderItem.product_name),
    col(OrderItem.unit_amount),
    col(OrderItem.quantity),
)
_items = (
    select(func.coalesce(func.json_agg(aggregate_order_by(_line, col(OrderItem.position))), cast("[]", JSON)))
    .where(col(OrderItem.order_id) == col(Order.id))
    .correlate(Order)
    .scalar_subquery()
)
_orders = select(
    col(Order.id),
    col(Order.status),
    col(Order.currency),
    col(Order.created_at),
    col(Order.updated_at),
    order_total.label("total"),
    _items.label("items"),
)
_of_user = col(Order.user_id) == bindparam("user_id", type_=Text)

ORDER_OF_USER = _orders.where(col(Order.id) == bindparam("order_id", type_=Uuid), _of_user)
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
