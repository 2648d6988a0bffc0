"""Unpaid orders expire: the intent is canceled first, then the order. A payment that came first wins."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.payments.cancellation_statements import EXPIRED_ORDERS
from runtime.database.database import Database
from services.payments.intent_cancellation import CancellationGateway
from services.payments.order_cancellation import OrderCancellation

BATCH = 100


@dataclass(frozen=True, slots=True)
class DueOrder:
    """A pending order whose time is over."""

    id: UUID
    expires_at: datetime


class OrderExpiry:
    def __init__(self, database: Database, gateway: CancellationGateway) -> None:
        self._database = database
        self._cancellation = OrderCancellation(database, gateway)

    async def due(self, *, after: DueOrder | None = None) -> list[DueOrder]:
        """The next orders behind `after`, oldest first."""
        since = after.expires_at.isoformat() if after else "-infinity"
        parameters = {"since": since, "after_id": after.id if after else UUID(int=0), "limit": BATCH}
        rows = await self._database.rows(EXPIRED_ORDERS, parameters)
        return [DueOrder(row.id, row.expires_at) for row in rows]

    async def expire(self, order_id: UUID) -> bool:
        """Whether the order is closed now; not when its payment came first or is under way.

        Raises a `GatewayError` when Stripe can't be asked about its intent; then the order stays as it is.
        """
        return await self._cancellation.expire(order_id)
