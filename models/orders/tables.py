"""Orders and what is in them. The total is never stored: it is price × quantity, added up where it is asked for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, cast, text
from sqlmodel import Field, SQLModel, col, func, select

from models.base import LARGEST_AMOUNT, database_time, minor_units, one_of

LARGEST_QUANTITY = 100_000
LARGEST_BIGINT = 2**63 - 1


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELED = "canceled"
    REVIEW = "review"


class Order(SQLModel, table=True):
    """What a customer wants to buy, in one currency.

    `version` grows with every change of the items (the database sees to it), so that a repricing at Stripe
    gets an idempotency key of its own even when a total comes back to an earlier amount.
    """

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus, "orders_status_known"),
        CheckConstraint("user_id <> ''", name="orders_user_id_not_empty"),
        CheckConstraint("version > 0", name="orders_version_positive"),
        ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="orders_currency_supported"),
        Index("orders_idempotency_key", "user_id", "idempotency_key", unique=True),
        Index("orders_by_user", "user_id", "created_at", "id"),
        Index("orders_by_user_and_status", "user_id", "status", "created_at", "id"),
        Index("orders_pending", "id", postgresql_where=text("status = 'pending'")),
        Index("orders_in_review", "id", postgresql_where=text("status = 'review'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: str
    status: str = Field(default=OrderStatus.PENDING, sa_column_kwargs={"server_default": OrderStatus.PENDING})
    currency: str
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    idempotency_key: str | None = None
    created_at: datetime = database_time()
    updated_at: datetime = database_time()


class OrderItem(SQLModel, table=True):
    """A line of an order: the product's name and price as they were when it was ordered, minor units."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {LARGEST_QUANTITY}", name="order_items_quantity_in_range"),
        CheckConstraint(
            f"unit_amount BETWEEN 0 AND {LARGEST_AMOUNT}", name="order_items_unit_amount_in_range"
        ),
        CheckConstraint("position >= 0", name="order_items_position_not_negative"),
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="order_items_of_an_order", ondelete="CASCADE"),
        ForeignKeyConstraint(["product_id"], ["products.id"], name="order_items_of_a_product"),
    )

    order_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    product_id: UUID
    product_name: str
    unit_amount: int = minor_units()
    quantity: int


# A sum beyond 64 bits can't be charged anyway: it is cut off there instead of failing the statement.
order_total = (
    select(
        cast(
            func.least(
                func.coalesce(func.sum(OrderItem.unit_amount * OrderItem.quantity), 0), LARGEST_BIGINT
            ),
            BigInteger,
        )
    )
    .where(col(OrderItem.order_id) == col(Order.id))
    .correlate(Order)
    .scalar_subquery()
)
