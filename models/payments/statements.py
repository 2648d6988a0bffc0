"""The statements over payments, built once; each is one round trip."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Interval,
    Text,
    Uuid,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import among
from models.currencies.charge_limits import ChargeLimit
from models.declines.statements import SECONDS_CLOSED
from models.orders.tables import Order, OrderStatus, order_total
from models.payments.installation import this_installation
from models.payments.stripe_parameters import DESCRIBED_ORDER, stripe_parameters
from models.payments.tables import IS_LIVE, LIVE, Payment, PaymentState
from models.refunds.sums import still_here
from runtime.database.statements import Query

# Stripe may forget an idempotency key after 24 hours; an hour before that a replay is no longer safe.
KEY_LIFETIME = literal_column("interval '23 hours'", Interval)


# MATERIALIZED, so that the items are added up once: what an order of 500 costs is mostly that.
_priced = (
    select(
        col(Order.id),
        col(Order.status),
        col(Order.currency),
        col(Order.version),
        func.coalesce(col(Order.expires_at) <= func.now(), false()).label("is_expired"),
        order_total.label("total"),
        *DESCRIBED_ORDER,
        col(ChargeLimit.minimum),
        col(ChargeLimit.maximum),
        col(ChargeLimit.step),
        SECONDS_CLOSED.label("seconds_closed"),
    )
    .join(ChargeLimit, col(ChargeLimit.currency) == col(Order.currency))
    .where(
        col(Order.id) == bindparam("order_id"),
        or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),
    )
    .cte("priced")
    .prefix_with("MATERIALIZED")
)
# Money of this order that is still here, whatever it is to it: it keeps the order unpayable until a person decides.
_earlier = aliased(Payment, name="earlier")


def _has_money(order_id: Any) -> ColumnElement[bool]:
    return exists().where(
        col(_earlier.order_id) == order_id,
        col(_earlier.state) == PaymentState.SUCCEEDED.value,
        still_here(_earlier) > 0,
    )


_chargeable = and_(
    _priced.c.total.between(_priced.c.minimum, _priced.c.maximum), _priced.c.total % _priced.c.step == 0
)
_order = select(_priced, _chargeable.label("chargeable"), _has_money(_priced.c.id).label("has_money")).cte(
    "wanted"
)
_live = aliased(Payment, name="live")
_is_live = among(col(_live.state), LIVE)
_payment_id = bindparam("payment_id", type_=Uuid)
_recorded = (
    insert(Payment)
    .from_select(
        [
            "id",
            "order_id",
            "state",
            "idempotency_key",
            "amount",
            "currency",
            "order_version",
            "stripe_parameters",
            "cause",
            "lease_until",
        ],
        select(
            _payment_id,
            _order.c.id,
            literal(PaymentState.CREATING.value, Text),
            func.concat("pi:", _payment_id),
            _order.c.total,
            _order.c.currency,
            _order.c.version,
            stripe_parameters(_order, _payment_id),
            literal("createPaymentIntent", Text),
            func.now() + bindparam("lease", type_=Interval),
        ).where(
            bindparam("may_record", type_=Boolean),
            _order.c.status == OrderStatus.PENDING.value,
            _order.c.chargeable,
            ~_order.c.has_money,
            ~_order.c.is_expired,
            func.coalesce(_order.c.seconds_closed, 0) <= 0,
            ~exists().where(col(_live.order_id) == _order.c.id, _is_live),
        ),
    )
    .on_conflict_do_nothing(index_elements=["order_id"], index_where=IS_LIVE)
    .returning(col(Payment.id), col(Payment.stripe_parameters))
    .cte("recorded")
)


class ClaimRow(NamedTuple):
    """An order and its live payment, if it has one. Amounts are minor units."""

    status: str
    currency: str
    version: int
    total: int
    minimum: int
    maximum: int
    chargeable: bool
    has_money: bool
    is_expired: bool
    seconds_closed: int | None
    recorded_id: UUID | None
    recorded_parameters: dict[str, Any] | None
    payment_id: UUID | None
    state: str | None
    amount: int | None
    payment_currency: str | None
    order_version: int | None
    payment_parameters: dict[str, Any] | None
    intent_id: str | None
    leased: bool | None
    key_expired: bool | None
    installation_id: UUID


# Records a payment for a pending order of this user that has none, unless `may_record` is false, and tells what there
# is: no row when the order isn't theirs or isn't there. One round trip for the check of owner, state and total, and
# the record.
# CLAIM in SQL:
#     WITH priced AS MATERIALIZED (
#       SELECT orders.id, orders.status, orders.currency, orders.version, coalesce(orders.expires_at <= now(), false)
#           AS is_expired, (
#         SELECT CAST(least(coalesce(sum(CASE WHEN (order_items.kind IN ('discount', 'credit')) THEN
#             (-order_items.unit_amount) * order_items.quantity ELSE order_items.unit_amount * order_items.quantity
#             END), 0), 9223372036854775807) AS BIGINT)
#         FROM order_items
#         WHERE order_items.order_id = orders.id)
#       AS total, orders.reference, orders.receipt_email, orders.shop_metadata, charge_limits.minimum,
#           charge_limits.maximum, charge_limits.step, CAST(ceil(EXTRACT(epoch FROM greatest((
#         SELECT declines.at + interval '3600 seconds'
#         FROM declines
#         WHERE declines.order_id = orders.id
#         ORDER BY declines.at DESC LIMIT 1 OFFSET 9), (
#         SELECT declines.at + interval '3600 seconds'
#         FROM declines
#         WHERE declines.user_id = orders.user_id
#         ORDER BY declines.at DESC LIMIT 1 OFFSET 29))
#       - now())) AS INTEGER) AS seconds_closed
#       FROM orders JOIN charge_limits ON charge_limits.currency = orders.currency
#       WHERE orders.id = $1 AND (orders.user_id = $2 OR $3)),
#     wanted AS (
#       SELECT priced.id, priced.status, priced.currency, priced.version, priced.is_expired, priced.total,
#           priced.reference, priced.receipt_email, priced.shop_metadata, priced.minimum, priced.maximum, priced.step,
#           priced.seconds_closed, priced.total BETWEEN priced.minimum AND priced.maximum AND priced.total % priced.step
#           = 0 AS chargeable, EXISTS (
#         SELECT *
#         FROM payments AS earlier
#         WHERE earlier.order_id = priced.id AND earlier.state = 'succeeded' AND (earlier.amount_received - (
#           SELECT coalesce(sum(made.amount), 0)
#           FROM refunds AS made
#           WHERE made.payment_id = earlier.id AND made.state IN ('pending', 'requires_action', 'succeeded')))
#         - (
#           SELECT coalesce(sum(taken.amount), 0)
#           FROM disputes AS taken
#           WHERE taken.payment_id = earlier.id AND taken.status = 'lost')
#         > 0)
#       AS has_money
#       FROM priced),
#     recorded AS (
#       INSERT INTO payments (id, order_id, state, idempotency_key, amount, currency, order_version,
#           stripe_parameters, cause, lease_until, amount_received, revision)
#       SELECT $4, wanted.id, 'creating', concat('pi:', $4), wanted.total, wanted.currency, wanted.version,
#           jsonb_strip_nulls(jsonb_build_object(CAST('description' AS TEXT), left(wanted.reference, 500),
#           CAST('receipt_email' AS TEXT), CASE WHEN $5 THEN nullif(wanted.receipt_email, '') END,
#           CAST('statement_descriptor_suffix' AS TEXT), $6, CAST('metadata' AS TEXT), coalesce((
#         SELECT jsonb_object_agg(taken.key, taken.value) AS jsonb_object_agg_1
#         FROM (
#           SELECT entry.key, entry.value
#           FROM jsonb_each_text(CASE WHEN (jsonb_typeof(wanted.shop_metadata) = 'object') THEN wanted.shop_metadata
#               ELSE CAST('{}' AS JSONB) END) AS entry
#           WHERE length(entry.key) BETWEEN 1 AND 40 AND length(entry.value) BETWEEN 1 AND 500 AND entry.key !~ '[][]'
#               AND (entry.key NOT IN ('order_id', 'payment_id', 'installation_id', 'reference'))
#           ORDER BY entry.key LIMIT 46) AS taken),
#           CAST('{}' AS JSONB)) || jsonb_strip_nulls(jsonb_build_object(CAST('order_id' AS TEXT), CAST(wanted.id AS
#           TEXT), CAST('payment_id' AS TEXT), CAST($4 AS TEXT), CAST('installation_id' AS TEXT), CAST((
#         SELECT installation.id
#         FROM installation)
#           AS TEXT), CAST('reference' AS TEXT), left(wanted.reference, 500))))) AS jsonb_strip_nulls_1,
#           'createPaymentIntent', now() + $7, $8, $9
#       FROM wanted
#       WHERE $10 AND wanted.status = 'pending' AND wanted.chargeable AND NOT wanted.has_money AND NOT
#           wanted.is_expired AND coalesce(wanted.seconds_closed, 0) <= 0 AND NOT (EXISTS (
#         SELECT *
#         FROM payments AS live
#         WHERE live.order_id = wanted.id AND live.state IN ('creating', 'open', 'processing', 'canceling')))
#       ON CONFLICT (order_id)
#       WHERE state IN ('creating', 'open', 'processing', 'canceling') DO NOTHING
#       RETURNING payments.id, payments.stripe_parameters)
#     SELECT wanted.status, wanted.currency, wanted.version, wanted.total, wanted.minimum, wanted.maximum,
#         wanted.chargeable, wanted.has_money, wanted.is_expired, wanted.seconds_closed, recorded.id AS recorded_id,
#         recorded.stripe_parameters AS recorded_parameters, live.id AS payment_id, live.state, live.amount,
#         live.currency AS payment_currency, live.order_version, live.stripe_parameters AS payment_parameters,
#         live.intent_id, live.lease_until > now() AS leased, live.created_at < now() - interval '23 hours' AS
#         key_expired, (
#       SELECT installation.id
#       FROM installation)
#     AS installation_id
#     FROM wanted
#     LEFT OUTER JOIN recorded ON true
#     LEFT OUTER JOIN payments AS live ON live.order_id = wanted.id AND live.state IN ('creating', 'open',
#         'processing', 'canceling')
CLAIM = Query(
    ClaimRow,
    select(
        _order.c.status,
        _order.c.currency,
        _order.c.version,
        _order.c.total,
        _order.c.minimum,
        _order.c.maximum,
        _order.c.chargeable,
        _order.c.has_money,
        _order.c.is_expired,
        _order.c.seconds_closed,
        _recorded.c.id.label("recorded_id"),
        _recorded.c.stripe_parameters.label("recorded_parameters"),
        col(_live.id).label("payment_id"),
        col(_live.state),
        col(_live.amount),
        col(_live.currency).label("payment_currency"),
        col(_live.order_version),
        col(_live.stripe_parameters).label("payment_parameters"),
        col(_live.intent_id),
        (col(_live.lease_until) > func.now()).label("leased"),
        (col(_live.created_at) < func.now() - KEY_LIFETIME).label("key_expired"),
        this_installation.label("installation_id"),
    ).select_from(
        _order.outerjoin(_recorded, true()).outerjoin(
            _live, and_(col(_live.order_id) == _order.c.id, _is_live)
        )
    ),
)

_this_payment = col(Payment.id) == bindparam("payment_id", type_=Uuid)
_from_state = col(Payment.state) == bindparam("from_state")

TAKE_LEASE = (
    update(Payment)
    .where(
        _this_payment,
        _from_state,
        col(Payment.order_version) == bindparam("seen_version"),
        func.coalesce(col(Payment.lease_until), func.now()) <= func.now(),
    )
    .values(lease_until=func.now() + bindparam("lease", type_=Interval))
    .returning(col(Payment.id))
)
END_LEASE = update(Payment).where(_this_payment, _from_state).values(lease_until=None)

# The order first: who waits for its lock gets it as it was committed then. A statement that waited for the payment
# alone would go on with the order of its own first moment, and release a secret of the amount before a change.
_ordered = (
    select(col(Order.id), col(Order.status), col(Order.currency), col(Order.version), col(Order.expires_at))
    .join(Payment, col(Payment.order_id) == col(Order.id))
    .where(_this_payment)
    .with_for_update(read=True, of=Order)
    .cte("ordered")
    .prefix_with("MATERIALIZED")
)
_opened = (
    update(Payment)
    .where(_this_payment, _from_state, col(Payment.order_id) == _ordered.c.id)
    .values(
        state=PaymentState.OPEN.value,
        intent_id=bindparam("intent_id"),
        lease_until=None,
        cause=bindparam("cause"),
        updated_at=func.now(),
    )
    .returning(col(Payment.order_id), col(Payment.currency), col(Payment.order_version))
    .cte("opened")
)


class OpenedRow(NamedTuple):
    releasable: bool


# The second record and the release check in one: no row when another call recorded first, and `releasable` only while
# the order is pending and its total is what Stripe was asked for. CLAIM read the version and added the items up in one
# statement, so of one snapshot; whatever changes an item makes the version grow in the same transaction (a trigger,
# under the order's row lock). So at the same version the total is the same, and at another one it is looked at anew.
# `from_state` is a parameter, or PostgreSQL looks for the payment in the index of unanswered ones, which is full of
# those just answered.
# OPEN_PAYMENT in SQL:
#     WITH ordered AS MATERIALIZED (
#       SELECT orders.id, orders.status, orders.currency, orders.version, orders.expires_at
#       FROM orders JOIN payments ON payments.order_id = orders.id
#       WHERE payments.id = $1 FOR SHARE OF orders),
#     opened AS (
#       UPDATE payments
#       SET state='open', intent_id=$2, cause=$3, lease_until=$4, updated_at=now()
#       FROM ordered
#       WHERE payments.id = $1 AND payments.state = $5 AND payments.order_id = ordered.id
#       RETURNING payments.order_id, payments.currency, payments.order_version)
#     SELECT ordered.status = 'pending' AND ordered.currency = opened.currency AND ordered.version =
#         opened.order_version AND coalesce(ordered.expires_at > now(), true) AND NOT (EXISTS (
#       SELECT *
#       FROM payments AS earlier
#       WHERE earlier.order_id = opened.order_id AND earlier.state = 'succeeded' AND (earlier.amount_received - (
#         SELECT coalesce(sum(made.amount), 0)
#         FROM refunds AS made
#         WHERE made.payment_id = earlier.id AND made.state IN ('pending', 'requires_action', 'succeeded')))
#       - (
#         SELECT coalesce(sum(taken.amount), 0)
#         FROM disputes AS taken
#         WHERE taken.payment_id = earlier.id AND taken.status = 'lost')
#       > 0))
#     AS releasable
#     FROM opened JOIN ordered ON ordered.id = opened.order_id
OPEN_PAYMENT = Query(
    OpenedRow,
    select(
        and_(
            _ordered.c.status == OrderStatus.PENDING.value,
            _ordered.c.currency == _opened.c.currency,
            _ordered.c.version == _opened.c.order_version,
            func.coalesce(_ordered.c.expires_at > func.now(), true()),
            ~_has_money(_opened.c.order_id),
        ).label("releasable")
    )
    .select_from(_opened)
    .join(_ordered, _ordered.c.id == _opened.c.order_id),
)

# A compare-and-set from one state to another; no row when the payment had moved on.
MOVE_PAYMENT = (
    update(Payment)
    .where(_this_payment, _from_state)
    .values(
        state=bindparam("to_state"),
        failure_code=bindparam("failure_code"),
        cause=bindparam("cause"),
        lease_until=None,
        updated_at=func.now(),
    )
    .returning(col(Payment.id))
)

REPRICE_PAYMENT = (
    update(Payment)
    .where(
        _this_payment,
        _from_state,
        col(Payment.order_version) < bindparam("order_version"),
    )
    .values(
        amount=bindparam("amount"),
        order_version=bindparam("order_version"),
        lease_until=None,
        cause=bindparam("cause"),
        updated_at=func.now(),
    )
    .returning(col(Payment.id))
)
