"""What a person decided about an order in review."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKeyConstraint, Index, Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col

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


ADD_REVIEW = (
    insert(Review).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(col(Review.id))
)
REVIEW_BY_KEY = select(col(Review.id), col(Review.order_id), col(Review.decision)).where(
    col(Review.idempotency_key) == bindparam("idempotency_key", type_=Text)
)
