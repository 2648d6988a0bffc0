"""The statements over webhook endpoints: what they are, and what is to be sent to them again."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Interval,
    LargeBinary,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.shop_events.tables import ShopEvent
from models.webhooks.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from runtime.database.statements import Query

MOST_LISTED = 50
MOST_IN_LINE = 100  # deliveries that are due at an endpoint while more of a replay are added

_limit = bindparam("limit", type_=Integer)
this_endpoint = col(WebhookEndpoint.id) == bindparam("of_endpoint", type_=Uuid)
is_enabled = col(WebhookEndpoint.disabled_at).is_(None)
is_due = col(WebhookDelivery.status) == literal_column("'due'")


def wants(event: Any) -> Any:
    """Whether an endpoint asked for events of this type."""
    return or_(col(WebhookEndpoint.types).is_(None), event.c.type == any_(col(WebhookEndpoint.types)))


class EndpointRow(NamedTuple):
    id: UUID
    url: str
    types: list[str] | None
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None
    created_at: datetime


class EndpointCount(NamedTuple):
    enabled: int


class DisabledEndpoint(NamedTuple):
    id: UUID
    url: str


class EndpointInTrouble(NamedTuple):
    id: UUID
    url: str
    disabled_because: str | None
    failing_since: datetime | None


_shown = (
    col(WebhookEndpoint.id),
    col(WebhookEndpoint.url),
    col(WebhookEndpoint.types),
    col(WebhookEndpoint.failing_since),
    col(WebhookEndpoint.disabled_at),
    col(WebhookEndpoint.disabled_because),
    col(WebhookEndpoint.created_at),
)
ENDPOINTS = Query(
    EndpointRow,
    select(*_shown)
    .order_by(is_enabled.desc(), col(WebhookEndpoint.created_at).desc(), col(WebhookEndpoint.id).desc())
    .limit(MOST_LISTED),
)
ENDPOINT = Query(
    EndpointRow,
    select(*_shown).where(this_endpoint),
)
# One at a time adds to those that are enabled. A statement of its own: they are counted after the wait for it.
TAKE_ENDPOINTS = select(func.pg_advisory_xact_lock(func.hashtext("paygraph webhook endpoints")))
COUNT_ENABLED = Query(
    EndpointCount,
    select(func.count().label("enabled"))
    .select_from(WebhookEndpoint)
    .where(is_enabled, col(WebhookEndpoint.id) != bindparam("besides", type_=Uuid)),
)
ADD_ENDPOINT = Query(
    EndpointRow,
    insert(WebhookEndpoint)
    .values(
        id=bindparam("id", type_=Uuid),
        url=bindparam("url", type_=Text),
        types=bindparam("types", type_=ARRAY(String)),
        signing_key=bindparam("signing_key", type_=LargeBinary),
        created_by=bindparam("created_by", type_=Text),
    )
    .on_conflict_do_nothing(index_elements=["url"])
    .returning(*_shown),
)
# The secret of before goes on signing for a while beside the new one. One that does so already stays: a rotation that
# is repeated since its answer was lost ends the secret that was never seen, not the one that the shop has.
_has_old_key = col(WebhookEndpoint.old_key_until) > func.now()
ROTATE_SECRET = Query(
    EndpointRow,
    update(WebhookEndpoint)
    .where(this_endpoint)
    .values(
        old_key=case((_has_old_key, col(WebhookEndpoint.old_key)), else_=col(WebhookEndpoint.signing_key)),
        old_key_until=case(
            (_has_old_key, col(WebhookEndpoint.old_key_until)),
            else_=func.now() + cast(bindparam("both_for"), Interval),
        ),
        signing_key=bindparam("new_key", type_=LargeBinary),
    )
    .returning(*_shown),
)
ENABLE = (
    update(WebhookEndpoint)
    .where(this_endpoint, ~is_enabled)
    .values(disabled_at=None, disabled_because=None, failing_since=None)
)
DISABLE = Query(
    DisabledEndpoint,
    update(WebhookEndpoint)
    .where(this_endpoint, is_enabled)
    .values(
        disabled_at=func.now(),
        disabled_because=bindparam("because", type_=Text),
        replay_after=None,
        replay_until=None,
    )
    .returning(col(WebhookEndpoint.id), col(WebhookEndpoint.url)),
)
ENDPOINTS_IN_TROUBLE = Query(
    EndpointInTrouble,
    select(
        col(WebhookEndpoint.id),
        col(WebhookEndpoint.url),
        col(WebhookEndpoint.disabled_because),
        col(WebhookEndpoint.failing_since),
    )
    .where(or_(~is_enabled, col(WebhookEndpoint.failing_since).is_not(None)))
    .order_by(is_enabled.desc(), col(WebhookEndpoint.url))
    .limit(MOST_LISTED),
)
DELETE_OLD_ENDPOINTS = delete(WebhookEndpoint).where(
    col(WebhookEndpoint.disabled_at) < func.now() - cast(bindparam("age"), Interval),
    ~exists().where(col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id)),
)

# ---- Sending again what was published since a moment


class ReplayRow(NamedTuple):
    id: UUID
    replay_after: int
    replay_until: int


class Replayed(NamedTuple):
    reached: int | None
    found: int


_from, _to = bindparam("after", type_=BigInteger), bindparam("until", type_=BigInteger)
BEGIN_REPLAY = Query(
    EndpointRow,
    update(WebhookEndpoint)
    .where(this_endpoint, is_enabled)
    .values(
        replay_after=func.least(col(WebhookEndpoint.replay_after), _from),
        replay_until=func.greatest(col(WebhookEndpoint.replay_until), _to),
    )
    .returning(*_shown),
)
# What happens meanwhile queues up behind what is in line: a replay of months would hold it up for hours.
_has_a_line = (
    select(literal_column("1", Integer))
    .where(
        col(WebhookDelivery.endpoint_id) == col(WebhookEndpoint.id),
        is_due,
        col(WebhookDelivery.due_at) <= func.now(),
    )
    .correlate(WebhookEndpoint)
    .offset(MOST_IN_LINE)
    .exists()
)
LOCK_REPLAY = Query(
    ReplayRow,
    select(col(WebhookEndpoint.id), col(WebhookEndpoint.replay_after), col(WebhookEndpoint.replay_until))
    .where(col(WebhookEndpoint.replay_after).is_not(None), is_enabled, ~_has_a_line)
    .order_by(func.random())  # a month of one endpoint's holds up no hour of another's
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True),
)
_some = (
    select(col(ShopEvent.id), col(ShopEvent.type), col(ShopEvent.position))
    .where(col(ShopEvent.position) > _from, col(ShopEvent.position) <= _to)
    .order_by(col(ShopEvent.position))
    .limit(_limit)
    .cte("some")
)
_again = insert(WebhookDelivery).from_select(
    ["id", "endpoint_id", "event_id"],
    select(func.gen_random_uuid(), col(WebhookEndpoint.id), _some.c.id)
    .join(_some, wants(_some))
    .where(this_endpoint),
    include_defaults=False,
)
_made_due = (
    _again.on_conflict_do_update(
        index_elements=["event_id", "endpoint_id"],
        set_={
            "status": DeliveryStatus.DUE.value,
            "attempts": 0,
            "due_at": func.now(),
            "began_at": func.now(),
            "delivered_at": null(),
            "last_http_status": null(),
            "last_error": null(),
        },
    )
    .returning(col(WebhookDelivery.id))
    .cte("made_due")
)
REPLAY_SOME = Query(
    Replayed,
    select(func.max(_some.c.position).label("reached"), func.count().label("found")).add_cte(_made_due),
)
MOVE_REPLAY = (
    update(WebhookEndpoint)
    .where(this_endpoint)
    .values(
        replay_after=bindparam("reached", type_=BigInteger), replay_until=bindparam("last", type_=BigInteger)
    )
)
