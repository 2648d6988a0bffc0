"""Declined cards, counted against card testing: thieves try stolen cards by the hundred on one order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from models.base import database_time

MOST_OF_ORDER = 10  # declines within `WINDOW_SECONDS`
MOST_OF_USER = 30
WINDOW_SECONDS = 3_600


class Decline(SQLModel, table=True):
    """One declined attempt to pay, from one event of Stripe's; `user_id` is null for a guest's order."""

    __tablename__ = "declines"
    __table_args__ = (
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="declines_of_an_order", ondelete="CASCADE"),
        Index("declines_by_order", "order_id", "at"),
        Index("declines_by_user", "user_id", "at"),
        Index("declines_by_age", "at"),
    )

    event_id: str = Field(primary_key=True)
    order_id: UUID
    user_id: str | None = None
    at: datetime = database_time()
