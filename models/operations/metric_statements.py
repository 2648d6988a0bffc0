"""What `/metrics` asks the database. Each count ends at a bound, so that no scrape grows with the shop."""

from typing import Any, NamedTuple

from sqlalchemy import (
    Integer,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    union_all,
)
from sqlmodel import col

from models.attention.tables import IS_OPEN, AttentionCase
from models.payments.tables import IS_LIVE, Payment, PaymentTransition
from models.reconciliation.leases import Lease
from models.reconciliation.sweep_state import SweepRetry, SweepStep
from models.shop_events.tables import ShopEvent
from models.stripe_events.tables import StripeEvent
from models.webhooks.tables import WebhookDelivery, WebhookEndpoint
from runtime.database.statements import Query

# Tables that were not vacuumed: their statistics are old, so that the planner would read them whole instead of the
# small partial indexes, and rows that are gone still stand in those. So the plan is given, and counting ends.
AT_MOST = text(
    "SELECT set_config('statement_timeout', '250ms', true), set_config('lock_timeout', '0', true),"
    " set_config('enable_seqscan', 'off', true)"
)
COUNTED_TO = 100_000  # payments that are live, and events
DELIVERIES_LOOKED_AT = 20_000
TRANSITIONS_LOOKED_AT = 20_000  # the newest; sixty a second for five minutes

_live = select(col(Payment.state).label("name")).where(IS_LIVE).limit(COUNTED_TO).subquery()
_pending = (
    select(col(StripeEvent.received_at)).where(col(StripeEvent.finished_at).is_(None)).limit(COUNTED_TO)
).cte("waiting")
_five_minutes_ago = func.now() - literal_column("interval '5 minutes'")
# Found by going back from the newest: what it costs follows what happened since.
_last_before = (
    select(col(PaymentTransition.id))
    .where(col(PaymentTransition.at) <= _five_minutes_ago)
    .order_by(col(PaymentTransition.id).desc())
    .limit(1)
    .scalar_subquery()
)
_newest = (
    select(col(PaymentTransition.to_state), col(PaymentTransition.at))
    .where(col(PaymentTransition.id) > func.coalesce(_last_before, 0))
    .order_by(col(PaymentTransition.id).desc())
    .limit(TRANSITIONS_LOOKED_AT)
).subquery()
_failing = select(col(SweepRetry.item)).limit(COUNTED_TO).subquery()
_nothing = cast(null(), Text)

_unpublished = (
    select(col(ShopEvent.created_at)).where(col(ShopEvent.position).is_(None)).limit(COUNTED_TO)
).subquery()
_due = (
    select(col(WebhookDelivery.began_at), col(WebhookDelivery.due_at), col(WebhookEndpoint.failing_since))
    .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
    .where(col(WebhookDelivery.status) == literal_column("'due'"), col(WebhookEndpoint.disabled_at).is_(None))
    .limit(DELIVERIES_LOOKED_AT)
).cte("due")
_failing_endpoints = (
    select(col(WebhookEndpoint.id))
    .where(col(WebhookEndpoint.failing_since).is_not(None), col(WebhookEndpoint.disabled_at).is_(None))
    .subquery()
)


def _seconds_since(moment: Any) -> Any:
    """0 for none, and for one that lies ahead."""
    return cast(func.greatest(func.coalesce(func.extract("epoch", func.now() - moment), 0), 0), Integer)


_cases = select(col(AttentionCase.kind).label("name")).where(IS_OPEN).limit(COUNTED_TO).subquery()


class Figure(NamedTuple):
    kind: str
    name: str | None
    value: int


# Rows of (kind, name, value): `attention`, open cases by kind; `live` payments by state; payments that `moved` into a
# state in the last five minutes; `pending` events; `oldest`, the seconds that one of them waits; `swept`, seconds
# since the last whole sweep (the lease `sweep`) began; `unpublished`, seconds that an event of the shop has no place in
# its feed; webhook deliveries that are `due`, the seconds that one of them has been `undelivered`, and by which one to
# an endpoint that is well is `overdue`; endpoints that `fail`.
FIGURES = Query(
    Figure,
    union_all(
        select(literal("live").label("kind"), _live.c.name, func.count().label("value")).group_by(
            _live.c.name
        ),
        select(literal("attention"), _cases.c.name, func.count()).group_by(_cases.c.name),
        select(literal("moved"), _newest.c.to_state, func.count())
        .where(_newest.c.at > _five_minutes_ago)
        .group_by(_newest.c.to_state),
        select(
            literal("step_age"),
            col(SweepStep.name),
            cast(func.extract("epoch", func.now() - col(SweepStep.last_whole_at)), Integer),
        ).where(col(SweepStep.last_whole_at).is_not(None)),
        select(literal("step_milliseconds"), col(SweepStep.name), col(SweepStep.milliseconds)).where(
            col(SweepStep.last_whole_at).is_not(None)
        ),
        select(literal("failing"), _nothing, func.count()).select_from(_failing),
        select(literal("unpublished"), _nothing, _seconds_since(func.min(_unpublished.c.created_at))),
        select(literal("due"), _nothing, func.count()).select_from(_due),
        select(literal("undelivered"), _nothing, _seconds_since(func.min(_due.c.began_at))),
        select(literal("overdue"), _nothing, _seconds_since(func.min(_due.c.due_at))).where(
            _due.c.failing_since.is_(None)
        ),
        select(literal("fail"), _nothing, func.count()).select_from(_failing_endpoints),
        select(literal("pending"), _nothing, func.count()).select_from(_pending),
        select(
            literal("oldest"),
            _nothing,
            cast(
                func.coalesce(func.extract("epoch", func.now() - func.min(_pending.c.received_at)), 0),
                Integer,
            ),
        ),
        select(
            literal("swept"),
            _nothing,
            cast(func.extract("epoch", func.now() - col(Lease.done_until)), Integer),
        ).where(col(Lease.name) == bindparam("sweep", type_=Text), col(Lease.done_until).is_not(None)),
    ),
)
