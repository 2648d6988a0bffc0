"""Stripe's webhook events: which were received and which are finished. Payloads hold secrets and stay out."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    CTE,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    Interval,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, SQLModel, col

from models.base import database_time
from models.payments.tables import Payment
from models.refunds.tables import Dispute, Refund
from runtime.database.statements import Query

MOST_ATTEMPTS = 15  # after an hour and a quarter of them an event rests


class StripeEvent(SQLModel, table=True):
    """An event by its id, type and the object it is about; what it says is asked of Stripe anew.

    `object_id` is an intent's; of a thin event also a refund's, dispute's or charge's. An event that could not be
    finished in `MOST_ATTEMPTS` rests: its `due_at` is infinity, a person is called, and it is tried now and then.
    """

    __tablename__ = "stripe_events"
    __table_args__ = (
        CheckConstraint("id ~ '^evt_[A-Za-z0-9_]+$'", name="stripe_events_id_is_stripes"),
        CheckConstraint("attempts >= 0", name="stripe_events_attempts_not_negative"),
        Index("stripe_events_due", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("stripe_events_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
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
_never = literal("infinity", DateTime(timezone=True))
_limit = bindparam("limit", type_=Integer)
_age = cast(bindparam("age"), Interval)

# A redelivery of an unfinished event makes it due at once, also when it rests; of a finished one, it changes nothing.
STORE_EVENT = (
    insert(StripeEvent)
    .on_conflict_do_update(
        index_elements=["id"],
        set_={"due_at": func.now(), "attempts": func.least(StripeEvent.attempts, MOST_ATTEMPTS - 1)},
        where=_unfinished,
    )
    .returning(col(StripeEvent.id))
)
# One of Stripe's list: a row when it is new. One that is here has a due time of its own.
STORE_MISSED_EVENT = insert(StripeEvent).on_conflict_do_nothing().returning(col(StripeEvent.id))

_due = (
    select(col(StripeEvent.id))
    .where(_unfinished, col(StripeEvent.due_at) <= func.now(), col(StripeEvent.attempts) < MOST_ATTEMPTS)
    .order_by(col(StripeEvent.due_at))
    .limit(_limit)
    .with_for_update(skip_locked=True)
    .cte("due")
)


class DueEvent(NamedTuple):
    id: str
    type: str
    object_id: str
    attempts: int


def _taking(which: CTE) -> Query[DueEvent]:
    """Takes events for `lease`: a worker that dies leaves them due again when it has passed."""
    return Query(
        DueEvent,
        update(StripeEvent)
        .where(col(StripeEvent.id) == which.c.id)
        .values(due_at=func.now() + bindparam("lease", type_=Interval), attempts=StripeEvent.attempts + 1)
        .returning(
            col(StripeEvent.id), col(StripeEvent.type), col(StripeEvent.object_id), col(StripeEvent.attempts)
        ),
    )


TAKE_DUE_EVENTS = _taking(_due)

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


class RestingEvent(NamedTuple):
    id: str
    type: str
    object_id: str
    failure: str | None


# Those that were tried often enough; also one whose worker died each time.
REST_EVENTS = Query(
    RestingEvent,
    update(StripeEvent)
    .where(_unfinished, col(StripeEvent.attempts) >= MOST_ATTEMPTS, col(StripeEvent.due_at) <= func.now())
    .values(due_at=_never)
    .returning(
        col(StripeEvent.id), col(StripeEvent.type), col(StripeEvent.object_id), col(StripeEvent.failure)
    ),
)
# A few in each sweep, all in turn; those that fail rest again afterwards.
_next_at_rest = (
    select(col(StripeEvent.id))
    .where(_unfinished, col(StripeEvent.due_at) == _never, col(StripeEvent.id) > bindparam("behind_id"))
    .order_by(col(StripeEvent.id))
    .limit(_limit)
    .with_for_update(skip_locked=True)
    .cte("next_at_rest")
)
TAKE_RESTING_EVENTS = _taking(_next_at_rest)
# Stripe is back: what failed since it was away is due, with all its attempts.
REVIVE_EVENTS = (
    update(StripeEvent)
    .where(_unfinished, col(StripeEvent.failure) == any_(bindparam("failures", type_=ARRAY(Text))))
    .values(due_at=func.now(), attempts=0)
)

# What the key may not read: one event of a kind is tried in each sweep though it rests, and once one is finished, all.
_of_kind = (
    _unfinished,
    col(StripeEvent.failure) == any_(bindparam("failures", type_=ARRAY(Text))),
    col(StripeEvent.type).like(any_(bindparam("prefixes", type_=ARRAY(Text)))),
)
_first_at_rest = (
    select(col(StripeEvent.id))
    .where(*_of_kind, col(StripeEvent.due_at) == _never)
    .order_by(col(StripeEvent.received_at))
    .limit(1)
    .scalar_subquery()
)
TRY_ONE_OF_KIND = (
    update(StripeEvent)
    .where(col(StripeEvent.id) == _first_at_rest)
    .values(due_at=func.now(), attempts=MOST_ATTEMPTS - 1)
)
REVIVE_KIND = update(StripeEvent).where(*_of_kind).values(due_at=func.now(), attempts=0, failure=None)

# A thin event names a refund, dispute or charge: the intent of those that we have.
_object_id = bindparam("object_id", type_=Text)


class IntentOfObject(NamedTuple):
    intent_id: str | None


INTENT_OF_OBJECT = Query(
    IntentOfObject,
    union_all(
        select(col(Payment.intent_id))
        .join(Refund, col(Refund.payment_id) == col(Payment.id))
        .where(col(Refund.stripe_refund_id) == _object_id),
        select(col(Payment.intent_id))
        .join(Dispute, col(Dispute.payment_id) == col(Payment.id))
        .where(col(Dispute.id) == _object_id),
    ),
)

_old = (
    select(col(StripeEvent.id))
    .where(col(StripeEvent.finished_at) < func.now() - _age)
    .order_by(col(StripeEvent.finished_at))
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_rested_long = (
    select(col(StripeEvent.id))
    .where(
        _unfinished,
        col(StripeEvent.attempts) >= MOST_ATTEMPTS,
        col(StripeEvent.received_at) < func.now() - _age,
    )
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
# ARRAY, since a join with so many would read the whole table.
DELETE_FINISHED_EVENTS = (
    delete(StripeEvent)
    .where(col(StripeEvent.id) == any_(func.array(_old.scalar_subquery())))
    .returning(col(StripeEvent.id))
)
# Stripe itself forgets an event after thirty days.
DELETE_RESTING_EVENTS = (
    delete(StripeEvent)
    .where(col(StripeEvent.id) == any_(func.array(_rested_long.scalar_subquery())))
    .returning(col(StripeEvent.id))
)
