"""What only a person can decide: one row a case, opened once, closed by the facts or by a person."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.base import database_time, one_of

LONGEST_NOTE = 500


class AttentionKind(StrEnum):
    ORDER_IN_REVIEW = "order_in_review"
    REFUND_FAILED = "refund_failed"
    REFUND_FORBIDDEN = "refund_forbidden"
    DISPUTE_OPEN = "dispute_open"
    AUTHORIZATION_LAPSES = "authorization_lapses"
    MONEY_WITHOUT_ORDER = "money_without_order"
    EVENT_UNFINISHED = "event_unfinished"
    KEY_LACKS_PERMISSION = "key_lacks_permission"
    WEBHOOK_DISABLED = "webhook_disabled"
    STRIPE_ACCOUNT_CHANGED = "stripe_account_changed"


class AttentionSubject(StrEnum):
    """What a case is about. `NONE`: a condition of the whole installation, such as a key that lacks a permission."""

    ORDER = "order"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    EVENT = "event"
    NONE = "none"


# What a person has closed about an order's money stays closed. A condition of the installation that is still there
# is opened anew, and so is whatever the facts had closed.
STANDS = text("closed_at IS NULL OR (closed_by IS NOT NULL AND subject <> 'none')")
IS_OPEN = text("closed_at IS NULL")
# What nobody decided. A person's word about an order's money, such as that a refund was made in another way, holds for
# ever, so it stays as long as the order.
IS_FORGETTABLE = text("closed_at IS NOT NULL AND (closed_by IS NULL OR subject = 'none')")


class AttentionCase(SQLModel, table=True):
    """`subject_id` is the id of what it is about: ours, or Stripe's for intents, disputes and events.

    `message` says what happened and what to do. `closed_by` is the person who closed it; null for the facts.
    """

    __tablename__ = "attention"
    __table_args__ = (
        one_of("kind", AttentionKind, "attention_kind_known"),
        one_of("subject", AttentionSubject, "attention_subject_known"),
        CheckConstraint("message <> ''", name="attention_message_not_empty"),
        CheckConstraint("closed_by IS NULL OR closed_at IS NOT NULL", name="attention_closed_by_when_closed"),
        CheckConstraint(f"length(note) <= {LONGEST_NOTE}", name="attention_note_in_range"),
        ForeignKeyConstraint(["order_id"], ["orders.id"], name="attention_of_an_order", ondelete="CASCADE"),
        Index("attention_opened_once", "kind", "subject", "subject_id", unique=True, postgresql_where=STANDS),
        Index("attention_open", "opened_at", "id", postgresql_where=IS_OPEN),
        Index("attention_closed", "opened_at", "id", postgresql_where=text("closed_at IS NOT NULL")),
        Index("attention_forgettable", "closed_at", postgresql_where=IS_FORGETTABLE),
        Index("attention_by_order", "order_id"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: str
    subject: str
    subject_id: str
    order_id: UUID | None = None
    missing_order_id: UUID | None = None  # of money whose order is not here: no reference
    message: str
    due_by: datetime | None = None
    opened_at: datetime = database_time()
    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None
