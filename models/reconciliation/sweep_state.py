"""What the sweep remembers: how its steps went, which items failed, and which parts of Stripe's lists are unread."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    Boolean,
    DateTime,
    Index,
    Integer,
    Interval,
    Text,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, SQLModel, col

from models.base import database_time
from models.payments.installation import Installation
from models.payments.tables import Payment
from models.reconciliation.leases import Lease
from runtime.database.statements import Query

UNKNOWN_TO_STRIPE = "unknown to Stripe"  # the failure of an item that Stripe answers 404 about
SET_ASIDE = "its turn has not come"  # of an item that waits for the first attempt
FROM_LISTS = "list of intents"  # the step whose items nothing but sweep_retries remembers


class SweepStep(SQLModel, table=True):
    """How a step went. `last_whole_at` is when its last run began that came to its end.

    `milliseconds` is how long the last run took, `cursor` where the next one goes on.
    """

    __tablename__ = "sweep_steps"

    name: str = Field(primary_key=True)
    cursor: str | None = None
    last_whole_at: datetime | None = None
    last_run_at: datetime = database_time()
    milliseconds: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class SweepRetry(SQLModel, table=True):
    """One item of a step that is not done, and when it is tried again. Gone once it was.

    One with no attempts yet was set aside before its turn came: nothing else may remember it.
    """

    __tablename__ = "sweep_retries"
    __table_args__ = (Index("sweep_retries_by_item", "item"),)

    step: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    attempts: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    failure: str
    first_failed_at: datetime = database_time()
    due_at: datetime


class SweepWindow(SQLModel, table=True):
    """A part of one of Stripe's lists that is not read to its end, from `until` down to `since`.

    `after` is the last id that was read, None at the beginning.
    """

    __tablename__ = "sweep_windows"

    list_name: str = Field(primary_key=True)
    until: datetime = Field(primary_key=True)
    since: datetime
    after: str | None = None


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)


_moment = DateTime(timezone=True)
_this_step = col(SweepStep.name) == _text("step")


class StepCursor(NamedTuple):
    cursor: str | None


STEP_CURSOR = Query(StepCursor, select(col(SweepStep.cursor)).where(_this_step))
_kept = insert(SweepStep).values(name=_text("step"), cursor=_text("cursor"))
KEEP_CURSOR = _kept.on_conflict_do_update(index_elements=["name"], set_={"cursor": _kept.excluded.cursor})
# When it began, by the clock that its age is told by.
_milliseconds = bindparam("milliseconds", type_=Integer)
_began = func.now() - _milliseconds.op("*", precedence=8)(
    literal_column("interval '1 millisecond'", Interval)
)
_ended = insert(SweepStep).values(
    name=_text("step"),
    last_run_at=_began,
    last_whole_at=case((bindparam("is_whole", type_=Boolean), _began)),
    milliseconds=_milliseconds,
)
END_STEP = _ended.on_conflict_do_update(
    index_elements=["name"],
    set_={
        "last_run_at": _ended.excluded.last_run_at,
        "last_whole_at": func.coalesce(_ended.excluded.last_whole_at, SweepStep.last_whole_at),
        "milliseconds": _ended.excluded.milliseconds,
    },
)


class StepAge(NamedTuple):
    """`age` is seconds since it last came to its end."""

    name: str
    milliseconds: int
    age: int


STEPS = Query(
    StepAge,
    select(
        col(SweepStep.name),
        col(SweepStep.milliseconds),
        cast(func.extract("epoch", func.now() - col(SweepStep.last_whole_at)), Integer).label("age"),
    ).where(col(SweepStep.last_whole_at).is_not(None)),
)

# ---- Items that failed

_of_step = col(SweepRetry.step) == _text("step")
_item = col(SweepRetry.item) == _text("item")


class RetryRow(NamedTuple):
    item: str
    waits: bool


RETRIES = Query(
    RetryRow,
    select(col(SweepRetry.item), (col(SweepRetry.due_at) > func.now()).label("waits"))
    .where(_of_step)
    .order_by(col(SweepRetry.due_at))
    .limit(bindparam("limit", type_=Integer)),
)
_half_a_minute = literal_column("interval '30 seconds'", Interval)
_longest = literal_column("interval '30 minutes'", Interval)
_failed = insert(SweepRetry).values(
    step=_text("step"), item=_text("item"), failure=_text("failure"), due_at=func.now() + _half_a_minute
)
# Items that are remembered before anything is done for them, so that neither the end of a budget nor of the process
# loses one. The place in the list may move on.
_set_aside = (
    select(
        _text("step").label("step"),
        func.unnest(bindparam("items", type_=ARRAY(Text))).label("item"),
    )
).subquery()
SET_ITEMS_ASIDE = (
    insert(SweepRetry)
    .from_select(
        ["step", "item", "attempts", "failure", "due_at"],
        select(
            _set_aside.c.step, _set_aside.c.item, literal(0, Integer), literal(SET_ASIDE, Text), func.now()
        ),
    )
    .on_conflict_do_nothing()
)


class Attempts(NamedTuple):
    """`is_old`: the first was an hour ago."""

    attempts: int
    is_old: bool


# Half a minute, one, two, four …, half an hour: eight attempts in an hour.
RECORD_FAILURE = Query(
    Attempts,
    _failed.on_conflict_do_update(
        index_elements=["step", "item"],
        set_={
            "attempts": SweepRetry.attempts + 1,
            "failure": _failed.excluded.failure,
            "first_failed_at": case(
                (col(SweepRetry.attempts) == 0, func.now()), else_=SweepRetry.first_failed_at
            ),
            "due_at": func.now()
            + func.least(
                _half_a_minute.op("*", precedence=8)(func.power(2, func.least(SweepRetry.attempts, 10))),
                _longest,
            ),
        },
    ).returning(
        col(SweepRetry.attempts),
        (col(SweepRetry.first_failed_at) < func.now() - literal_column("interval '1 hour'", Interval)).label(
            "is_old"
        ),
    ),
)
FORGET_FAILURE = delete(SweepRetry).where(_of_step, _item)
# Stripe is back: everything is tried again at once. What failed for the first time since it answered last is not held
# against the item; what had failed before keeps its attempts, or an outage now and then would hide a sick item.
STRIPE = "stripe"  # a row beside the steps' own: `cursor` says that Stripe is away, `last_run_at` when it answered last
_answered_last = (
    select(col(SweepStep.last_run_at)).where(col(SweepStep.name) == literal(STRIPE, Text)).scalar_subquery()
)
RETRY_ALL_NOW = update(SweepRetry).values(
    due_at=func.now(),
    attempts=case(
        (col(SweepRetry.first_failed_at) >= _answered_last, func.least(SweepRetry.attempts, 1)),
        else_=SweepRetry.attempts,
    ),
)
_answered = insert(SweepStep).values(name=literal(STRIPE, Text), last_run_at=func.now())
STRIPE_ANSWERED = _answered.on_conflict_do_update(
    index_elements=["name"], set_={"cursor": None, "last_run_at": func.now()}
)
# Items that were dealt with in another way are not seen again. Intents of Stripe's list stay until they are done: the
# list itself is read once.
FORGET_OLD_FAILURES = delete(SweepRetry).where(
    or_(col(SweepRetry.step) != FROM_LISTS, col(SweepRetry.item).not_like("pi\\_%")),
    col(SweepRetry.due_at) < func.now() - literal_column("interval '2 days'", Interval),
)
FORGET_UNKNOWN_TO_STRIPE = delete(SweepRetry).where(col(SweepRetry.failure) == UNKNOWN_TO_STRIPE)

# ---- Stripe's lists

_of_list = col(SweepWindow.list_name) == _text("of_list")
ADD_WINDOW = insert(SweepWindow).on_conflict_do_nothing()


class WindowRow(NamedTuple):
    until: datetime
    since: datetime
    after: str | None


# The youngest first: what a customer waits for stands there.
WINDOWS = Query(
    WindowRow,
    select(col(SweepWindow.until), col(SweepWindow.since), col(SweepWindow.after))
    .where(_of_list)
    .order_by(col(SweepWindow.until).desc()),
)
_this_window = (_of_list, col(SweepWindow.until) == bindparam("until_moment", type_=_moment))
MOVE_WINDOW = update(SweepWindow).where(*_this_window).values(after=_text("after_id"))
END_WINDOW = delete(SweepWindow).where(*_this_window)


class UnbegunWindow(NamedTuple):
    since: datetime


# A row if nothing of it was read.
TAKE_BACK_UNBEGUN = Query(
    UnbegunWindow,
    delete(SweepWindow)
    .where(*_this_window, col(SweepWindow.after).is_(None))
    .returning(col(SweepWindow.since)),
)

# Where reading begins when a list was never read: where the sweep of the version before came to; else with this
# installation, or thirty days ago, as far as Stripe goes back, when there are payments from before it had an id. As an
# age, since the lists go by Stripe's clock.
_older = exists().where(col(Payment.created_at) < col(Installation.made_at))


class FirstAge(NamedTuple):
    """Below zero where our clock was set back since."""

    age: timedelta


FIRST_AGE = Query(
    FirstAge,
    select(
        (
            func.now()
            - func.coalesce(
                select(col(Lease.done_until)).where(col(Lease.name) == "sweep").scalar_subquery(),
                func.greatest(
                    func.now() - literal_column("interval '30 days'", Interval),
                    func.coalesce(
                        select(col(Installation.made_at)).where(~_older).scalar_subquery(),
                        cast(literal("-infinity", Text), _moment),
                    ),
                ),
            )
        ).label("age")
    ),
)
