"""What happened to orders, for the shop: one row an event, written by triggers in the transaction of the change.

Whichever path changes an order, plain SQL too, leaves its event. It gets its place in the feed (`position`) once it is
committed, so that no reader ever passes one that commits late.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Identity, Index, text
from sqlmodel import Field, SQLModel

from models.base import database_time, one_of


class EventType(StrEnum):
    ORDER_PAID = "order_paid"
    ORDER_CANCELED = "order_canceled"
    ORDER_REVIEW = "order_review"
    ORDER_REFUNDED = "order_refunded"
    ORDER_UPDATED = "order_updated"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    ATTENTION_NEEDED = "attention_needed"


UNPUBLISHED = text("position IS NULL")


class ShopEvent(SQLModel, table=True):
    """One event. `order_status` and `order_version` are the order's, as the event's transaction left them.

    `order_revision` is the order's when the event got its place: null before, and for events of before 0027.

    `subject_id` is the refund, dispute or case that it is about; empty when it is about the order itself.
    `transaction_id` is PostgreSQL's: several changes of one order in one transaction are one event of each type.
    `written` is the order in which events were written, `position` their place in the feed, in which they became
    visible; null until then. `published_at` is when.
    """

    __tablename__ = "shop_events"
    __table_args__ = (
        one_of("type", EventType, "shop_events_type_known"),
        Index(
            "shop_events_once_a_transaction",
            "order_id",
            "type",
            "subject_id",
            "transaction_id",
            unique=True,
            postgresql_where=UNPUBLISHED,
        ),
        Index("shop_events_unpublished", "written", postgresql_where=UNPUBLISHED),
        Index("shop_events_position", "position", unique=True),
        Index("shop_events_by_type", "type", "position"),
        Index("shop_events_by_order", "order_id", "position"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    type: str
    order_id: UUID | None = None
    subject_id: str
    order_status: str | None = None
    order_version: int | None = None
    order_revision: int | None = None
    transaction_id: int = Field(sa_type=BigInteger)
    written: int | None = Field(
        default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False
    )
    position: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = database_time()
    published_at: datetime | None = None
