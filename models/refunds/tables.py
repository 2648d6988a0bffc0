"""Refunds and disputes: what goes back to the customer, by our hand, by Stripe's dashboard, or by their bank."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.base import LARGEST_AMOUNT, database_time, minor_units, one_of


class RefundState(StrEnum):
    """`creating` is ours: recorded, and Stripe has not answered yet. The others are Stripe's words."""

    CREATING = "creating"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class RefundCause(StrEnum):
    MERCHANT = "merchant"
    DUPLICATE = "duplicate"
    LATE = "late"
    DASHBOARD = "dashboard"


AUTOMATIC = (RefundCause.DUPLICATE, RefundCause.LATE)  # nobody asked for them
ENDED = (RefundState.FAILED, RefundState.CANCELED)  # and gave nothing back

# What stands in `failure_code` of a refund that Stripe refused for now: it is tried again.
FORBIDDEN, BALANCE_INSUFFICIENT = "forbidden", "balance_insufficient"
# Of one that was not made, since the dashboard gave back as much while it waited.
MADE_BY_HAND = "made_by_hand"
# What a case says instead, of one that Stripe neither made nor refused. By then it was tried for about an hour: ten
# times by each sweep, then after the pauses of POSTPONE_REFUND. For two, where each try waits for another key.
DELAYED, TOLD_AFTER_TRIES = "delayed", 15


class Refund(SQLModel, table=True):
    """Money that goes back, recorded before Stripe hears of it. `amount` is minor units of the payment's currency.

    Its id is made from the intent and the client's key, so that the same wish is the same refund also in a restored
    database. `attempt` is part of the idempotency key: it grows only after Stripe refused, or after a look at Stripe's
    list showed, some time after the last request, that the key before it made no refund. `key_until` is until when
    Stripe is asked under that key: Stripe forgets it, or answers it with an error for ever. `due_at` is when it is
    tried or looked at again, `tries` how often it failed. `failure_code` and `failure_message` are Stripe's. `reason`
    and `note` are the shop's own; `customer_message` is what the customer reads.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("state", RefundState, "refunds_state_known"),
        one_of("cause", RefundCause, "refunds_cause_known"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="refunds_amount_in_range"),
        CheckConstraint("attempt > 0", name="refunds_attempt_positive"),
        CheckConstraint(
            "stripe_refund_id IS NOT NULL OR state IN ('creating', 'failed')",
            name="refunds_id_known_when_made",
        ),
        ForeignKeyConstraint(["payment_id"], ["payments.id"], name="refunds_of_a_payment"),
        Index("refunds_by_payment", "payment_id", "created_at"),
        Index("refunds_ended", "payment_id", postgresql_where=text("state IN ('failed', 'canceled')")),
        Index("refunds_by_time", "created_at"),
        Index("refunds_stripe_refund_id", "stripe_refund_id", unique=True),
        Index("refunds_client_key", "payment_id", "client_key", unique=True),
        Index(
            "refunds_one_automatic_per_payment",
            "payment_id",
            unique=True,
            postgresql_where=text("cause IN ('duplicate', 'late')"),
        ),
        Index(
            "refunds_due",
            "due_at",
            postgresql_where=text("state IN ('creating', 'pending', 'requires_action')"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    payment_id: UUID
    state: str
    cause: str
    amount: int = minor_units()
    reason: str | None = None
    client_key: str | None = None
    requested_by: str | None = None
    attempt: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    stripe_refund_id: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    note: str | None = None
    customer_message: str | None = None
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime = database_time()
    lease_until: datetime | None = None
    key_until: datetime | None = None
    created_at: datetime = database_time()
    updated_at: datetime = database_time()
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # counted by a trigger


class Dispute(SQLModel, table=True):
    """A customer's bank asks for the money back. `amount` is minor units of the payment's currency.

    `due_by`: until when Stripe takes evidence; null when there is nothing to send. `asked_at` is when Stripe was asked
    for what is here: an answer to an earlier question changes nothing.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint(f"amount BETWEEN 0 AND {LARGEST_AMOUNT}", name="disputes_amount_in_range"),
        ForeignKeyConstraint(["payment_id"], ["payments.id"], name="disputes_of_a_payment"),
        Index("disputes_by_payment", "payment_id"),
        Index("disputes_by_time", "created_at"),
        Index(
            "disputes_open",
            "payment_id",
            postgresql_where=text("status NOT IN ('lost', 'won', 'warning_closed', 'prevented')"),
        ),
    )

    id: str = Field(primary_key=True)
    payment_id: UUID
    amount: int = minor_units()
    status: str
    reason: str
    due_by: datetime | None = None
    asked_at: datetime = database_time()
    created_at: datetime
    updated_at: datetime = database_time()
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # counted by a trigger
