"""What Stripe answers 404 about although our tables know it: the key is of another account, or of the other mode."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from models.base import among
from models.payments.installation import is_recorded_here
from models.payments.tables import PAYABLE, Payment
from models.reconciliation.sweep_state import UNKNOWN_TO_STRIPE, SweepRetry
from models.stripe_events.tables import StripeEvent
from runtime.database.statements import Query

MOST_ASKED = 1_000
ACCOUNT = "stripe account"  # the step whose cursor says when an account was given up for good

_unknown_item = col(SweepRetry.failure) == UNKNOWN_TO_STRIPE
_unknown_event = (col(StripeEvent.finished_at).is_(None), col(StripeEvent.failure) == UNKNOWN_TO_STRIPE)


class UnknownObject(NamedTuple):
    item: str


UNKNOWN_OBJECTS = Query(
    UnknownObject,
    union_all(
        select(col(SweepRetry.item).label("item")).where(_unknown_item),
        select(col(StripeEvent.object_id)).where(*_unknown_event),
    ).limit(literal(MOST_ASKED)),
)


class KnownIntent(NamedTuple):
    intent_id: str


# One that can be asked about: items are ids of intents, payments or orders.
_ids = bindparam("ids", type_=ARRAY(Uuid))
INTENT_TO_ASK_ABOUT = Query(
    KnownIntent,
    select(col(Payment.intent_id))
    .where(
        col(Payment.intent_id).is_not(None),
        or_(
            col(Payment.intent_id) == any_(bindparam("intent_ids", type_=ARRAY(Text))),
            col(Payment.id) == any_(_ids),
            col(Payment.order_id) == any_(_ids),
        ),
    )
    .limit(literal(1)),
)

# Those of an account that was given up, which stay unknown: their payments were made before.
_mark = bindparam("before", type_=DateTime(timezone=True))


class PaymentGivenUp(NamedTuple):
    id: UUID
    order_id: UUID
    intent_id: str | None


GIVEN_UP_WITH_ACCOUNT = Query(
    PaymentGivenUp,
    select(col(Payment.id), col(Payment.order_id), col(Payment.intent_id)).where(
        or_(
            col(Payment.intent_id) == any_(bindparam("intent_ids", type_=ARRAY(Text))),
            col(Payment.id) == any_(_ids),
            col(Payment.order_id) == any_(_ids),
        ),
        col(Payment.created_at) < _mark,
    ),
)


class Moment(NamedTuple):
    moment: datetime


DATABASE_TIME = Query(Moment, select(func.now().label("moment")))

# What Stripe knows if the key is right: the youngest payable intent, that of the last event, or any.
_since = bindparam("since", type_=DateTime(timezone=True))
NEWEST_PAYABLE = Query(
    KnownIntent,
    select(col(Payment.intent_id))
    .where(among(col(Payment.state), PAYABLE), is_recorded_here, col(Payment.created_at) > _since)
    .order_by(col(Payment.created_at).desc())
    .limit(literal(1)),
)
LAST_HEARD = Query(
    KnownIntent,
    select(col(Payment.intent_id))
    .join(StripeEvent, col(StripeEvent.object_id) == col(Payment.intent_id))
    .where(col(StripeEvent.finished_at).is_not(None), is_recorded_here, col(Payment.created_at) > _since)
    .order_by(col(StripeEvent.finished_at).desc())
    .limit(literal(1)),
)
ANY_HEARD = Query(
    KnownIntent,
    select(col(Payment.intent_id))
    .where(col(Payment.intent_id).is_not(None), is_recorded_here, col(Payment.created_at) > _since)
    .limit(literal(1)),
)

# Stripe knows them again: everything is due, with all its attempts.
TRY_UNKNOWN_ITEMS = update(SweepRetry).where(_unknown_item).values(due_at=func.now(), failure="known again")
TRY_UNKNOWN_EVENTS = (
    update(StripeEvent).where(*_unknown_event).values(due_at=func.now(), attempts=0, failure=null())
)
# The account is given up for good.
FINISH_UNKNOWN_EVENTS = (
    update(StripeEvent).where(*_unknown_event).values(finished_at=func.now(), failure=null())
)
