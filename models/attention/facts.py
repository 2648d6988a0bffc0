"""The facts that call for a person, read from the tables of orders, payments, refunds and disputes.

Each kind of case has one SELECT. It opens cases, over everything in the sweep and for one order in the transaction
that changes its money, and it closes them when a fact is gone. In a copied database the original's money opens no case.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    FromClause,
    Integer,
    Interval,
    Select,
    Text,
    Update,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.attention.dispute_facts import LOST_CASE, OPEN_DISPUTES, WON_CASE, is_still_without_place
from models.attention.fact import FactRow, fact_of
from models.attention.tables import AttentionCase, AttentionKind, AttentionSubject
from models.base import among
from models.orders.tables import Order, OrderStatus
from models.payments.installation import is_recorded_here, recorded_here
from models.payments.tables import Disposition, Payment, PaymentState
from models.reconciliation.sweep_state import SweepRetry
from models.refunds.given_up import is_given_up
from models.refunds.sums import MADE, given_back, still_here, taken_by_banks
from models.refunds.tables import (
    BALANCE_INSUFFICIENT,
    DELAYED,
    ENDED,
    FORBIDDEN,
    MADE_BY_HAND,
    TOLD_AFTER_TRIES,
    Refund,
    RefundState,
)
from models.stripe_events.tables import StripeEvent
from runtime.database.statements import Query

# Stripe holds most authorizations for seven days; a person has to act before.
AUTHORIZATION_HELD = literal_column("interval '6 days'", Interval)

is_waiting_money = (
    col(Payment.state) == PaymentState.SUCCEEDED.value,
    among(col(Payment.disposition), (Disposition.MISMATCH,)),
    still_here(Payment) > col(Payment.given_up),
)

# Money that is neither settled nor returned, whatever its order's status was set to.
WAITING_MONEY = (
    fact_of(
        AttentionKind.ORDER_IN_REVIEW,
        AttentionSubject.PAYMENT,
        col(Payment.id),
        order_id=col(Payment.order_id),
        intent_id=col(Payment.intent_id),
        amount=still_here(Payment),
        currency=col(Payment.currency),
        word=col(Order.status),
        received=col(Payment.amount_received),
    )
    .join(Order, col(Order.id) == col(Payment.order_id))
    .where(*is_waiting_money, is_recorded_here)
)

# Money that settled an order which was set to another status since: set back to pending, it can't be paid again and is
# not handed over; set to canceled or refunded, it is not handed over, and its money is here.
SET_BACK, SET_TO = "set back", "set to "
_settled = aliased(Payment, name="settled")


def _settled_and(word: ColumnElement[str], *where: ColumnExpressionArgument[bool]) -> Select[Any]:
    return (
        fact_of(
            AttentionKind.ORDER_IN_REVIEW,
            AttentionSubject.PAYMENT,
            col(_settled.id),
            order_id=col(_settled.order_id),
            intent_id=col(_settled.intent_id),
            amount=still_here(_settled),
            currency=col(_settled.currency),
            word=word,
            received=col(_settled.amount_received),
        )
        .join(Order, col(Order.id) == col(_settled.order_id))
        .where(
            among(col(_settled.disposition), (Disposition.SETTLED,)),
            still_here(_settled) > 0,
            recorded_here(_settled),
            *where,
        )
    )


_set_to = literal(SET_TO, Text) + col(Order.status)
SETTLED_AND_PENDING = _settled_and(
    literal(SET_BACK, Text), among(col(Order.status), (OrderStatus.PENDING,)), col(Order.reopened)
)
SETTLED_AND_CANCELED = _settled_and(
    _set_to, among(col(Order.status), (OrderStatus.CANCELED,)), col(Order.cancel_reason).is_(None)
)
SETTLED_AND_REFUNDED = _settled_and(
    _set_to,
    col(Order.refunded_by_hand),
    or_(among(col(Order.status), (OrderStatus.REFUNDED,)), given_back(_settled.id) == 0),
)

# An order that is in review for another reason.
IN_REVIEW = fact_of(
    AttentionKind.ORDER_IN_REVIEW,
    AttentionSubject.ORDER,
    col(Order.id),
    order_id=col(Order.id),
    currency=col(Order.currency),
    word=col(Order.status),
).where(
    col(Order.status) == OrderStatus.REVIEW.value,
    ~exists().where(col(Payment.order_id) == col(Order.id), *is_waiting_money),
)

_later, _newer = aliased(Refund, name="later"), aliased(Refund, name="newer")
# One case for all failed refunds of a payment: about the last of them, and what is still owed.
_is_last_failure = ~exists().where(
    col(_newer.payment_id) == col(Refund.payment_id),
    among(col(_newer.state), ENDED),
    col(_newer.failure_code).is_distinct_from(MADE_BY_HAND),
    ~is_given_up(_newer),
    tuple_(col(_newer.updated_at), col(_newer.id)) > tuple_(col(Refund.updated_at), col(Refund.id)),
)
# Stripe tells when a refund was made, and not when it failed. So one that was made before its failure was heard of came
# before that, or makes up for it; and a bank that took money perhaps took this.
PERHAPS_MADE_UP_FOR = "perhaps made up for: "
_is_perhaps_made_up_for = or_(
    exists().where(
        col(_later.payment_id) == col(Refund.payment_id),
        col(_later.id) != col(Refund.id),
        among(col(_later.state), MADE),
        col(_later.created_at).between(col(Refund.created_at), col(Refund.updated_at)),
    ),
    taken_by_banks(Payment.id) > 0,
)
_refund = {
    "order_id": col(Payment.order_id),
    "intent_id": col(Payment.intent_id),
    "amount": col(Refund.amount),
    "currency": col(Payment.currency),
    "word": col(Refund.failure_code),
    "sentence": col(Refund.failure_message),
}
FAILED_REFUNDS = (
    fact_of(
        AttentionKind.REFUND_FAILED,
        AttentionSubject.REFUND,
        col(Refund.id),
        **{
            **_refund,
            "amount": func.least(col(Payment.owed), still_here(Payment)),
            "word": func.concat(
                case((_is_perhaps_made_up_for, PERHAPS_MADE_UP_FOR)), col(Refund.failure_code)
            ),
        },
    )
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        among(col(Refund.state), ENDED),
        col(Refund.failure_code).is_distinct_from(MADE_BY_HAND),
        is_recorded_here,
        ~is_given_up(Refund),
        _is_last_failure,
        still_here(Payment) > 0,
        col(Payment.owed) > 0,
    )
)

_creating = col(Refund.state) == RefundState.CREATING.value
# Whatever keeps a refund from being made: Stripe's balance at once, anything else after about an hour.
_why = func.coalesce(col(Refund.failure_code), literal(DELAYED, Text))
POSTPONED_REFUNDS = (
    fact_of(AttentionKind.REFUND_FAILED, AttentionSubject.REFUND, col(Refund.id), **{**_refund, "word": _why})
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(
        is_recorded_here,
        _creating,
        _why != FORBIDDEN,
        or_(_why == BALANCE_INSUFFICIENT, col(Refund.tries) >= TOLD_AFTER_TRIES),
    )
)
# `MADE_CASE`: a person said that its money went back in another way, and Stripe made it all the same, of a request from
# before. Opened when Stripe tells of it.
MADE_CASE, MADE_AFTER_ALL = "/made", "made after all"
REFUND_MADE_AFTER_ALL = Query(
    FactRow,
    fact_of(
        AttentionKind.REFUND_FAILED,
        AttentionSubject.REFUND,
        cast(col(Refund.id), Text) + MADE_CASE,
        **{**_refund, "word": literal(MADE_AFTER_ALL, Text)},
    )
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(col(Refund.id) == bindparam("refund_id", type_=Uuid), is_recorded_here, is_given_up(Refund)),
)
FORBIDDEN_REFUNDS = (
    fact_of(AttentionKind.REFUND_FORBIDDEN, AttentionSubject.REFUND, col(Refund.id), **_refund)
    .join(Payment, col(Payment.id) == col(Refund.payment_id))
    .where(is_recorded_here, _creating, col(Refund.failure_code) == FORBIDDEN)
)

AUTHORIZATIONS = fact_of(
    AttentionKind.AUTHORIZATION_LAPSES,
    AttentionSubject.PAYMENT,
    col(Payment.id),
    order_id=col(Payment.order_id),
    intent_id=col(Payment.intent_id),
    amount=col(Payment.amount),
    currency=col(Payment.currency),
    due_by=col(Payment.authorized_at) + AUTHORIZATION_HELD,
).where(
    is_recorded_here,
    col(Payment.state) == PaymentState.PROCESSING.value,
    col(Payment.authorized_at).is_not(None),
)


# What opens by itself and what the facts close again.
FACTS: dict[AttentionKind, tuple[Select[Any], ...]] = {
    AttentionKind.ORDER_IN_REVIEW: (
        WAITING_MONEY,
        SETTLED_AND_PENDING,
        SETTLED_AND_CANCELED,
        SETTLED_AND_REFUNDED,
        IN_REVIEW,
    ),
    AttentionKind.REFUND_FAILED: (FAILED_REFUNDS, POSTPONED_REFUNDS),
    AttentionKind.REFUND_FORBIDDEN: (FORBIDDEN_REFUNDS,),
    AttentionKind.DISPUTE_OPEN: (OPEN_DISPUTES,),
    AttentionKind.AUTHORIZATION_LAPSES: (AUTHORIZATIONS,),
}

_case_stands = or_(
    col(AttentionCase.closed_at).is_(None),
    and_(
        col(AttentionCase.closed_by).is_not(None),
        col(AttentionCase.subject) != AttentionSubject.NONE.value,
    ),
)


def _together(kinds: Iterable[AttentionKind]) -> FromClause:
    facts = [fact for kind in kinds for fact in FACTS[kind]]
    return (union_all(*facts) if len(facts) > 1 else facts[0]).subquery("fact")


def _without_case(kind: AttentionKind) -> Query[FactRow]:
    facts = _together([kind])
    told = exists().where(
        col(AttentionCase.kind) == kind.value,
        col(AttentionCase.subject) == facts.c.subject,
        col(AttentionCase.subject_id) == facts.c.subject_id,
        _case_stands,
    )
    return Query(FactRow, select(facts).where(~told).limit(bindparam("limit", type_=Integer)))


_this_order = bindparam("facts_of_order", type_=Uuid)


def _of_order() -> Query[FactRow]:
    facts = _together(FACTS)
    return Query(FactRow, select(facts).where(facts.c.order_id == _this_order))


_was_told = or_(*(col(AttentionCase.subject_id).endswith(end) for end in (LOST_CASE, WON_CASE, MADE_CASE)))


def _closing_when_gone(kinds: Iterable[AttentionKind], *, of_order: bool) -> Update:
    facts = _together(kinds)
    same = [facts.c[name] == getattr(AttentionCase, name) for name in ("kind", "subject", "subject_id")]
    those = (among(col(AttentionCase.kind), kinds), ~_was_told)
    if of_order:
        fact = exists().where(*same, facts.c.order_id == _this_order)
        return _closing(*those, ~fact, col(AttentionCase.order_id) == _this_order)
    return _closing(*those, ~exists().where(*same))


def _closing(*which: ColumnElement[bool]) -> Update:
    return (
        update(AttentionCase)
        .where(col(AttentionCase.closed_at).is_(None), *which)
        .values(closed_at=func.now())
        .returning(col(AttentionCase.id))
    )


def _ending(kind: AttentionKind) -> Update:
    """What a person said about a fact that is gone says nothing about the next one of its kind."""
    facts = _together([kind])
    same = [facts.c[name] == getattr(AttentionCase, name) for name in ("kind", "subject", "subject_id")]
    return (
        update(AttentionCase)
        .where(
            among(col(AttentionCase.kind), (kind,)),
            among(col(AttentionCase.subject), (AttentionSubject.ORDER, AttentionSubject.PAYMENT)),
            col(AttentionCase.closed_by).is_not(None),
            col(AttentionCase.subject_id).not_like("%/%"),
            ~exists().where(*same),
        )
        .values(subject_id=col(AttentionCase.subject_id) + "/" + cast(col(AttentionCase.id), Text))
    )


_intent_is_known = exists().where(col(Payment.intent_id) == col(AttentionCase.subject_id))
_item_waits = exists().where(col(SweepRetry.item) == col(AttentionCase.subject_id))
# One that was deleted unfinished leaves its case to a person.
_event_is_finished = exists().where(
    col(StripeEvent.id) == col(AttentionCase.subject_id), col(StripeEvent.finished_at).is_not(None)
)
_is_unfinished = col(AttentionCase.kind) == AttentionKind.EVENT_UNFINISHED.value
_is_of_event = col(AttentionCase.subject) == AttentionSubject.EVENT.value

# For the sweep: facts without a case, and cases without a fact.
FACTS_WITHOUT_CASE = tuple(_without_case(kind) for kind in FACTS)
GONE = (
    *(_closing_when_gone([kind], of_order=False) for kind in FACTS),
    _closing(col(AttentionCase.kind) == AttentionKind.MONEY_WITHOUT_ORDER.value, _intent_is_known),
    _closing(
        col(AttentionCase.subject_id).endswith(WON_CASE),
        ~is_still_without_place(col(AttentionCase.subject_id)),
    ),
    _closing(_is_unfinished, _is_of_event, _event_is_finished),
    _closing(_is_unfinished, ~_is_of_event, ~_item_waits),
)
REVIEWS_THAT_ENDED = _ending(AttentionKind.ORDER_IN_REVIEW)
# For one order, in the transaction that moves its money.
FACTS_OF_ORDER = _of_order()
GONE_OF_ORDER = _closing_when_gone(tuple(FACTS), of_order=True)
