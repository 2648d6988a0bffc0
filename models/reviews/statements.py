"""The statements that decide about an order in review."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.orders.tables import OrderItem, OrderLineKind
from models.reviews.tables import Review
from runtime.database.statements import Query

ADD_REVIEW = (
    insert(Review).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(col(Review.id))
)


class ReviewRow(NamedTuple):
    id: UUID
    order_id: UUID
    decision: str


REVIEW_BY_KEY = Query(
    ReviewRow,
    select(col(Review.id), col(Review.order_id), col(Review.decision)).where(
        col(Review.idempotency_key) == bindparam("idempotency_key", type_=Text)
    ),
)

# `adjustment` is minor units: what the total lacks, negative where it is too large. The last line of its order.
_order_id = bindparam("adjusted_order", type_=Uuid)
ADD_ADJUSTMENT = insert(OrderItem).from_select(
    ["order_id", "position", "kind", "product_name", "unit_amount", "quantity"],
    select(
        _order_id,
        select(func.coalesce(func.max(col(OrderItem.position)), -1) + 1)
        .where(col(OrderItem.order_id) == _order_id)
        .scalar_subquery(),
        literal(OrderLineKind.ADJUSTMENT.value, Text),
        literal("Adjustment to what was received", Text),
        bindparam("adjustment", type_=BigInteger),
        literal(1),
    ),
    include_defaults=False,
)
