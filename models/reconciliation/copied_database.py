"""The statements by which a copied database becomes an installation of its own, and by which one gets its id back."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Interval,
    Uuid,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.attention.tables import AttentionCase, AttentionKind
from models.base import among
from models.orders.changes import OrderChange
from models.payments.installation import FormerInstallation, Installation, is_recorded_here, recorded_here
from models.payments.tables import LIVE, Payment, PaymentState
from models.reconciliation.leases import Lease
from models.reconciliation.sweep_state import SweepRetry
from models.refunds.tables import Refund, RefundState
from models.stripe_events.tables import StripeEvent
from models.webhooks.tables import WebhookEndpoint
from runtime.database.statements import Query

COPIED_DATABASE = "copied_database"
COMMAND, COMMAND_WITH_ID = "new-installation-id", "new-installation-id --id"
UNKNOWN_ID = UUID(int=0)  # of payments that were copied before they named their installation (migration 0032)

_is_without_order = col(AttentionCase.kind) == AttentionKind.MONEY_WITHOUT_ORDER.value


class LockedInstallation(NamedTuple):
    id: UUID
    made_at: datetime
    payments_since: datetime | None


LOCK_INSTALLATION = Query(
    LockedInstallation,
    select(
        col(Installation.id), col(Installation.made_at), col(Installation.payments_since)
    ).with_for_update(),
)


class FormerRow(NamedTuple):
    id: UUID
    left_at: datetime
    belongs_to: UUID | None


FORMER_INSTALLATIONS = Query(
    FormerRow,
    select(
        col(FormerInstallation.id), col(FormerInstallation.left_at), col(FormerInstallation.belongs_to)
    ).order_by(col(FormerInstallation.left_at)),
)

# A copy gets an id of its own.


class NewInstallation(NamedTuple):
    id: UUID


_leaving = insert(FormerInstallation).from_select(["id"], select(col(Installation.id)))
LEAVE_INSTALLATION = _leaving.on_conflict_do_update(
    index_elements=["id"], set_={"left_at": func.now(), "belongs_to": None}
)
RENEW_INSTALLATION = Query(
    NewInstallation,
    update(Installation)
    .values(id=func.gen_random_uuid(), payments_since=func.now(), made_at=func.clock_timestamp())
    .returning(col(Installation.id)),
)
# The copied payments that might still become money: the original goes on with them, this copy must not.
GIVE_UP_COPIED_PAYMENTS = (
    update(Payment)
    .where(among(col(Payment.state), LIVE))
    .values(
        state=PaymentState.ABANDONED.value,
        failure_code=COPIED_DATABASE,
        cause=COMMAND,
        lease_until=None,
        updated_at=func.now(),
    )
    .returning(col(Payment.id))
)
FAIL_COPIED_REFUNDS = (
    update(Refund)
    .where(among(col(Refund.state), (RefundState.CREATING, RefundState.PENDING, RefundState.REQUIRES_ACTION)))
    .values(
        state=RefundState.FAILED.value,
        failure_code=COPIED_DATABASE,
        lease_until=None,
        updated_at=func.now(),
    )
)
FINISH_COPIED_EVENTS = (
    update(StripeEvent).where(col(StripeEvent.finished_at).is_(None)).values(finished_at=func.now())
)
# Changes of orders that would reprice the original's intents, and items that a sweep of the original would try again.
DROP_COPIED_CHANGES = delete(OrderChange)
FORGET_COPIED_ITEMS = delete(SweepRetry)
# The facts close all other cases about money. An order that only a newer backup has is the original's.
CLOSE_COPIED_CASES = (
    update(AttentionCase)
    .where(_is_without_order, col(AttentionCase.closed_at).is_(None))
    .values(closed_at=func.now())
)
# The shop's endpoints hear of the original; the next look gives up what is due to them here.
DISABLE_COPIED_ENDPOINTS = (
    update(WebhookEndpoint)
    .where(col(WebhookEndpoint.disabled_at).is_(None))
    .values(
        disabled_at=func.now(),
        disabled_because="The database was copied: events of the copy are none of the shop's.",
        replay_after=None,
        replay_until=None,
    )
)

# The database gets back an id that it had. `ids` are those that it had since: what was recorded under them is its own.
_wanted = bindparam("wanted", type_=Uuid)
_ids = func.any(bindparam("ids", type_=ARRAY(Uuid)))
_since = bindparam("since", type_=DateTime(timezone=True))
A_DAY = literal_column("interval '1 day'", Interval)  # that the clocks may differ, Stripe's and ours

SET_INSTALLATION = update(Installation).values(id=_wanted, payments_since=None)
ADD_FORMER = insert(FormerInstallation).values(id=bindparam("former_id", type_=Uuid)).on_conflict_do_nothing()
OWN_FORMER = (
    update(FormerInstallation)
    .where(
        or_(
            col(FormerInstallation.id) == _wanted,
            col(FormerInstallation.id) == _ids,
            col(FormerInstallation.belongs_to) == _ids,
        )
    )
    .values(belongs_to=_wanted)
)

_candidate, _live = aliased(Payment, name="candidate"), aliased(Payment, name="live")
_newest = (
    select(col(_candidate.id))
    .ext(distinct_on(col(_candidate.order_id)))
    .where(
        recorded_here(_candidate),
        col(_candidate.state) == PaymentState.ABANDONED.value,
        col(_candidate.failure_code) == COPIED_DATABASE,
        ~exists().where(col(_live.order_id) == col(_candidate.order_id), among(col(_live.state), LIVE)),
    )
    .order_by(col(_candidate.order_id), col(_candidate.created_at).desc())
)
# Of one whose order was asked for again meanwhile, Stripe's lists and events tell what became of it.
GO_ON_WITH_PAYMENTS = (
    update(Payment)
    .where(col(Payment.id).in_(_newest))
    .values(
        state=case(
            (col(Payment.intent_id).is_(None), PaymentState.CREATING.value), else_=PaymentState.OPEN.value
        ),
        failure_code=None,
        cause=COMMAND_WITH_ID,
        looked_at=Payment.created_at,
        updated_at=func.now(),
    )
    .returning(col(Payment.id))
)
GO_ON_WITH_REFUNDS = (
    update(Refund)
    .where(
        col(Refund.state) == RefundState.FAILED.value,
        col(Refund.failure_code) == COPIED_DATABASE,
        col(Payment.id) == col(Refund.payment_id),
        is_recorded_here,
    )
    .values(
        state=case(
            (col(Refund.stripe_refund_id).is_(None), RefundState.CREATING.value),
            else_=RefundState.PENDING.value,
        ),
        failure_code=None,
        tries=0,
        due_at=func.now(),
        updated_at=func.now(),
    )
    .returning(col(Refund.id))
)
# What came meanwhile was another installation's, and was finished as such, or never stored.
GO_ON_WITH_EVENTS = (
    update(StripeEvent)
    .where(col(StripeEvent.finished_at) >= _since - A_DAY)
    .values(finished_at=None, due_at=func.now(), attempts=0)
    .returning(col(StripeEvent.id))
)
REOPEN_CASES = (
    update(AttentionCase)
    .where(_is_without_order, col(AttentionCase.closed_at) == _since)
    .values(closed_at=None)
)
READ_LISTS_AGAIN = (
    update(Lease)
    .where(col(Lease.name).startswith("list of "))
    .values(done_until=func.least(col(Lease.done_until), _since - A_DAY))
)
