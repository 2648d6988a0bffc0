"""The statements by which a copied database becomes an installation of its own."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, func, update
from sqlmodel import col

from models.base import among
from models.orders.changes import OrderChange
from models.payments.installation import Installation, this_installation
from models.payments.tables import LIVE, Payment, PaymentState
from models.reconciliation.sweep_state import SweepRetry
from models.refunds.tables import Refund, RefundState
from models.stripe_events.tables import StripeEvent
from models.webhooks.tables import WebhookEndpoint
from runtime.database.statements import Query

COPIED_DATABASE = "copied_database"


class NewInstallation(NamedTuple):
    id: UUID


RENEW_INSTALLATION = Query(
    NewInstallation,
    update(Installation)
    .values(id=func.gen_random_uuid(), payments_since=func.clock_timestamp(), made_at=func.clock_timestamp())
    .returning(col(Installation.id)),
)
# What has the original's id is the original: every payment in it is its own, by the statement below.
SET_INSTALLATION = Query(
    NewInstallation,
    update(Installation)
    .values(id=bindparam("installation_id", type_=Uuid), payments_since=None)
    .returning(col(Installation.id)),
)
OWN_ALL_PAYMENTS = (
    update(Payment)
    .where(col(Payment.installation_id) != this_installation)
    .values(installation_id=this_installation)
)
# The copied payments that might still become money: the original goes on with them, this copy must not.
GIVE_UP_COPIED_PAYMENTS = (
    update(Payment)
    .where(among(col(Payment.state), LIVE))
    .values(
        state=PaymentState.ABANDONED.value,
        failure_code=COPIED_DATABASE,
        cause="new-installation-id",
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
