"""Disputes: recorded with their dates, so that a person hears of them. What to answer the bank is for that person."""

from typing import Protocol

import structlog

from models.payments.settlement_statements import LOCK_ORDER, LOCK_PAYMENT, LockedPayment
from models.payments.tables import PaymentState
from models.refunds.statements import PAYMENT_WITH_INTENT, PUT_DISPUTE, PaymentAskedAbout
from runtime.database.database import Database, Transaction
from services.payments.intents import Intent, StripeDispute
from services.payments.order_money import follow_the_money
from services.payments.permissions import READ_DISPUTES, reporting_missing
from services.payments.settlement import Settlement

log = structlog.get_logger(__name__)


class DisputeGateway(Protocol):
    async def list_disputes(self, intent_id: str) -> list[StripeDispute]: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class Disputes:
    def __init__(self, database: Database, gateway: DisputeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)

    async def refresh(self, intent_id: str) -> None:
        """Write down the disputes that Stripe has of an intent; raises a `GatewayError` when it can't be asked."""
        payment = await self._database.row(PAYMENT_WITH_INTENT, {"intent_id": intent_id})
        if payment is None:
            return
        async with reporting_missing(self._database, READ_DISPUTES):
            disputes = await self._gateway.list_disputes(intent_id)
        if disputes and payment.state != PaymentState.SUCCEEDED:
            # Its disputes are heard of before its payment is: that one comes first.
            await self._settlement.apply(await self._gateway.retrieve_intent(intent_id), cause="dispute")

        async def write(transaction: Transaction) -> None:
            order = await transaction.one(LOCK_ORDER, {"order_id": payment.order_id})
            locked = await transaction.one(LOCK_PAYMENT, {"payment_id": payment.id})
            for dispute in disputes:
                await _write(transaction, payment, dispute, amount_of(dispute, locked))
            await follow_the_money(transaction, payment.order_id, order, cause="dispute")

        await self._database.transaction(write, locks=payment.order_id)


def amount_of(dispute: StripeDispute, payment: LockedPayment) -> int:
    """In the payment's currency. One in another currency counts as about all of it: its part can't be known."""
    if dispute.currency in (None, payment.currency):
        return dispute.amount
    return payment.amount_received or payment.amount


async def _write(
    transaction: Transaction, payment: PaymentAskedAbout, dispute: StripeDispute, amount: int
) -> None:
    values = {
        "id": dispute.id,
        "payment_id": payment.id,
        "amount": amount,
        "status": dispute.status,
        "reason": dispute.reason,
        "due_by": dispute.due_by,
        "asked_at": payment.asked_at,
        "created_at": dispute.created_at,
    }
    if await transaction.row(PUT_DISPUTE, values):
        log.warning("dispute", dispute=dispute.id, status=dispute.status, order=str(payment.order_id))
