"""Disputes: recorded, so that they are seen on the order. What to answer the bank is for a person to say."""

from typing import Protocol

import structlog

from models.refunds.statements import PAYMENT_WITH_INTENT, PUT_DISPUTE
from runtime.database.database import Database
from services.payments.intents import StripeDispute

log = structlog.get_logger(__name__)


class DisputeGateway(Protocol):
    async def list_disputes(self, intent_id: str) -> list[StripeDispute]: ...


class Disputes:
    def __init__(self, database: Database, gateway: DisputeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def hear(self, intent_id: str) -> None:
        """Write down the disputes that Stripe has of an intent; raises a `GatewayError` when it can't be asked."""
        payment = await self._database.row(PAYMENT_WITH_INTENT, {"intent_id": intent_id})
        if payment is None:
            return
        for dispute in await self._gateway.list_disputes(intent_id):
            values = {
                "id": dispute.id,
                "payment_id": payment.id,
                "amount": dispute.amount,
                "status": dispute.status,
                "reason": dispute.reason,
                "created_at": dispute.created_at,
            }
            await self._database.rows(PUT_DISPUTE, values)
            log.warning("dispute", dispute=dispute.id, status=dispute.status, order=str(payment.order_id))
