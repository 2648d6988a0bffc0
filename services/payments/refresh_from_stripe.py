"""An order's true state for whoever asks, also while a webhook is missing: Stripe is asked, within bounds."""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from models.orders.tables import OrderStatus
from models.payments.statements import LOOK_AT_INTENT
from models.payments.tables import LOOK_PAUSE_SECONDS, PaymentState
from runtime.database.database import Database
from services.identity.principal import Principal
from services.orders.orders import Orders
from services.orders.views import PlacedOrder
from services.payments.intents import GatewayError, Intent
from services.payments.settlement import Settlement

PAUSE = timedelta(seconds=LOOK_PAUSE_SECONDS)  # between two questions about the same order

log = structlog.get_logger(__name__)


class IntentReader(Protocol):
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class RefreshFromStripe:
    def __init__(self, database: Database, gateway: IntentReader) -> None:
        self._database = database
        self._gateway = gateway
        self._orders = Orders(database)
        self._settlement = Settlement(database)

    async def find(self, principal: Principal, order_id: UUID) -> PlacedOrder | None:
        """The order as `Orders.find` has it, healed first when its payment may have moved unnoticed."""
        order = await self._orders.find(principal, order_id)
        if order is None or not may_have_moved(order):
            return order
        looked = await self._database.row(LOOK_AT_INTENT, {"looked_at_order": order_id, "pause": PAUSE})
        if looked is None:
            return order
        try:
            intent = await self._gateway.retrieve_intent(looked.intent_id)
        except GatewayError as error:
            log.warning("order not healed", order=str(order_id), outcome=type(error).__name__)
            return order
        await self._settlement.apply(intent, cause="order looked at")
        return await self._orders.find(principal, order_id)


def may_have_moved(order: PlacedOrder) -> bool:
    """Whether Stripe may know more of a pending order than we do."""
    payable = (PaymentState.OPEN, PaymentState.PROCESSING)
    return order.status is OrderStatus.PENDING and any(
        p.state in payable and p.unwatched for p in order.payments
    )
