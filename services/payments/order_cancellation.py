"""Canceling an order: it is closed, and its intent with it. Money that arrives all the same is refunded, once."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from models.orders.tables import CancelReason, OrderStatus
from models.payments.cancellation_statements import (
    CLOSE_ORDER,
    CLOSE_PAYMENT,
    IS_EXPIRED,
    LIVE_PAYMENT,
    LOCK_LIVE_PAYMENT,
    WAITING_MONEY,
    LivePaymentRow,
)
from models.payments.settlement_statements import LOCK_ORDER
from models.payments.tables import PaymentState
from models.refunds.statements import ORDER_STATUS
from runtime.database.database import Database, Transaction
from services.identity.principal import Permission, Principal
from services.orders.refusals import OrderNotCancelable, OrderNotFound
from services.payments import failpoints
from services.payments.call_priority import on_behalf_of
from services.payments.intent_cancellation import CancellationGateway, IntentCancellation
from services.payments.intents import GatewayError, IntentStatus
from services.payments.refusals import PaymentInProgress, refusal_of
from services.payments.settlement import Settlement

LOOKS = 3  # at an order whose payment changes while it is being canceled
CAUSE = "cancelOrder"
EXPIRED = "expired"
UNDER_WAY = (IntentStatus.PROCESSING, IntentStatus.SUCCEEDED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Cancellation:
    """In whose name an order is closed, what its payment's history says of it, and the id of who did it, if anybody."""

    reason: CancelReason
    cause: str
    by: str | None = None


class OrderCancellation:
    def __init__(self, database: Database, gateway: CancellationGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._cancellation = IntentCancellation(database, gateway)
        self._settlement = Settlement(database)

    async def cancel(self, principal: Principal, order_id: UUID) -> None:
        """Close a pending order that is the caller's, or that they may cancel; a second time changes nothing.

        Raises `OrderNotFound`, `OrderNotCancelable`, `PaymentInProgress` while money is on its way, or
        `PaymentProviderUnavailable` when Stripe can't be asked whether it is.
        """
        with on_behalf_of(principal.id):
            for _ in range(LOOKS):
                if await self._is_canceled(principal, order_id):
                    return
        raise PaymentInProgress

    async def _is_canceled(self, principal: Principal, order_id: UUID) -> bool:
        """Whether it is canceled now; not when its payment changed meanwhile."""
        status, reason = await self._status(principal, order_id)
        if status is OrderStatus.CANCELED:
            return True
        live = await self._database.row(LIVE_PAYMENT, {"order_id": order_id})
        if live is not None and live.intent_id is not None:
            await self._refuse_if_under_way(live.intent_id)
        if not await self._close(order_id, live, _Cancellation(reason, CAUSE, principal.id)):
            return False
        failpoints.reach(failpoints.ORDER_CLOSED)
        await self._close_intent(live)
        return True

    async def expire(self, order_id: UUID) -> bool:
        """Cancel an unpaid order whose time is over: its intent first, so that nobody can pay a closed order.

        False when a payment came first or is under way, or when the order's time is not over any more. Raises a
        `GatewayError` when Stripe can't be asked about the intent; then the order stays as it is.
        """
        live = await self._database.row(LIVE_PAYMENT, {"order_id": order_id})
        if live is not None and live.intent_id is not None:
            if not await self._is_unpaid(live.intent_id):
                return False
            live = None
        try:
            return await self._close(order_id, live, _Cancellation(CancelReason.EXPIRED, EXPIRED))
        except OrderNotCancelable:  # its money waits for a person, who was called
            return False

    async def _is_unpaid(self, intent_id: str) -> bool:
        """Whether the intent is canceled now. What was authorized or paid meanwhile is left alone."""
        intent = await self._gateway.retrieve_intent(intent_id)
        if intent.is_payable:
            intent = await self._cancellation.cancel(intent_id, cause=EXPIRED)
        else:
            await self._settlement.apply(intent, cause=EXPIRED)
        return intent.status is IntentStatus.CANCELED

    async def _status(self, principal: Principal, order_id: UUID) -> tuple[OrderStatus, CancelReason]:
        """How the order stands, and in whose name the caller would cancel it."""
        parameters = {
            "order_id": order_id,
            "user_id": principal.user_id,
            "may_any": principal.may(Permission.CANCEL_ORDERS, order_id),
        }
        row = await self._database.row(ORDER_STATUS, parameters)
        if row is None:
            raise OrderNotFound
        status = OrderStatus(row.status)
        if status not in (OrderStatus.PENDING, OrderStatus.CANCELED):
            raise OrderNotCancelable(status)
        is_customer = principal.order_id is not None or principal.user_id == row.user_id
        return status, CancelReason.CUSTOMER if is_customer else CancelReason.MERCHANT

    async def _refuse_if_under_way(self, intent_id: str) -> None:
        try:
            intent = await self._gateway.retrieve_intent(intent_id)
        except GatewayError as error:
            log.warning("cancel delayed", intent=intent_id, outcome=type(error).__name__, code=error.code)
            raise refusal_of(error) from error
        if intent.status in UNDER_WAY:
            await self._settlement.apply(intent, cause=CAUSE)
            if intent.status is not IntentStatus.SUCCEEDED:
                raise PaymentInProgress

    async def _close(self, order_id: UUID, seen: LivePaymentRow | None, cancellation: _Cancellation) -> bool:
        """Whether the order was closed; not when its payment is another than the one we looked at."""

        async def write(transaction: Transaction) -> bool:
            return await _close_order(transaction, order_id, seen, cancellation)

        return await self._database.transaction(write, locks=order_id)

    async def _close_intent(self, live: LivePaymentRow | None) -> None:
        if live is None or live.intent_id is None:
            return
        try:
            await self._cancellation.cancel(live.intent_id, cause=CAUSE)
        except GatewayError as error:  # the order is closed; the sweep will have the intent canceled
            log.warning(
                "intent of a canceled order stays open for now", intent=live.intent_id, code=error.code
            )


async def _close_order(
    transaction: Transaction, order_id: UUID, seen: LivePaymentRow | None, cancellation: _Cancellation
) -> bool:
    order = await transaction.one(LOCK_ORDER, {"order_id": order_id})
    live = await transaction.row(LOCK_LIVE_PAYMENT, {"order_id": order_id})
    as_seen = (live and (live.id, live.intent_id)) == (seen and (seen.id, seen.intent_id))
    if order.status != OrderStatus.PENDING or not as_seen:
        return False
    if await transaction.row(WAITING_MONEY, {"order_id": order_id}) is not None:
        raise OrderNotCancelable(OrderStatus.REVIEW)  # a person decides first, whatever somebody set it to
    if cancellation.reason is CancelReason.EXPIRED and not await transaction.row(
        IS_EXPIRED, {"order_id": order_id}
    ):
        return False
    if live is not None:
        # A payment that Stripe has not answered yet has released no secret: nobody can pay it.
        state = PaymentState.ABANDONED if live.intent_id is None else PaymentState.CANCELING
        changes = {"payment_id": live.id, "to_state": state, "to_cause": cancellation.cause}
        await transaction.rows(CLOSE_PAYMENT, changes)
    await transaction.rows(
        CLOSE_ORDER, {"order_id": order_id, "reason": cancellation.reason, "canceled_by": cancellation.by}
    )
    return True
