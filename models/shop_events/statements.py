"""The feed of events: given their places once they are committed, and read by place.

A place is given under `PUBLISHING`, a lock that one transaction at a time holds until it is committed: whoever sees an
event sees every event before it. An event whose transaction was still open then comes later, behind all of them.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Executable,
    Integer,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlmodel import col

from models.orders.revision import order_revision
from models.orders.tables import Order
from models.shop_events.tables import ShopEvent
from runtime.database.statements import Query

CHANNEL = "shop_event"
LISTEN = "LISTEN shop_event"

_limit = bindparam("limit", type_=Integer)
_unpublished = col(ShopEvent.position).is_(None)

IS_ANY_UNPUBLISHED: Executable = select(literal_column("1").label("one")).where(_unpublished).limit(1)


class Gate(NamedTuple):
    is_taken: bool


# The lock is asked for in a statement of its own: what is published is read behind it.
TAKE_PUBLISHING = Query(
    Gate, text("SELECT pg_try_advisory_xact_lock(hashtext('paygraph shop events')) AS is_taken")
)

# The newest event is never deleted, so that no place is given twice.
last_position = select(func.coalesce(func.max(col(ShopEvent.position)), 0)).scalar_subquery()
_waiting = (
    select(col(ShopEvent.id), col(ShopEvent.written))
    .where(_unpublished)
    .order_by(col(ShopEvent.written))
    .limit(_limit)
    .subquery()
)
_numbered = select(
    _waiting.c.id, (last_position + func.row_number().over(order_by=_waiting.c.written)).label("place")
).subquery()
# Read here and not when the event was written: another transaction of the same order might be committed before the
# event's own, and an answer that lacks the event would then have a larger revision than the event.
_revision_now = (
    select(order_revision)
    .where(col(Order.id) == col(ShopEvent.order_id))
    .correlate(ShopEvent)
    .scalar_subquery()
)
PUBLISH = (
    update(ShopEvent)
    .where(col(ShopEvent.id) == _numbered.c.id)
    .values(position=_numbered.c.place, published_at=func.clock_timestamp(), order_revision=_revision_now)
    .returning(col(ShopEvent.id), col(ShopEvent.type))
)

described = (
    col(ShopEvent.id),
    col(ShopEvent.type),
    col(ShopEvent.order_id),
    col(ShopEvent.subject_id),
    col(ShopEvent.order_status),
    col(ShopEvent.order_version),
    col(ShopEvent.order_revision),
    col(ShopEvent.created_at),
    col(ShopEvent.position),
    col(ShopEvent.published_at),
)


class EventRow(NamedTuple):
    id: UUID
    type: str
    order_id: UUID | None
    subject_id: str
    order_status: str | None
    order_version: int | None
    order_revision: int | None
    created_at: datetime
    position: int
    published_at: datetime


_after = bindparam("after", type_=BigInteger)
EVENTS = Query(
    EventRow,
    select(*described)
    .where(col(ShopEvent.position) > _after)
    .order_by(col(ShopEvent.position))
    .limit(_limit),
)
# Each type is a walk of its own along its index, no longer than the page, however rare the type is.
_type = (
    func.unnest(bindparam("types", type_=ARRAY(Text))).table_valued("type", name="wanted").render_derived()
)
_walk = (
    select(*described)
    .where(col(ShopEvent.type) == _type.c.type, col(ShopEvent.position) > _after)
    .order_by(col(ShopEvent.position))
    .limit(_limit)
    .lateral("walk")
)
EVENTS_OF_TYPES = Query(
    EventRow,
    select(*_walk.c).select_from(_type.join(_walk, true())).order_by(_walk.c.position).limit(_limit),
)
# An order has few of them.
EVENTS_OF_ORDER = Query(
    EventRow,
    select(*described)
    .where(
        col(ShopEvent.order_id) == bindparam("of_order", type_=Uuid),
        col(ShopEvent.position) > _after,
        col(ShopEvent.type) == any_(bindparam("types", type_=ARRAY(Text))),
    )
    .order_by(col(ShopEvent.position))
    .limit(_limit),
)


class PlaceRow(NamedTuple):
    id: UUID | None
    first: int | None
    last: int


# Where a reader is: the event that has its place now, and the first and last place there are.
PLACE = Query(
    PlaceRow,
    select(
        select(col(ShopEvent.id))
        .where(col(ShopEvent.position) == bindparam("position", type_=BigInteger))
        .scalar_subquery()
        .label("id"),
        select(func.min(col(ShopEvent.position))).scalar_subquery().label("first"),
        last_position.label("last"),
    ),
)


class PositionRow(NamedTuple):
    position: int


# From the newest back: what it costs follows what was published since.
LAST_BEFORE = Query(
    PositionRow,
    select(col(ShopEvent.position))
    .where(
        col(ShopEvent.position).is_not(None),
        col(ShopEvent.published_at) < bindparam("moment", type_=DateTime(timezone=True)),
    )
    .order_by(col(ShopEvent.position).desc())
    .limit(1),
)
NEWEST = Query(
    EventRow,
    select(*described)
    .where(col(ShopEvent.position).is_not(None))
    .order_by(col(ShopEvent.position).desc())
    .limit(1),
)
LAST_POSITION = Query(
    PositionRow,
    select(last_position.label("position")),
)
