"""The statements by which a refund is asked of Stripe: who asks, under which idempotency key, and when again."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Interval,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import among
from models.currencies.charge_limits import ChargeLimit
from models.payments.installation import is_recorded_here
from models.payments.statements import KEY_LIFETIME
from models.payments.tables import Payment
from models.refunds.given_up import is_given_up
from models.refunds.sums import left_to_give_back
from models.refunds.tables import AUTOMATIC, MADE_BY_HAND, TOLD_AFTER_TRIES, Refund, RefundState
from runtime.database.statements import Query

_other = aliased(Refund, name="other")
_this_refund = col(Refund.id) == bindparam("refund_id", type_=Uuid)


class TakenRefund(NamedTuple):
    """A refund that is ours to ask Stripe for."""

    id: UUID
    amount: int
    reason: str | None
    attempt: int
    key_is_good: bool
    may_renew: bool  # no request under this key can be under way any more
    was_told: bool  # a case asked a person to do something about it
    order_id: UUID
    intent_id: str


# Stripe may finish a request after it answered 500, or after we stopped waiting. A request takes it a minute or so:
# once this much has passed since the last one, what its list doesn't show was not made.
STRIPE_MAY_FINISH_WITHIN = timedelta(minutes=5)
_stripe_may_finish_within = literal_column(
    f"interval '{STRIPE_MAY_FINISH_WITHIN // timedelta(seconds=1)} seconds'", Interval
)
_next_key_at = col(Refund.key_until) + _stripe_may_finish_within
# Of a row from before there was `key_until`, whose key may be old and yet have been used a moment ago.
_until_known = func.greatest(col(Refund.created_at) + KEY_LIFETIME, func.now())

# Who carries out a refund: no other process while the lease lasts. In a copied database the original does.
TAKE_REFUND = Query(
    TakenRefund,
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.CREATING.value,
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
        col(Payment.id) == col(Refund.payment_id),
        is_recorded_here,
    )
    .values(
        lease_until=func.now() + bindparam("lease", type_=Interval),
        key_until=func.coalesce(col(Refund.key_until), _until_known),
        updated_at=func.now(),
    )
    .returning(
        col(Refund.id),
        col(Refund.amount),
        col(Refund.reason),
        col(Refund.attempt),
        (col(Refund.key_until) > func.now()).label("key_is_good"),
        (_next_key_at <= func.now()).label("may_renew"),
        or_(col(Refund.failure_code).is_not(None), col(Refund.tries) >= TOLD_AFTER_TRIES).label("was_told"),
        col(Payment.order_id),
        col(Payment.intent_id),
    ),
)
# Tried again by the next sweep; after ten failed attempts, or once Stripe has said why not, after 1, 3, 7, … minutes,
# and at the latest after six hours. Not before there may be another key, when this one is used no more.
_code = bindparam("code", type_=Text)
_failed_attempts = func.greatest(col(Refund.tries) - case((_code.is_(None), 10), else_=0), 0)
_seconds = func.least(60 * (func.power(2, func.least(_failed_attempts, 12)) - 1), 21_600)
_pause = func.make_interval(0, 0, 0, 0, 0, 0, _seconds)
# Null while its key is good, which no maximum counts.
_when_there_is_a_key = case((col(Refund.key_until) <= func.now(), _next_key_at))
POSTPONE_REFUND = (
    update(Refund)
    .where(_this_refund, col(Refund.state) == RefundState.CREATING.value)
    .values(
        failure_code=_code,
        failure_message=bindparam("message", type_=Text),
        tries=Refund.tries + 1,
        due_at=func.greatest(func.now() + _pause, _when_there_is_a_key),
        lease_until=None,
        updated_at=func.now(),
    )
)
# It waits for its next key, and this was no try.
WAIT_FOR_KEY = (
    update(Refund)
    .where(_this_refund, col(Refund.state) == RefundState.CREATING.value)
    .values(due_at=_next_key_at, lease_until=None, updated_at=func.now())
)
_this_attempt = (
    _this_refund,
    col(Refund.state) == RefundState.CREATING.value,
    col(Refund.attempt) == bindparam("tried"),
)
BURN_KEY = (
    update(Refund)
    .where(*_this_attempt)
    .values(key_until=func.least(col(Refund.key_until), func.now()), updated_at=func.now())
)
NEXT_ATTEMPT = (
    update(Refund)
    .where(*_this_attempt)
    .values(
        attempt=Refund.attempt + 1,
        key_until=func.now() + KEY_LIFETIME,
        lease_until=func.now() + bindparam("lease", type_=Interval),
        updated_at=func.now(),
    )
    .returning(col(Refund.id))
)


class RefundOfSameAmount(NamedTuple):
    id: UUID


# Of these refunds at Stripe, those that were known when this one was asked for; and of ours, those of the same amount
# in whose place one of the others stands.
NOT_FOR_THIS = Query(
    RefundOfSameAmount,
    select(col(_other.id))
    .join(Refund, col(Refund.payment_id) == col(_other.payment_id))
    .where(
        _this_refund,
        or_(
            and_(
                col(_other.stripe_refund_id) == any_(bindparam("stripe_refund_ids", type_=ARRAY(Text))),
                col(_other.created_at) < col(Refund.created_at),
            ),
            and_(
                col(_other.failure_code) == MADE_BY_HAND,
                col(_other.amount) == col(Refund.amount),
                col(_other.updated_at) > col(Refund.created_at),
            ),
        ),
    ),
)
# A person says that the money went back in another way: not while Stripe may make it of a request that it did not
# refuse, the last one of a server that died included.
_may_be_made = and_(
    or_(
        and_(col(Refund.failure_code).is_(None), col(Refund.tries) > 0), col(Refund.lease_until).is_not(None)
    ),
    col(Refund.updated_at) + _stripe_may_finish_within > func.now(),
)
GIVE_UP_REFUND = (
    update(Refund)
    .where(
        _this_refund,
        col(Refund.state) == RefundState.CREATING.value,
        func.coalesce(col(Refund.lease_until), func.now()) <= func.now(),
        ~_may_be_made,
    )
    .values(state=RefundState.FAILED.value, lease_until=None, updated_at=func.now())
    .returning(col(Refund.id))
)
FAIL_REFUND = (
    update(Refund)
    .where(_this_refund, col(Refund.state) == RefundState.CREATING.value)
    .values(
        state=RefundState.FAILED.value,
        failure_code=bindparam("code", type_=Text),
        failure_message=bindparam("message", type_=Text),
        lease_until=None,
        updated_at=func.now(),
    )
)
_rest = func.least(left_to_give_back(Payment), col(Payment.owed))

# What is left of owed money, where others took a part while ours was refused. Not when a person said that it went back
# in another way, nor what Stripe takes in no refund: it was told, and stays so.
_has_a_rest = (
    _this_refund,
    col(Refund.state) == RefundState.FAILED.value,
    col(Refund.stripe_refund_id).is_(None),
    among(col(Refund.cause), AUTOMATIC),
    col(Payment.id) == col(Refund.payment_id),
    is_recorded_here,
    ~is_given_up(Refund),
    _rest.between(1, col(Refund.amount) - 1),
    col(ChargeLimit.currency) == col(Payment.currency),
    _rest % col(ChargeLimit.step) == 0,
)


class PaymentOfRest(NamedTuple):
    order_id: UUID
    intent_id: str


PAYMENT_OF_REST = Query(
    PaymentOfRest, select(col(Payment.order_id), col(Payment.intent_id)).where(*_has_a_rest)
)
# Under a key that asks for this, and under the order's lock, as is the person's word.
TRY_THE_REST = (
    update(Refund)
    .where(*_has_a_rest)
    .values(
        state=RefundState.CREATING.value,
        amount=_rest,
        attempt=Refund.attempt + 1,
        key_until=func.now() + KEY_LIFETIME,
        failure_code=None,
        failure_message=None,
        tries=0,
        due_at=func.now(),
        updated_at=func.now(),
    )
    .returning(col(Refund.id))
)
