"""When Stripe may be asked again how a payment stands, on behalf of those who look at its order."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, Interval, Uuid, bindparam, func, literal_column, update
from sqlmodel import col

from models.base import among
from models.payments.tables import Payment, PaymentState
from runtime.database.statements import Query

# Customers wait for the result of a fresh payment, hardly ever for an old one.
_SHORTEST = literal_column("interval '5 seconds'", Interval)
_LONGEST = literal_column("interval '5 minutes'", Interval)
_PART_OF_ITS_AGE = literal_column("20", Integer)

_pause = func.least(
    func.greatest((func.now() - col(Payment.created_at)).op("/", precedence=8)(_PART_OF_ITS_AGE), _SHORTEST),
    _LONGEST,
)
LOOK_IS_DUE: ColumnElement[bool] = col(Payment.looked_at) < func.now() - _pause


class LookedAtRow(NamedTuple):
    intent_id: str | None


# Takes the turn to ask Stripe about an order's payable intent: one asker each pause, however many look.
LOOK_AT_INTENT = Query(
    LookedAtRow,
    update(Payment)
    .where(
        col(Payment.order_id) == bindparam("looked_at_order", type_=Uuid),
        among(col(Payment.state), (PaymentState.OPEN, PaymentState.PROCESSING)),
        LOOK_IS_DUE,
    )
    .values(looked_at=func.now())
    .returning(col(Payment.intent_id)),
)
