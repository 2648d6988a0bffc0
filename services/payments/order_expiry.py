"""Unpaid orders expire: the intent is canceled first, then the order. A payment that came first wins."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import structlog

from models.payments.cancellation_statements import EXPIRED_ORDERS
from runtime.database.database import Database
from services.payments.intent_cancellation import CancellationGateway
from services.payments.intents import GatewayError
from services.payments.order_cancellation import OrderCancellation

BATCH = 100

log = structlog.get_logger(__name__)


class OrderExpiry:
    def __init__(self, database: Database, gateway: CancellationGateway) -> None:
        self._database = database
        self._cancellation = OrderCancellation(database, gateway)

    async def due(
        self, *, after: tuple[datetime, UUID] | None = None, limit: int = BATCH
    ) -> list[tuple[datetime, UUID]]:
        """The next pending orders whose time is over, oldest first, as a cursor and an id each."""
        since, order_id = after or (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
        rows = await self._database.rows(
            EXPIRED_ORDERS, {"since": since, "after_id": order_id, "limit": limit}
        )
        return [(row.expires_at, row.id) for row in rows]

    async def expire(self, order_id: UUID) -> bool:
        """Whether the order is closed now; not when its payment came first or is under way.

        Raises a `GatewayError` when Stripe can't be asked about its intent; then the order stays as it is.
        """
        return await self._cancellation.expire(order_id)

    async def expire_due(self) -> Counter[str]:
        """Expire all that are due; one that Stripe can't be asked about holds up no other. Counts, by what was done."""
        done: Counter[str] = Counter()
        after = None
        while due := await self.due(after=after):
            for _, order_id in due:
                try:
                    done["orders expired" if await self.expire(order_id) else "orders not expired"] += 1
                except GatewayError as error:
                    log.warning("order not expired", order=str(order_id), outcome=type(error).__name__)
                    done["orders not expired"] += 1
            after = due[-1]
        return done
