"""What a person decided about an order in review."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from models.base import database_time, one_of


class ReviewDecision(StrEnum):
    ACCEPT = "accept"
    REFUND = "refund"


class Review(SQLModel, table=True):
    """One decision, found again by its `idempotency_key`. `note` is for the shop alone."""

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("decision", ReviewDecision, "reviews_decision_known"),
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="reviews_of_an_order", ondelete="CASCADE"),
        Index("reviews_idempotency_key", "idempotency_key", unique=True),
        Index("reviews_by_order", "order_id"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    order_id: UUID
    idempotency_key: str
    decision: str
    note: str
    decided_by: str
    decided_at: datetime = database_time()
