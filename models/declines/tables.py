"""Declined cards, counted against card testing: thieves try stolen cards by the hundred on one order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.base import database_time

MOST_OF_ORDER = 10  # declines within `WINDOW_SECONDS`
MOST_OF_USER = 30
MOST_OF_ADDRESS = 100  # many honest customers stand behind one: an office, a school, a mobile network
WINDOW_SECONDS = 3_600


class Decline(SQLModel, table=True):
    """One declined attempt to pay, from one event of Stripe's.

    `user_id` is null for a guest's order; `address` where no trusted proxy told whom the intent was made for.
    """

    __tablename__ = "declines"
    __table_args__ = (
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="declines_of_an_order", ondelete="CASCADE"),
        Index("declines_by_order", "order_id", "at"),
        Index("declines_by_user", "user_id", "at"),
        Index("declines_by_address", "address", "at", postgresql_where=text("address IS NOT NULL")),
        Index("declines_by_age", "at"),
    )

    event_id: str = Field(primary_key=True)
    order_id: UUID
    user_id: str | None = None
    address: str | None = None
    at: datetime = database_time()


class PayerAddress(SQLModel, table=True):
    """For whom an order's last intent was made; an address of IPv4, or a network of IPv6.

    Written only where a trusted proxy vouches for it, and deleted after a day.
    """

    __tablename__ = "payer_addresses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="payer_addresses_of_an_order", ondelete="CASCADE"
        ),
        Index("payer_addresses_by_age", "at"),
    )

    order_id: UUID = Field(primary_key=True)
    address: str
    at: datetime = database_time()
