"""Payments: one row per PaymentIntent that we asked Stripe for, and the statements that move it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import LARGEST_AMOUNT, counted_minor_units, database_time, minor_units, one_of


class PaymentState(StrEnum):
    CREATING = "creating"
    OPEN = "open"
    PROCESSING = "processing"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"
    ABANDONED = "abandoned"


GIVEN_UP = (PaymentState.FAILED, PaymentState.ABANDONED)  # Stripe may have made an intent all the same
LIVE = (PaymentState.CREATING, PaymentState.OPEN, PaymentState.PROCESSING, PaymentState.CANCELING)
PAYABLE = (PaymentState.OPEN, PaymentState.PROCESSING)
IS_PAYABLE = text("state IN ('open', 'processing')")
IS_LIVE = text("state IN ('creating', 'open', 'processing', 'canceling')")
IS_SETTLED = text("disposition = 'settled'")


class Disposition(StrEnum):
    """What a succeeded payment is to its order."""

    SETTLED = "settled"
    DUPLICATE = "duplicate"
    LATE = "late"
    MISMATCH = "mismatch"


GOES_BACK = (Disposition.DUPLICATE, Disposition.LATE)  # by itself, with nobody's decision


class Payment(SQLModel, table=True):
    """One PaymentIntent, recorded before Stripe hears of it. It never holds a client secret.

    `amount` and `amount_received` are minor units of `currency`. While `lease_until` lies ahead, somebody is
    calling Stripe for this payment; once it has passed, anybody may take over. `looked_at` is when Stripe was last
    asked how the intent stands. `authorized_at` is when it was first seen to wait for a capture. `stripe_parameters`
    are what Stripe was asked for besides amount and currency, for replays; null when an earlier version recorded it.
    `installation_id` is the id that the database had when it was recorded: in a copy, most payments name the original.
    `owed` is what refunds of it that failed still owe, `given_up` what went back in another way by a person's word:
    minor units, counted by triggers when one of them changes (migration 0036 says how).
    """

    __tablename__ = "payments"
    __table_args__ = (
        one_of("state", PaymentState, "payments_state_known"),
        one_of("disposition", Disposition, "payments_disposition_known"),
        CheckConstraint(f"amount BETWEEN 1 AND {LARGEST_AMOUNT}", name="payments_amount_in_range"),
        CheckConstraint("amount_received >= 0", name="payments_amount_received_not_negative"),
        CheckConstraint(
            "(disposition IS NOT NULL) = (state = 'succeeded')", name="payments_disposition_when_succeeded"
        ),
        CheckConstraint(
            "intent_id IS NOT NULL OR state IN ('creating', 'failed', 'abandoned')",
            name="payments_intent_known_when_open",
        ),
        CheckConstraint("intent_id ~ '^pi_[A-Za-z0-9]+$'", name="payments_intent_id_is_no_secret"),
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="payments_of_an_order"),
        ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="payments_currency_supported"),
        Index("payments_one_live_per_order", "order_id", unique=True, postgresql_where=IS_LIVE),
        Index("payments_one_settled_per_order", "order_id", unique=True, postgresql_where=IS_SETTLED),
        Index("payments_idempotency_key", "idempotency_key", unique=True),
        Index("payments_intent_id", "intent_id", unique=True),
        Index("payments_by_order", "order_id", "created_at"),
        Index("payments_payable", "created_at", postgresql_where=IS_PAYABLE),
        Index("payments_processing", "order_id", postgresql_where=text("state = 'processing'")),
        Index("payments_canceling", "order_id", postgresql_where=text("state = 'canceling'")),
        Index("payments_mismatched", "order_id", postgresql_where=text("disposition = 'mismatch'")),
        Index("payments_owing", "order_id", postgresql_where=text("owed > 0")),
        Index(
            "payments_authorized",
            "order_id",
            postgresql_where=text("state = 'processing' AND authorized_at IS NOT NULL"),
        ),
        Index("payments_unanswered", "created_at", postgresql_where=text("state = 'creating'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    order_id: UUID
    installation_id: UUID  # named by a trigger
    state: str
    disposition: str | None = None
    idempotency_key: str
    intent_id: str | None = None
    amount: int = minor_units()
    currency: str
    order_version: int
    stripe_parameters: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    amount_received: int = minor_units(default=0, sa_column_kwargs={"server_default": "0"})
    owed: int = counted_minor_units()
    given_up: int = counted_minor_units()
    failure_code: str | None = None
    cause: str
    lease_until: datetime | None = None
    looked_at: datetime = database_time()
    authorized_at: datetime | None = None
    created_at: datetime = database_time()
    updated_at: datetime = database_time()
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # counted by a trigger


class PaymentTransition(SQLModel, table=True):
    """One change of a payment's state. Written by a trigger, changed by nothing: replayed, they give the present."""

    __tablename__ = "payment_transitions"
    __table_args__ = (
        one_of("from_state", PaymentState, "payment_transitions_from_state_known"),
        one_of("to_state", PaymentState, "payment_transitions_to_state_known"),
        ForeignKeyConstraint(["payment_id"], ["payments.id"], name="payment_transitions_of_a_payment"),
        Index("payment_transitions_by_payment", "payment_id", "id"),
        Index(
            "payment_transitions_received",
            "at",
            "payment_id",
            postgresql_where=text("to_state = 'succeeded'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    payment_id: UUID
    from_state: str | None
    to_state: str
    cause: str
    at: datetime = database_time()
