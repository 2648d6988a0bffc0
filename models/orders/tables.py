"""Orders and what is in them. The total is never stored: it is price × quantity, added up where it is asked for."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, case, cast, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, func, select

from models.base import LARGEST_AMOUNT, among, database_time, minor_units, one_of

LARGEST_QUANTITY = 100_000
LARGEST_BIGINT = 2**63 - 1


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELED = "canceled"
    REVIEW = "review"


class CancelReason(StrEnum):
    """Who or what canceled an order."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    EXPIRED = "expired"


class OrderLineKind(StrEnum):
    """What a line of an order is. Discounts and credits take away; all others add."""

    PRODUCT = "product"
    SHIPPING = "shipping"
    TAX = "tax"
    FEE = "fee"
    TIP = "tip"
    DISCOUNT = "discount"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"


TAKES_AWAY = (OrderLineKind.DISCOUNT, OrderLineKind.CREDIT)


class Order(SQLModel, table=True):
    """What a customer wants to buy, in one currency.

    It was placed here (`createOrder`) or by the shop's own system (`importOrder`): then `reference` is the shop's own
    number of it, and `user_id` is null for an order that only a checkout token opens. `import_digest` tells whether
    the same import comes again, or the same createOrder by its `idempotency_key`. `expires_at` is when an unpaid order
    is canceled by itself.

    `canceled_by` is the id of who canceled it (`Principal.id`), None for one that expired.

    `reopened` is true once it was pending, something else, and pending again; `refunded_by_hand` while its status says
    that money went back which is still here, since somebody set it so by SQL.

    `version` grows with every change of the items (the database sees to it), so that a repricing at Stripe
    gets an idempotency key of its own even when a total comes back to an earlier amount.
    """

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus, "orders_status_known"),
        one_of("cancel_reason", CancelReason, "orders_cancel_reason_known"),
        CheckConstraint("user_id <> ''", name="orders_user_id_not_empty"),
        CheckConstraint("reference <> ''", name="orders_reference_not_empty"),
        CheckConstraint("version > 0", name="orders_version_positive"),
        ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="orders_currency_supported"),
        Index("orders_idempotency_key", "user_id", "idempotency_key", unique=True),
        Index("orders_by_user", "user_id", "created_at", "id"),
        Index("orders_by_user_and_status", "user_id", "status", "created_at", "id"),
        Index("orders_pending", "id", postgresql_where=text("status = 'pending'")),
        Index("orders_reopened", "id", postgresql_where=text("status = 'pending' AND reopened")),
        Index("orders_in_review", "id", postgresql_where=text("status = 'review'")),
        Index("orders_refunded_by_hand", "id", postgresql_where=text("refunded_by_hand")),
        Index(
            "orders_canceled_by_hand",
            "id",
            postgresql_where=text("status = 'canceled' AND cancel_reason IS NULL"),
        ),
        Index("orders_reference", "reference", unique=True),
        Index("orders_newest", "created_at", "id"),
        Index("orders_by_status", "status", "created_at", "id"),
        Index("orders_by_update", "updated_at"),
        Index(
            "orders_by_receipt_email",
            "receipt_email",
            "created_at",
            "id",
            postgresql_where=text("receipt_email IS NOT NULL"),
        ),
        Index(
            "orders_expiring",
            "expires_at",
            postgresql_where=text("status = 'pending' AND expires_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: str | None = None
    status: str = Field(default=OrderStatus.PENDING, sa_column_kwargs={"server_default": OrderStatus.PENDING})
    currency: str
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    idempotency_key: str | None = None
    reference: str | None = None
    receipt_email: str | None = None
    expires_at: datetime | None = None
    cancel_reason: str | None = None
    canceled_by: str | None = None
    canceled_at: datetime | None = None
    shop_metadata: dict[str, Any] = Field(
        default=None, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"}
    )
    import_digest: str | None = None
    created_at: datetime = database_time()
    updated_at: datetime = database_time()
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # counted by a trigger
    # Both are set by triggers.
    reopened: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    refunded_by_hand: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class OrderItem(SQLModel, table=True):
    """A line of an order: its name and price as they were when it was ordered, minor units.

    `product_id` is the product of the catalogue here that it was, if it was one; `reference` is the shop's own id of
    the line: a SKU, a voucher's code. `unit_amount` is never negative, since `kind` says which way it counts; only the
    adjustment that accepts a payment of less than the total is.
    """

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {LARGEST_QUANTITY}", name="order_items_quantity_in_range"),
        CheckConstraint(
            f"unit_amount BETWEEN -{LARGEST_AMOUNT} AND {LARGEST_AMOUNT}"
            " AND (unit_amount >= 0 OR kind = 'adjustment')",
            name="order_items_unit_amount_in_range",
        ),
        one_of("kind", OrderLineKind, "order_items_kind_known"),
        CheckConstraint(
            "product_id IS NULL OR kind = 'product'", name="order_items_only_products_of_catalogue"
        ),
        CheckConstraint("position >= 0", name="order_items_position_not_negative"),
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="order_items_of_an_order", ondelete="CASCADE"),
        ForeignKeyConstraint(["product_id"], ["products.id"], name="order_items_of_a_product"),
    )

    order_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: str = Field(
        default=OrderLineKind.PRODUCT, sa_column_kwargs={"server_default": OrderLineKind.PRODUCT}
    )
    product_id: UUID | None = None
    reference: str | None = None
    product_name: str
    unit_amount: int = minor_units()
    quantity: int


# A line's amount as it counts towards the total.
_counted = case(
    (among(col(OrderItem.kind), TAKES_AWAY), -col(OrderItem.unit_amount) * col(OrderItem.quantity)),
    else_=col(OrderItem.unit_amount) * col(OrderItem.quantity),
)

# A sum beyond 64 bits can't be charged anyway: it is cut off there instead of failing the statement.
# It is read in a statement of its own once the order is locked: one that waits for the lock has an old snapshot.
order_total = (
    select(
        cast(
            func.least(func.coalesce(func.sum(_counted), 0), LARGEST_BIGINT),
            BigInteger,
        )
    )
    .where(col(OrderItem.order_id) == col(Order.id))
    .correlate(Order)
    .scalar_subquery()
)
