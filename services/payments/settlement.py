"""Writes what Stripe says of an intent into the payment and its order, under the order's lock."""

from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from models.orders.tables import OrderStatus
from models.payments.settlement_statements import (
    LOCK_ORDER,
    LOCK_PAYMENT,
    PAYMENT_OF_INTENT,
    SET_ORDER_STATUS,
    SET_PAYMENT,
    LockedOrder,
)
from models.payments.tables import GOES_BACK, Disposition, PaymentState
from models.refunds.statements import ADD_REFUND
from models.refunds.tables import RefundState
from runtime.database.database import Database, Transaction
from services.payments.attention import refresh_cases
from services.payments.intents import Intent, IntentStatus
from services.payments.order_money import facts_of, money_of, unsettle_others
from services.payments.refund_ids import automatic_refund
from services.payments.staged_changes import AtStripe, take_staged_lines
from services.payments.state_machine import Money, OrderFacts, Verdict, decide_transition

log = structlog.get_logger(__name__)


class Settlement:
    """Applies intents that were just read from Stripe. Repeatable: the same intent twice changes nothing more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, intent: Intent, *, cause: str) -> bool:
        """Whether the intent is one of ours. `cause` tells in the payment's history who brought the news."""
        found = await self._database.row(PAYMENT_OF_INTENT, marks_of(intent))
        if found is None:
            return False

        async def write(transaction: Transaction) -> Outcome:
            return await _write(transaction, found.order_id, found.id, intent, cause)

        outcome = await self._database.transaction(write, locks=found.order_id)
        if outcome.verdict is not None:
            _log_move(outcome.verdict, found.order_id, found.id)
        return outcome.is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`verdict` when something changed."""

    is_ours: bool = True
    verdict: Verdict | None = None


def marks_of(intent: Intent) -> dict[str, object]:
    """What tells whose intent it is."""
    return {
        "intent_id": intent.id,
        "payment_id": intent.payment_id,
        "metadata_order_id": intent.order_id,
        "installation_id": intent.installation_id,
    }


async def _write(
    transaction: Transaction, order_id: UUID, payment_id: UUID, intent: Intent, cause: str
) -> Outcome:
    """Everything that decides is read here, under the locks of the order and the payment."""
    order = await transaction.one(LOCK_ORDER, {"order_id": order_id})
    payment = await transaction.one(LOCK_PAYMENT, {"payment_id": payment_id})
    if payment.intent_id not in (None, intent.id):  # another intent was recorded for this payment meanwhile
        return Outcome(is_ours=False)
    state = PaymentState(payment.state)
    is_authorized = intent.status is IntentStatus.REQUIRES_CAPTURE
    facts, money = await _facts(transaction, order_id, order, state, intent)
    verdict = decide_transition(state, facts, intent)
    is_news = is_authorized and payment.authorized_at is None and verdict.state is PaymentState.PROCESSING
    if verdict.state is state and not is_news:
        return Outcome()
    succeeded = verdict.state is PaymentState.SUCCEEDED
    if verdict.disposition is Disposition.SETTLED:
        await unsettle_others(transaction, money, cause=cause)
    changes = {
        "payment_id": payment_id,
        "to_state": verdict.state,
        "to_disposition": verdict.disposition,
        "to_intent_id": intent.id,
        "to_amount": intent.amount if succeeded else payment.amount,
        "to_amount_received": intent.amount_received if succeeded else 0,
        "to_currency": intent.currency if succeeded else payment.currency,
        "is_authorized": is_authorized,
        "to_cause": cause,
    }
    await transaction.rows(SET_PAYMENT, changes)
    if verdict.disposition in GOES_BACK and intent.amount_received > 0:
        await transaction.rows(ADD_REFUND, owed_refund(payment_id, verdict, intent))
    if verdict.order_status is not facts.status:
        await transaction.rows(SET_ORDER_STATUS, {"order_id": order_id, "to_status": verdict.order_status})
    if is_authorized or payment.authorized_at is not None or verdict.disposition is Disposition.MISMATCH:
        await refresh_cases(transaction, order_id)
    return Outcome(verdict=verdict)


async def _facts(
    transaction: Transaction, order_id: UUID, order: LockedOrder, state: PaymentState, intent: Intent
) -> tuple[OrderFacts, list[Money]]:
    """The total and earlier money matter only when money arrives."""
    if intent.status is not IntentStatus.SUCCEEDED or state is PaymentState.SUCCEEDED:
        return OrderFacts(status=OrderStatus(order.status), total=0, currency=order.currency), []
    facts = await facts_of(transaction, order_id, order)
    received = AtStripe(intent.amount_received, intent.currency)
    if received != AtStripe(facts.total, facts.currency) and await take_staged_lines(
        transaction, order_id, order, received
    ):
        facts = await facts_of(transaction, order_id, order)
    money = await money_of(transaction, order_id)
    settled = sum(m.here for m in money if m.disposition is Disposition.SETTLED)
    return replace(facts, settled=settled), money


def owed_refund(payment_id: UUID, verdict: Verdict, intent: Intent) -> dict[str, object]:
    """The refund of money that its order has no use for, recorded with the payment that brought it."""
    return {
        "id": automatic_refund(intent.id),
        "payment_id": payment_id,
        "state": RefundState.CREATING,
        "cause": verdict.disposition,
        "amount": intent.amount_received,
        "reason": "duplicate" if verdict.disposition is Disposition.DUPLICATE else None,
    }


def _log_move(verdict: Verdict, order_id: UUID, payment_id: UUID) -> None:
    write = log.info
    if verdict.disposition in GOES_BACK:
        write = log.warning
    elif verdict.disposition is Disposition.MISMATCH:
        write = log.error
    write(
        "payment moved",
        state=verdict.state,
        disposition=verdict.disposition,
        order=str(order_id),
        order_status=verdict.order_status,
        payment=str(payment_id),
    )
