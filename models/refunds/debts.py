"""What a payment's failed refunds still owe: a refund that fails twice owes its money once. Minor units, as SQL.

Whatever was ever asked for together was promised: the most that refunds asked for at one time, less what they ask for
now, is still owed. So a refund after a failure makes up for it first. When a person closes the case, all that is owed
then was given back in another way; when they accept the money for its order, it is owed no more. Counting begins anew.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    Uuid,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.attention.tables import AttentionCase, AttentionSubject
from models.base import among
from models.payments.tables import GOES_BACK
from models.refunds.given_up import OF_REFUNDS
from models.refunds.tables import ENDED, MADE_BY_HAND, Refund
from models.reviews.tables import Review, ReviewDecision

_asked, _ended, _told = (
    aliased(Refund, name="asked_once"),
    aliased(Refund, name="ended_once"),
    aliased(Refund, name="told_once"),
)
# Of the row of `payments` that the statement around reads: a subquery in FROM can't name its table.
_this_payment = literal_column("payments.id", Uuid)
_order_of_this_payment = literal_column("payments.order_id", Uuid)
_stays_with_its_order = literal_column("payments.disposition", Text).not_in(
    [literal_column(f"'{disposition.value}'") for disposition in GOES_BACK]
)
_no: Any = literal_column("0", Integer)
_once: Any = literal_column("1", Integer)
# What happens at one moment, in this order: only what follows a failure makes up for it.
_first, _second, _third = (literal_column(number, Integer) for number in "012")


def _words(refund: Any) -> tuple[ColumnElement[bool], ...]:
    """The cases of a refund that a person closed."""
    return (
        among(col(AttentionCase.kind), OF_REFUNDS),
        among(col(AttentionCase.subject), (AttentionSubject.REFUND,)),
        col(AttentionCase.subject_id) == cast(col(refund.id), Text),
        col(AttentionCase.closed_by).is_not(None),
    )


def _was_made_by_hand(refund: Any) -> ColumnElement[bool]:
    """As if it had never been asked for: the dashboard's is there in its place."""
    return func.coalesce(col(refund.failure_code) == literal_column(f"'{MADE_BY_HAND}'"), false())


def _dropped(refund: Any) -> Any:
    """A person said that it need not be made, before it ended: it stands for money that went back in another way."""
    return select(col(AttentionCase.id)).where(
        *_words(refund), col(AttentionCase.closed_at) <= refund.updated_at
    )


def _events() -> FromClause:
    """What changed of how much was asked for, and what a person said. `is_back`: it went back in another way."""
    asked: Any = select(
        col(_asked.created_at).label("at"),
        _first.label("turn"),
        col(_asked.amount).label("change"),
        _no.label("word"),
        _no.label("is_back"),
    ).where(col(_asked.payment_id) == _this_payment, ~_was_made_by_hand(_asked))
    ended: Any = select(
        func.greatest(col(_ended.updated_at), col(_ended.created_at)), _second, -col(_ended.amount), _no, _no
    ).where(
        col(_ended.payment_id) == _this_payment,
        among(col(_ended.state), ENDED),
        ~_dropped(_ended).exists(),
        ~_was_made_by_hand(_ended),
    )
    told: Any = (
        select(col(AttentionCase.closed_at), _third, _no, _once, _once)
        .join(_told, and_(*_words(_told)))
        .where(col(_told.payment_id) == _this_payment, col(AttentionCase.closed_at) > col(_told.updated_at))
    )
    accepted: Any = select(col(Review.decided_at), _third, _no, _once, _no).where(
        col(Review.order_id) == _order_of_this_payment,
        _stays_with_its_order,
        among(col(Review.decision), (ReviewDecision.ACCEPT,)),
    )
    return union_all(asked, ended, told, accepted).subquery("happened")


def _history() -> FromClause:
    """One row for each event: what was asked for after it, and the most since a person's last word."""
    events = _events()
    order = (events.c.at, events.c.turn)
    steps = select(
        events.c.change,
        events.c.word,
        events.c.is_back,
        func.sum(events.c.change).over(order_by=order, rows=(None, 0)).label("here"),
        func.coalesce(func.sum(events.c.word).over(order_by=order, rows=(None, -1)), 0).label("period"),
        func.sum(events.c.change).over().label("now"),
        func.sum(events.c.word).over().label("words"),
    ).subquery("step")
    most = func.max(func.greatest(steps.c.here, steps.c.here - steps.c.change))
    return select(
        steps.c.is_back,
        steps.c.here,
        steps.c.period,
        steps.c.now,
        steps.c.words,
        most.over(partition_by=steps.c.period).label("most"),
    ).subquery("history")


def _owed() -> ColumnElement[int]:
    """By refunds that failed, and for which nothing else went back or is under way."""
    history = _history()
    return (
        select(func.coalesce(func.max(history.c.most - history.c.now), 0))
        .where(history.c.period == history.c.words)
        .scalar_subquery()
    )


def _given_up() -> ColumnElement[int]:
    """What went back in another way, by a person's word."""
    history = _history()
    told = (
        select(func.coalesce(func.sum(history.c.most - history.c.here), 0))
        .where(history.c.is_back == 1)
        .scalar_subquery()
    )
    dropped = aliased(Refund, name="dropped")
    never_made = (
        select(func.coalesce(func.sum(col(dropped.amount)), 0))
        .where(
            col(dropped.payment_id) == _this_payment,
            among(col(dropped.state), ENDED),
            _dropped(dropped).exists(),
        )
        .scalar_subquery()
    )
    return told + never_made


OWED, GIVEN_UP = _owed(), _given_up()
_failed = aliased(Refund, name="failed_once")
_any_failed = exists().where(col(_failed.payment_id) == _this_payment, among(col(_failed.state), ENDED))
# The same, and next to nothing for the payments of which no refund failed.
GIVEN_UP_IF_ANY = case((_any_failed, cast(GIVEN_UP, BigInteger)), else_=cast(_no, BigInteger))
