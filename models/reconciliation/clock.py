"""The database's clock when it goes back: a standby with another clock is promoted, or a machine is set right.

What the old clock made due in a minute, or leased for a minute, would wait until the new one has caught up. The row
`clock` of `leases` has, as `done_until`, what the clock showed when a sweep last looked.
"""

from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Executable,
    Integer,
    Interval,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col

from models.base import among
from models.orders.changes import OrderChange
from models.payments.tables import LIVE, Payment
from models.reconciliation.leases import Lease
from models.reconciliation.sweep_state import SweepRetry
from models.refunds.tables import Refund, RefundState
from models.stripe_events.tables import StripeEvent
from models.webhooks.tables import DeliveryStatus, WebhookDelivery
from runtime.database.statements import Query

CLOCK = "clock"
_never = literal("infinity", DateTime(timezone=True))
_tolerance = literal_column("interval '30 seconds'", Interval)
UNDER_WAY = (RefundState.CREATING, RefundState.PENDING, RefundState.REQUIRES_ACTION)


class ClockRow(NamedTuple):
    went_back: bool


CLOCK_WENT_BACK = Query(
    ClockRow,
    select((col(Lease.done_until) > func.now() + _tolerance).label("went_back")).where(
        col(Lease.name) == CLOCK, col(Lease.done_until).is_not(None)
    ),
)
_now = insert(Lease).values(name=CLOCK, holder="", held_until=func.now(), done_until=func.now())
SEE_CLOCK = _now.on_conflict_do_update(index_elements=["name"], set_={"done_until": _now.excluded.done_until})


def _due_now(
    table: type[SQLModel], key: tuple[Any, ...], *where: ColumnElement[bool], **values: Any
) -> Executable:
    """Answers a row for each that it made due."""
    few = select(*key).where(*where).limit(bindparam("limit", type_=Integer))
    return update(table).where(tuple_(*key).in_(few)).values(**values).returning(literal(1))


# What waits for a moment that no clock has shown yet is due now, so many rows at a time. A call that is under way may
# be made a second time by it, under the same idempotency key.
ALL_DUE_NOW = (
    _due_now(
        StripeEvent,
        (col(StripeEvent.id),),
        col(StripeEvent.finished_at).is_(None),
        col(StripeEvent.due_at) > func.now(),
        col(StripeEvent.due_at) < _never,
        due_at=func.now(),
    ),
    _due_now(
        SweepRetry,
        (col(SweepRetry.step), col(SweepRetry.item)),
        col(SweepRetry.due_at) > func.now(),
        due_at=func.now(),
    ),
    _due_now(Payment, (col(Payment.id),), col(Payment.lease_until) > func.now(), lease_until=None),
    _due_now(
        Payment,
        (col(Payment.id),),
        among(col(Payment.state), LIVE),
        col(Payment.looked_at) > func.now(),
        looked_at=func.to_timestamp(0),
    ),
    _due_now(
        OrderChange,
        (col(OrderChange.order_id),),
        col(OrderChange.created_at) > func.now(),
        created_at=func.to_timestamp(0),
    ),
    _due_now(
        Refund,
        (col(Refund.id),),
        among(col(Refund.state), UNDER_WAY),
        or_(col(Refund.due_at) > func.now(), col(Refund.lease_until) > func.now()),
        due_at=func.least(col(Refund.due_at), func.now()),
        lease_until=None,
    ),
    _due_now(
        WebhookDelivery,
        (col(WebhookDelivery.id),),
        among(col(WebhookDelivery.status), (DeliveryStatus.DUE,)),
        col(WebhookDelivery.due_at) > func.now(),
        due_at=func.now(),
    ),
)
