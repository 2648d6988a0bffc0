"""When Stripe may be asked again how a payment stands, on behalf of those who look at its order."""

from sqlalchemy import ColumnElement, Integer, Interval, func, literal_column
from sqlmodel import col

from models.payments.tables import Payment

# A customer waits for news of a fresh payment; of an old one hardly anybody does.
_SHORTEST = literal_column("interval '5 seconds'", Interval)
_LONGEST = literal_column("interval '5 minutes'", Interval)
_PART_OF_ITS_AGE = literal_column("20", Integer)

_pause = func.least(
    func.greatest((func.now() - col(Payment.created_at)).op("/", precedence=8)(_PART_OF_ITS_AGE), _SHORTEST),
    _LONGEST,
)
LOOK_IS_DUE: ColumnElement[bool] = col(Payment.looked_at) < func.now() - _pause
