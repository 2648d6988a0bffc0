"""Disputes: recorded with their dates, so that a person hears of them. What to answer the bank is for that person."""

from typing import Protocol

import structlog

from models.attention.dispute_facts import LOST_CASE, LOST_DISPUTE, MONEY_WON_BACK
from models.attention.fact import FactRow
from models.attention.tables import AttentionKind
from models.payments.settlement_statements import LOCK_ORDER, LOCK_PAYMENT, LockedPayment
from models.payments.tables import PaymentState
from models.refunds.statements import (
    DISPUTES_OF_PAYMENT,
    PAYMENT_WITH_INTENT,
    PUT_DISPUTE,
    PaymentAskedAbout,
)
from models.refunds.sums import LOST
from runtime.database.database import Database, Transaction
from services.payments.attention import case_from, close_case, open_case
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
            of_payment = {"payment_id": payment.id}
            before = {row.id: row.status for row in await transaction.rows(DISPUTES_OF_PAYMENT, of_payment)}
            written = [
                dispute
                for dispute in disputes
                if await _write(transaction, payment, dispute, amount_of(dispute, locked))
            ]
            await follow_the_money(transaction, payment.order_id, order, cause="dispute")
            for dispute in written:
                await _tell(transaction, payment, dispute, before.get(dispute.id))

        await self._database.transaction(write, locks=payment.order_id)


def amount_of(dispute: StripeDispute, payment: LockedPayment) -> int:
    """In the payment's currency. One in another currency counts as about all of it: its part can't be known."""
    if dispute.currency in (None, payment.currency):
        return dispute.amount
    return payment.amount_received or payment.amount


def is_inquiry(status: str) -> bool:
    """Of a dispute: no money was taken. https://docs.stripe.com/disputes/how-disputes-work#inquiries"""
    return status.startswith("warning")


async def _write(
    transaction: Transaction, payment: PaymentAskedAbout, dispute: StripeDispute, amount: int
) -> bool:
    """Whether it is news."""
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
    if not await transaction.row(PUT_DISPUTE, values):
        return False
    log.warning("dispute", dispute=dispute.id, status=dispute.status, order=str(payment.order_id))
    return True


async def _tell(
    transaction: Transaction, payment: PaymentAskedAbout, dispute: StripeDispute, before: str | None
) -> None:
    """Open the cases of a decision that no open dispute tells of. `before` is the status that was known of it."""
    facts: list[FactRow] = []
    if dispute.status == LOST:
        # Of an inquiry nobody hears that money can go.
        about = {"dispute_id": dispute.id, "first_heard_of": before is None or is_inquiry(before)}
        facts += await transaction.rows(LOST_DISPUTE, about)
    elif before == LOST:
        await close_case(transaction, AttentionKind.DISPUTE_OPEN, dispute.id + LOST_CASE)
        facts += await transaction.rows(MONEY_WON_BACK, {"payment_id": payment.id})
    for fact in facts:
        await open_case(transaction, case_from(fact))
