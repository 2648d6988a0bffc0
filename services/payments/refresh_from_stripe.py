"""An order's true state for whoever looks at it, also while a webhook is missing: Stripe is asked, within bounds.

What is known is shown at once. Looking is the least of all work: one look serves all who want it, it waits behind
everybody else, and the older a payment is, the longer is the pause between two looks at it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

import structlog

from models.orders.statements import EVERY_PART, OrderParts
from models.orders.tables import OrderStatus
from models.payments.looks import LOOK_AT_INTENT
from models.payments.tables import PaymentState
from runtime.database.database import Database, DatabaseUnavailable
from services.identity.principal import Principal
from services.orders.orders import Orders
from services.orders.views import PaymentView, PlacedOrder
from services.payments.call_priority import Rank, Turn, asking_as
from services.payments.intents import GatewayError, Intent
from services.payments.settlement import Settlement

PATIENCE = 1.0  # seconds that a reader waits for a look that is under way

log = structlog.get_logger(__name__)


class IntentReader(Protocol):
    def turn_to_retrieve(self, intent_id: str) -> Turn: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class RefreshFromStripe:
    def __init__(self, database: Database, gateway: IntentReader) -> None:
        self._database = database
        self._gateway = gateway
        self._orders = Orders(database)
        self._settlement = Settlement(database)
        self._looks: dict[UUID, _Look] = {}

    async def find(
        self, principal: Principal, order_id: UUID, parts: OrderParts = EVERY_PART
    ) -> PlacedOrder | None:
        """The order as `Orders.find` has it, after a look at Stripe if its payment may have moved unnoticed.

        A look that has to wait for its turn is not waited for: whoever asks next sees what it brought.
        """
        parts |= OrderParts.PAYMENTS  # which tell whether to look
        order = await self._orders.find(principal, order_id, parts)
        payment = may_have_moved(order) if order else None
        if payment is None:
            return order
        look = self._looks.get(order_id) or self._begin(order_id, payment.intent_id or "")
        await asyncio.sleep(0)  # so that it has asked for its turn
        if look.waits:
            return order
        await asyncio.wait([look.task], timeout=PATIENCE)
        if not look.task.done():
            return order
        return await self._orders.find(principal, order_id, parts) if look.task.result() else order

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """End with the block what is still under way."""
        try:
            yield
        finally:
            tasks = [look.task for look in self._looks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, order_id: UUID, intent_id: str) -> "_Look":
        look = self._looks[order_id] = _Look()
        look.task = asyncio.create_task(self._look(look, order_id, intent_id))
        look.task.add_done_callback(lambda _: self._looks.pop(order_id))
        return look

    async def _look(self, look: "_Look", order_id: UUID, intent_id: str) -> bool:
        """Whether Stripe's answer was written down."""
        with asking_as(Rank.READER), self._gateway.turn_to_retrieve(intent_id) as turn:
            look.waits = not turn.is_here
            try:
                await turn.wait()
                if await self._database.row(LOOK_AT_INTENT, {"looked_at_order": order_id}) is None:
                    return False  # another process was faster
                intent = await self._gateway.retrieve_intent(intent_id)
                await self._settlement.apply(intent, cause="order looked at")
            except (GatewayError, DatabaseUnavailable) as error:  # such as an order that is locked for long
                log.info("order not looked at", order=str(order_id), outcome=type(error).__name__)
                return False
            return True


class _Look:
    """`waits`: for its turn at Stripe."""

    task: asyncio.Task[bool]
    waits = False


def may_have_moved(order: PlacedOrder) -> PaymentView | None:
    """The payment of a pending order of which Stripe may know more than we do."""
    if order.status is not OrderStatus.PENDING:
        return None
    payable = (PaymentState.OPEN, PaymentState.PROCESSING)
    return next((each for each in order.payments if each.state in payable and each.unwatched), None)
