"""Writes what Stripe says of an intent into the payment and its order, under the order's lock."""

from uuid import UUID, uuid4

import structlog

from models.orders.tables import OrderStatus
from models.payments.settlement_statements import (
    LOCK_ORDER,
    LOCK_PAYMENT,
    PAYMENT_OF_INTENT,
    SET_ORDER_STATUS,
    SET_PAYMENT,
)
from models.payments.tables import Disposition, PaymentState
from models.refunds.statements import ADD_AUTOMATIC_REFUND
from models.refunds.tables import RefundState
from runtime.database.database import Database, Row, Transaction
from services.payments.intents import Intent, IntentStatus
from services.payments.staged_changes import take_staged_lines
from services.payments.state_machine import OrderFacts, Verdict, decide_transition

OWED_BACK = (Disposition.DUPLICATE, Disposition.LATE)

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

        async def write(transaction: Transaction) -> Verdict | None:
            return await _write(transaction, found.order_id, found.id, intent, cause)

        verdict = await self._database.transaction(write, locks=found.order_id)
        if verdict is not None:
            _tell(verdict, found.order_id, found.id)
        return True


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
) -> Verdict | None:
    """The verdict when something changed."""
    order = await transaction.one(LOCK_ORDER, {"order_id": order_id})
    payment = await transaction.one(LOCK_PAYMENT, {"payment_id": payment_id})
    if _may_pay_a_change(order, intent) and await take_staged_lines(
        transaction, order_id, intent.amount_received
    ):
        order = await transaction.one(LOCK_ORDER, {"order_id": order_id})
    facts = OrderFacts(status=OrderStatus(order.status), total=order.total, currency=order.currency)
    state = PaymentState(payment.state)
    verdict = decide_transition(state, facts, intent)
    if verdict.state is state:
        return None
    succeeded = verdict.state is PaymentState.SUCCEEDED
    changes = {
        "payment_id": payment_id,
        "to_state": verdict.state,
        "to_disposition": verdict.disposition,
        "to_intent_id": intent.id,
        "to_amount": intent.amount if succeeded else payment.amount,
        "to_amount_received": intent.amount_received if succeeded else 0,
        "to_cause": cause,
    }
    await transaction.rows(SET_PAYMENT, changes)
    if verdict.disposition in OWED_BACK:
        await transaction.rows(ADD_AUTOMATIC_REFUND, automatic_refund(payment_id, verdict, intent))
    if verdict.order_status is not facts.status:
        await transaction.rows(SET_ORDER_STATUS, {"order_id": order_id, "to_status": verdict.order_status})
    return verdict


def _may_pay_a_change(order: Row, intent: Intent) -> bool:
    return (
        intent.status is IntentStatus.SUCCEEDED
        and order.status == OrderStatus.PENDING
        and intent.amount_received != order.total
    )


def automatic_refund(payment_id: UUID, verdict: Verdict, intent: Intent) -> dict[str, object]:
    """The refund of money that its order has no use for, recorded with the payment that brought it."""
    return {
        "id": uuid4(),
        "payment_id": payment_id,
        "state": RefundState.CREATING,
        "cause": verdict.disposition,
        "amount": intent.amount_received,
        "reason": "duplicate" if verdict.disposition is Disposition.DUPLICATE else None,
    }


def _tell(verdict: Verdict, order_id: UUID, payment_id: UUID) -> None:
    write = log.info if verdict.disposition in (None, Disposition.SETTLED) else log.error
    write(
        "payment moved",
        state=verdict.state,
        disposition=verdict.disposition,
        order=str(order_id),
        order_status=verdict.order_status,
        payment=str(payment_id),
    )
