"""Stripe's webhook events: which were received and which are finished. Payloads hold secrets and stay out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Interval, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col

from models.base import database_time


class StripeEvent(SQLModel, table=True):
    """An event by its id, type and the object it is about; what it says is asked of Stripe anew."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        CheckConstraint("id ~ '^evt_[A-Za-z0-9_]+$'", name="stripe_events_id_is_stripes"),
        CheckConstraint("attempts >= 0", name="stripe_events_attempts_not_negative"),
        Index("stripe_events_due", "due_at", postgresql_where=text("finished_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    type: str
    object_id: str
    created_at: datetime
    received_at: datetime = database_time()
    due_at: datetime = database_time()
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    failure: str | None = None
    finished_at: datetime | None = None


_unfinished = col(StripeEvent.finished_at).is_(None)

# A redelivery of an unfinished event makes it due at once; of a finished one, it changes nothing.
STORE_EVENT = (
    insert(StripeEvent)
    .on_conflict_do_update(index_elements=["id"], set_={"due_at": func.now()}, where=_unfinished)
    .returning(col(StripeEvent.id))
)

_due = (
    select(col(StripeEvent.id))
    .where(_unfinished, col(StripeEvent.due_at) <= func.now())
    .order_by(col(StripeEvent.due_at))
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    .cte("due")
)

# Takes events for `lease`: a worker that dies leaves them due again when it has passed.
TAKE_DUE_EVENTS = (
    update(StripeEvent)
    .where(col(StripeEvent.id) == _due.c.id)
    .values(due_at=func.now() + bindparam("lease", type_=Interval), attempts=StripeEvent.attempts + 1)
    .returning(
        col(StripeEvent.id), col(StripeEvent.type), col(StripeEvent.object_id), col(StripeEvent.attempts)
    )
)

FINISH_EVENT = (
    update(StripeEvent)
    .where(col(StripeEvent.id) == bindparam("event_id"), _unfinished)
    .values(finished_at=func.now(), failure=None)
)
POSTPONE_EVENT = (
    update(StripeEvent)
    .where(col(StripeEvent.id) == bindparam("event_id"), _unfinished)
    .values(due_at=func.now() + bindparam("delay", type_=Interval), failure=bindparam("failure"))
)
