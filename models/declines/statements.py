"""The statements over declined cards."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Interval,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import col

from models.base import among
from models.declines.tables import (
    MOST_OF_ADDRESS,
    MOST_OF_ORDER,
    MOST_OF_USER,
    WINDOW_SECONDS,
    Decline,
    PayerAddress,
)
from models.orders.tables import Order
from models.payments.tables import Payment, PaymentState
from models.stripe_events.tables import StripeEvent
from runtime.database.statements import Query

_WINDOW = literal_column(f"interval '{WINDOW_SECONDS} seconds'", Interval)
_event_ids = (
    func.unnest(bindparam("event_ids", type_=ARRAY(Text)))
    .table_valued("event_id")
    .render_derived(name="declined")
)
_intent_id = bindparam("intent_id", type_=Text)


def _until(whose: ColumnElement[bool], most: int) -> Any:
    """When the last `most` declines are no longer all within the window; null while there are fewer."""
    return (
        select(col(Decline.at) + _WINDOW)
        .where(whose)
        .order_by(col(Decline.at).desc())
        .offset(most - 1)
        .limit(1)
        .correlate(Order)
        .scalar_subquery()
    )


# For how many seconds an order of the surrounding statement can't be paid, since too many cards were declined: of
# this order, or of its user's orders together. Null or negative when it can.
SECONDS_CLOSED = cast(
    func.ceil(
        func.extract(
            "epoch",
            func.greatest(
                _until(col(Decline.order_id) == col(Order.id), MOST_OF_ORDER),
                _until(col(Decline.user_id) == col(Order.user_id), MOST_OF_USER),
            )
            - func.now(),
        )
    ),
    Integer,
)

# A decline that is heard of hours later, after an outage, happened when Stripe says so; never in the future.
_happened = func.least(
    func.now(),
    select(col(StripeEvent.created_at)).where(col(StripeEvent.id) == _event_ids.c.event_id).scalar_subquery(),
)

# An event counts once, however often it is delivered; an intent that is not ours is not counted.
ADD_DECLINES = (
    insert(Decline)
    .from_select(
        ["event_id", "order_id", "user_id", "address", "at"],
        select(_event_ids.c.event_id, col(Order.id), col(Order.user_id), col(PayerAddress.address), _happened)
        .select_from(Payment)
        .join(Order, col(Order.id) == col(Payment.order_id))
        .outerjoin(PayerAddress, col(PayerAddress.order_id) == col(Order.id))
        .join(_event_ids, true())
        .where(col(Payment.intent_id) == _intent_id),
    )
    .on_conflict_do_nothing(index_elements=["event_id"])
    .returning(col(Decline.order_id))
)

_this_order = select(col(Payment.order_id)).where(col(Payment.intent_id) == _intent_id).scalar_subquery()
_too_many_of_user = _until(col(Decline.user_id) == col(Order.user_id), MOST_OF_USER) > func.now()
_order_of_intent = select(col(Order.id), col(Order.user_id), _too_many_of_user.label("user_closed")).where(
    col(Order.id) == _this_order, SECONDS_CLOSED > 0
)
_closed = _order_of_intent.cte("closed")


class PaymentToClose(NamedTuple):
    id: UUID
    state: str
    intent_id: str


# The payable intents that have to be closed after a decline of `intent_id`: its own once its order has too many, and
# all of its user's once they have too many.
PAYMENTS_TO_CLOSE = Query(
    PaymentToClose,
    select(col(Payment.id), col(Payment.state), col(Payment.intent_id))
    .join(Order, col(Order.id) == col(Payment.order_id))
    .join(
        _closed,
        or_(
            _closed.c.id == col(Order.id),
            and_(_closed.c.user_closed, _closed.c.user_id == col(Order.user_id)),
        ),
    )
    .where(
        among(col(Payment.state), (PaymentState.OPEN, PaymentState.CANCELING)),
        col(Payment.intent_id).is_not(None),
    )
    .limit(100),
)

_old = (
    select(col(Decline.event_id))
    .where(col(Decline.at) < func.now() - bindparam("age", type_=Interval))
    .limit(bindparam("most", type_=Integer))
)
FORGET_OLD_DECLINES = delete(Decline).where(col(Decline.event_id).in_(_old))


class AddressClosed(NamedTuple):
    seconds: int | None


_address = bindparam("address", type_=Text)
_payer_order = bindparam("payer_order_id", type_=Uuid)
_asked = insert(PayerAddress).from_select(
    ["order_id", "address"],
    select(col(Order.id), _address).where(
        col(Order.id) == _payer_order,
        or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),
    ),
)
_noted = (
    _asked.on_conflict_do_update(
        index_elements=["order_id"],
        set_={"address": _asked.excluded.address, "at": func.now()},
        # Asking again and again from one place writes once in a while.
        where=or_(
            col(PayerAddress.address) != _asked.excluded.address,
            col(PayerAddress.at) < func.now() - bindparam("fresh_for", type_=Interval),
        ),
    )
    .returning(col(PayerAddress.order_id))
    .cte("noted")
)
_old_payers = (
    select(col(PayerAddress.order_id))
    .where(
        col(PayerAddress.at) < func.now() - bindparam("age", type_=Interval),
        col(PayerAddress.order_id) != _payer_order,  # a row can't be changed twice in one statement
    )
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_forgotten = (
    delete(PayerAddress)
    .where(col(PayerAddress.order_id).in_(_old_payers))
    .returning(col(PayerAddress.order_id))
    .cte("forgotten")
)
# Notes from where an order is asked for, if it is the caller's; forgets what is old; and tells for how many seconds
# nothing can be paid from there. Null or negative when it can.
NOTE_PAYER = Query(
    AddressClosed,
    select(
        cast(
            func.ceil(
                func.extract(
                    "epoch",
                    select(col(Decline.at) + _WINDOW)
                    .where(col(Decline.address) == _address)
                    .order_by(col(Decline.at).desc())
                    .offset(MOST_OF_ADDRESS - 1)
                    .limit(1)
                    .scalar_subquery()
                    - func.now(),
                )
            ),
            Integer,
        ).label("seconds")
    ).add_cte(_noted, _forgotten),
)
