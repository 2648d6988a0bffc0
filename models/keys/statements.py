"""The statements over service keys and checkout tokens."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    String,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    false,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import col

from models.base import among
from models.keys.tables import CheckoutToken, ServiceKey
from models.orders.tables import Order, OrderStatus
from models.shop_events.tables import ShopEvent
from runtime.database.statements import Query

MOST_LISTED = 200  # live ones first, of which there are fewer
_described = (
    col(ServiceKey.id),
    col(ServiceKey.name),
    col(ServiceKey.scopes),
    col(ServiceKey.created_at),
    col(ServiceKey.last_used_at),
    col(ServiceKey.expires_at),
    col(ServiceKey.revoked_at),
)
_is_live = (
    col(ServiceKey.revoked_at).is_(None),
    or_(col(ServiceKey.expires_at).is_(None), col(ServiceKey.expires_at) > func.now()),
)
_this_key = col(ServiceKey.id) == bindparam("key_id", type_=Uuid)


class LiveKey(NamedTuple):
    id: UUID
    key_hash: bytes
    scopes: list[str]
    expires_at: datetime | None


LIVE_KEYS = Query(
    LiveKey,
    select(
        col(ServiceKey.id), col(ServiceKey.key_hash), col(ServiceKey.scopes), col(ServiceKey.expires_at)
    ).where(*_is_live),
)


class LiveKeys(NamedTuple):
    live: int


COUNT_LIVE_KEYS = Query(LiveKeys, select(func.count().label("live")).where(*_is_live))


class KeyRow(NamedTuple):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


SERVICE_KEYS = Query(
    KeyRow,
    select(*_described)
    .order_by(and_(*_is_live).desc(), col(ServiceKey.created_at).desc())
    .limit(MOST_LISTED),
)
SERVICE_KEY = Query(KeyRow, select(*_described).where(_this_key))
# The same id or token again is the same one: a statement whose answer was lost is sent once more.
ADD_KEY = Query(
    KeyRow,
    insert(ServiceKey)
    .values(
        id=bindparam("id", type_=Uuid),
        name=bindparam("name", type_=Text),
        scopes=bindparam("scopes", type_=ARRAY(String)),
        key_hash=bindparam("key_hash", type_=LargeBinary),
        created_by=bindparam("created_by", type_=Text),
        expires_at=bindparam("expires_at", type_=DateTime(timezone=True)),
    )
    .on_conflict_do_update(index_elements=["id"], set_={"name": bindparam("name", type_=Text)})
    .returning(*_described),
)
REVOKE_KEY = (
    update(ServiceKey).where(_this_key, col(ServiceKey.revoked_at).is_(None)).values(revoked_at=func.now())
)
NOTE_USE = (
    update(ServiceKey)
    .where(
        col(ServiceKey.id) == any_(bindparam("ids", type_=ARRAY(Uuid))),
        or_(
            col(ServiceKey.last_used_at).is_(None),
            col(ServiceKey.last_used_at) < func.now() - bindparam("pause", type_=Interval),
        ),
    )
    .values(last_used_at=func.now())
)
FORGET_OLD_KEYS = delete(ServiceKey).where(
    func.least(col(ServiceKey.revoked_at), col(ServiceKey.expires_at))
    < func.now() - bindparam("age", type_=Interval)
)


class CheckoutTokenEnd(NamedTuple):
    expires_at: datetime


OPEN = (OrderStatus.PENDING, OrderStatus.REVIEW)
_of_order = col(ShopEvent.order_id) == col(Order.id)
_last_open = (
    select(func.max(col(ShopEvent.written)))
    .where(_of_order, among(col(ShopEvent.order_status), OPEN))
    .correlate(Order)
    .scalar_subquery()
)
# When the order ended: a refund or a dispute that comes later renews nothing. An order of before the feed has no event.
_ended_at = func.least(
    select(func.min(col(ShopEvent.created_at)))
    .where(
        _of_order,
        not_(among(col(ShopEvent.order_status), OPEN)),
        col(ShopEvent.written) > func.coalesce(_last_open, 0),
    )
    .correlate(Order)
    .scalar_subquery(),
    col(Order.updated_at),
)
# What a checkout token opens: a pending order, and for a while one that has ended: whoever paid is shown that they did.
# For any other order there is no token, since it would open nothing.
_opens = or_(
    among(col(Order.status), OPEN),
    _ended_at > func.now() - bindparam("after_end", type_=Interval),
)
_is_expired = func.coalesce(col(Order.expires_at) <= func.now(), false())

ADD_CHECKOUT_TOKEN = Query(
    CheckoutTokenEnd,
    insert(CheckoutToken)
    .from_select(
        ["token_hash", "order_id", "created_by", "expires_at"],
        select(
            bindparam("token_hash", type_=LargeBinary),
            col(Order.id),
            bindparam("created_by", type_=Text),
            func.least(  # which leaves out a null
                func.now() + bindparam("lifetime", type_=Interval), col(Order.expires_at)
            ),
        ).where(col(Order.id) == bindparam("order_id", type_=Uuid), _opens, not_(_is_expired)),
    )
    .on_conflict_do_update(
        index_elements=["token_hash"], set_={"created_by": bindparam("created_by", type_=Text)}
    )
    .returning(col(CheckoutToken.expires_at)),
)


class OrderEnd(NamedTuple):
    status: str
    is_expired: bool


# Why there is no token for an order; no row when there is no such order.
ORDER_END = Query(
    OrderEnd,
    select(col(Order.status), _is_expired.label("is_expired")).where(
        col(Order.id) == bindparam("order_id", type_=Uuid)
    ),
)


class CheckoutTokenRow(NamedTuple):
    order_id: UUID
    expires_at: datetime


CHECKOUT_TOKEN = Query(
    CheckoutTokenRow,
    select(col(CheckoutToken.order_id), col(CheckoutToken.expires_at))
    .join(Order, col(Order.id) == col(CheckoutToken.order_id))
    .where(
        col(CheckoutToken.token_hash) == bindparam("token_hash", type_=LargeBinary),
        col(CheckoutToken.expires_at) > func.now(),
        _opens,
    ),
)
_over = (
    select(col(CheckoutToken.token_hash))
    .where(col(CheckoutToken.expires_at) < func.now() - bindparam("age", type_=Interval))
    .limit(bindparam("most", type_=Integer))
)
FORGET_OLD_CHECKOUT_TOKENS = delete(CheckoutToken).where(col(CheckoutToken.token_hash).in_(_over))
