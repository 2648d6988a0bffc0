"""The statements over what is delivered to webhook endpoints."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.orders.tables import Order
from models.shop_events.statements import PUBLISH, described
from models.shop_events.tables import ShopEvent
from models.webhooks.endpoints import is_due, is_enabled, this_endpoint, wants
from models.webhooks.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from runtime.database.statements import Query

_limit = bindparam("limit", type_=Integer)


class Id(NamedTuple):
    id: UUID


class DueEndpoint(NamedTuple):
    id: UUID
    url: str
    signing_key: bytes
    old_key: bytes | None
    failing_since: datetime | None


class DueDelivery(NamedTuple):
    """`age` is seconds since `began_at`, when it was first due; `id` and what follows are the event's."""

    delivery_id: UUID
    attempts: int
    began_at: datetime
    age: int
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
    reference: str | None


class FailingEndpoint(NamedTuple):
    url: str
    failing_since: datetime | None
    is_dead: bool | None


class DeliveryRow(NamedTuple):
    """`id` and what follows are the event's."""

    delivery_id: UUID
    endpoint_id: UUID
    endpoint_url: str
    status: str
    attempts: int
    last_http_status: int | None
    last_error: str | None
    due_at: datetime
    delivered_at: datetime | None
    began_at: datetime
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


_published = PUBLISH.cte("published")
_fanned_out = (
    insert(WebhookDelivery)
    .from_select(
        ["id", "endpoint_id", "event_id"],
        select(func.gen_random_uuid(), col(WebhookEndpoint.id), _published.c.id).join(
            WebhookEndpoint,
            and_(is_enabled, wants(_published)),
        ),
        include_defaults=False,
    )
    .returning(col(WebhookDelivery.id))
    .cte("fanned_out")
)
# Events get their places, and each a delivery for every endpoint that asked for its type.
PUBLISH_AND_FAN_OUT = Query(
    Id,
    select(_published.c.id).add_cte(_fanned_out),
)

_due_now = and_(is_due, col(WebhookDelivery.due_at) <= func.now())
DUE_ENDPOINTS = Query(
    DueEndpoint,
    select(
        col(WebhookEndpoint.id),
        col(WebhookEndpoint.url),
        col(WebhookEndpoint.signing_key),
        case(
            (col(WebhookEndpoint.old_key_until) > func.now(), col(WebhookEndpoint.old_key)),
        ).label("old_key"),
        col(WebhookEndpoint.failing_since),
    ).where(
        is_enabled,
        exists().where(col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id), _due_now),
    ),
)
_due = (
    select(col(WebhookDelivery.id))
    .where(
        col(WebhookDelivery.endpoint_id) == bindparam("of_endpoint", type_=Uuid),
        _due_now,
        exists().where(this_endpoint, is_enabled),
    )
    .order_by(col(WebhookDelivery.due_at))
    .limit(_limit)
    .with_for_update(skip_locked=True, of=WebhookDelivery)
    .cte("due")
)
_taken = (
    update(WebhookDelivery)
    .where(col(WebhookDelivery.id) == _due.c.id)
    .values(due_at=func.now() + cast(bindparam("lease"), Interval), attempts=WebhookDelivery.attempts + 1)
    .returning(
        col(WebhookDelivery.id),
        col(WebhookDelivery.event_id),
        col(WebhookDelivery.attempts),
        col(WebhookDelivery.began_at),
    )
    .cte("taken")
)
# Takes deliveries for `lease`: what a process that dies had taken is due again when it has passed.
TAKE_DUE = Query(
    DueDelivery,
    select(
        _taken.c.id.label("delivery_id"),
        _taken.c.attempts,
        _taken.c.began_at,
        cast(func.extract("epoch", func.now() - _taken.c.began_at), Integer).label("age"),
        *described,
        col(Order.reference),
    )
    .join(ShopEvent, col(ShopEvent.id) == _taken.c.event_id)
    .outerjoin(Order, col(Order.id) == col(ShopEvent.order_id)),
)

# An answer counts only for the try that it belongs to: a replay meanwhile has begun anew.
_this_try = (
    col(WebhookDelivery.id) == bindparam("delivery_id", type_=Uuid),
    col(WebhookDelivery.attempts) == bindparam("attempt", type_=Integer),
    col(WebhookDelivery.began_at) == bindparam("first_due", type_=DateTime(timezone=True)),
    is_due,
)
_http_status = bindparam("http_status", type_=Integer)
_error = bindparam("error", type_=Text)
_delivered = (
    update(WebhookDelivery)
    .where(*_this_try)
    .values(
        status=DeliveryStatus.DELIVERED.value,
        delivered_at=func.now(),
        last_http_status=_http_status,
        last_error=null(),
    )
    .returning(col(WebhookDelivery.id))
    .cte("delivered")
)
MARK_DELIVERED = (
    update(WebhookEndpoint)
    .where(this_endpoint, col(WebhookEndpoint.failing_since).is_not(None))
    .values(failing_since=None)
    .add_cte(_delivered)
)
_postponed = (
    update(WebhookDelivery)
    .where(*_this_try)
    .values(
        due_at=func.now() + cast(bindparam("pause"), Interval),
        last_http_status=_http_status,
        last_error=_error,
    )
    .returning(col(WebhookDelivery.id))
    .cte("postponed")
)
POSTPONE = (
    update(WebhookEndpoint)
    .where(this_endpoint, col(WebhookEndpoint.failing_since).is_(None))
    .values(failing_since=func.now())
    .add_cte(_postponed)
)
GIVE_UP = Query(
    Id,
    update(WebhookDelivery)
    .where(*_this_try)
    .values(status=DeliveryStatus.GIVEN_UP.value, last_http_status=_http_status, last_error=_error)
    .returning(col(WebhookDelivery.id)),
)
LOCK_ENDPOINT = Query(
    FailingEndpoint,
    select(
        col(WebhookEndpoint.url),
        col(WebhookEndpoint.failing_since),
        (col(WebhookEndpoint.failing_since) < func.now() - cast(bindparam("dead_after"), Interval)).label(
            "is_dead"
        ),
    )
    .where(this_endpoint)
    .with_for_update(key_share=True),
)
_of_disabled = (
    select(col(WebhookDelivery.id))
    .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
    .where(is_due, ~is_enabled)
    .limit(_limit)
    .with_for_update(skip_locked=True, of=WebhookDelivery)
)
GIVE_UP_OF_DISABLED = Query(
    Id,
    update(WebhookDelivery)
    .where(col(WebhookDelivery.id) == any_(func.array(_of_disabled.scalar_subquery())))
    .values(status=DeliveryStatus.GIVEN_UP.value)
    .returning(col(WebhookDelivery.id)),
)

# ---- The list of deliveries, newest first

_delivery: Any = (
    select(
        col(WebhookDelivery.id).label("delivery_id"),
        col(WebhookDelivery.endpoint_id),
        col(WebhookEndpoint.url).label("endpoint_url"),
        col(WebhookDelivery.status),
        col(WebhookDelivery.attempts),
        col(WebhookDelivery.last_http_status),
        col(WebhookDelivery.last_error),
        col(WebhookDelivery.due_at),
        col(WebhookDelivery.delivered_at),
        col(WebhookDelivery.began_at),
        *described,
    )
    .join(ShopEvent, col(ShopEvent.id) == col(WebhookDelivery.event_id))
    .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
)
_listed: Any = (
    _delivery.where(col(WebhookDelivery.endpoint_id) == bindparam("of_endpoint", type_=Uuid))
    .order_by(col(WebhookDelivery.began_at).desc(), col(WebhookDelivery.id).desc())
    .limit(_limit)
)
_older = tuple_(col(WebhookDelivery.began_at), col(WebhookDelivery.id)) < tuple_(
    bindparam("before", type_=DateTime(timezone=True)), bindparam("before_id", type_=Uuid)
)
_with_status = col(WebhookDelivery.status) == bindparam("status", type_=Text)


def deliveries(*, of_status: bool, older: bool) -> Query[DeliveryRow]:
    """One of four statements, which are built once."""
    return _DELIVERIES[of_status, older]


_DELIVERIES = {
    (of_status, older): Query(
        DeliveryRow, _listed.where(*((_with_status,) if of_status else ()), *((_older,) if older else ()))
    )
    for of_status in (False, True)
    for older in (False, True)
}

# ---- The deliveries of some events

MOST_OF_AN_EVENT = 50  # there are some twenty endpoints; those that were disabled keep what they were sent
_event = (
    func.unnest(bindparam("events", type_=ARRAY(Uuid))).table_valued("id", name="wanted").render_derived()
)
_of_event = (
    _delivery.where(col(WebhookDelivery.event_id) == _event.c.id)
    .order_by(col(WebhookDelivery.began_at), col(WebhookDelivery.id))
    .limit(MOST_OF_AN_EVENT)
    .lateral("of_event")
)
DELIVERIES_OF_EVENTS = Query(
    DeliveryRow,
    select(*_of_event.c).select_from(_event.join(_of_event, true())).order_by(_of_event.c.began_at),
)

# ---- What is old

# As a value, so that PostgreSQL asks the index for each event instead of reading all deliveries.
_still_due = (
    select(literal_column("1", Integer))
    .where(col(WebhookDelivery.event_id) == col(ShopEvent.id), is_due)
    .limit(1)
    .scalar_subquery()
)
_old_events = (
    select(col(ShopEvent.id))
    .where(
        col(ShopEvent.position) < select(func.max(col(ShopEvent.position))).scalar_subquery(),
        col(ShopEvent.published_at) < func.now() - cast(bindparam("age"), Interval),
        _still_due.is_(None),
    )
    .order_by(col(ShopEvent.position))
    .limit(_limit)
    .with_for_update(skip_locked=True, of=ShopEvent)
)
# With their deliveries, but for those that are still to be delivered. The newest stays: places are counted from it.
DELETE_OLD_EVENTS = Query(
    Id,
    delete(ShopEvent)
    .where(col(ShopEvent.id) == any_(func.array(_old_events.scalar_subquery())))
    .returning(col(ShopEvent.id)),
)
