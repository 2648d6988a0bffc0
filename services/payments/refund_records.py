"""Writing down the refunds that Stripe has of a payment, under the locks of its order and the payment itself."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from models.attention.facts import MADE_CASE, REFUND_MADE_AFTER_ALL
from models.attention.tables import AttentionKind
from models.payments.settlement_statements import LockedPayment
from models.payments.tables import GOES_BACK
from models.refunds.statements import ADD_REFUND, REFUNDS_OF_PAYMENT, SET_REFUND, RefundRow
from models.refunds.tables import ENDED, RefundCause, RefundState
from runtime.database.database import Transaction
from services.payments.attention import case_from, close_case, open_case
from services.payments.intents import StripeRefund
from services.payments.refund_ids import automatic_refund, dashboards_refund

UNDER_WAY = (RefundState.PENDING, RefundState.REQUIRES_ACTION)

log = structlog.get_logger(__name__)


async def write_listed(
    transaction: Transaction, payment_id: UUID, payment: LockedPayment, listed: Sequence[StripeRefund]
) -> None:
    """`payment` is the row of `LOCK_PAYMENT`, of money that arrived."""
    ours = list(await transaction.rows(REFUNDS_OF_PAYMENT, {"payment_id": payment_id}))
    given_back = without_released(payment, listed)
    # Those that ended come first: they make room for others.
    for refund in sorted(given_back, key=lambda refund: refund.status not in ENDED):
        known = _known(ours, refund)
        if known is None:
            await _add(transaction, payment_id, payment, refund)
            continue
        ours.remove(known)  # Stripe may have made two of one wish: each has a row
        if not _is_older(known, refund) and _differs(known, refund):
            await _change(transaction, known, refund)


def without_released(payment: LockedPayment, listed: Sequence[StripeRefund]) -> Sequence[StripeRefund]:
    """`listed`, newest first, without the refund by which Stripe shows what a partial capture released.

    That money never came, so it is not given back. It is the oldest refund of just that amount, and is not booked; or
    more would have gone back than came.
    """
    released = payment.amount - payment.amount_received
    alike = [
        refund
        for refund in listed
        if (refund.amount, refund.status, refund.refund_id) == (released, RefundState.SUCCEEDED, None)
    ]
    unbooked = [refund for refund in alike if not refund.is_booked]
    total = sum(refund.amount for refund in listed if refund.status not in ENDED)
    if not unbooked and (not alike or total <= payment.amount_received):
        return listed
    oldest = (unbooked or alike)[-1]
    return [refund for refund in listed if refund is not oldest]


def _known(ours: Sequence[RefundRow], refund: StripeRefund) -> RefundRow | None:
    return next((row for row in ours if refund.id == row.stripe_refund_id), None) or next(
        (row for row in ours if row.id == refund.refund_id and row.stripe_refund_id is None), None
    )


def _is_older(known: RefundRow, refund: StripeRefund) -> bool:
    """An answer that must not take back what we know."""
    if known.stripe_refund_id is None:
        return False
    return known.state in ENDED or (known.state == RefundState.SUCCEEDED and refund.status in UNDER_WAY)


def _differs(known: RefundRow, refund: StripeRefund) -> bool:
    return (known.state, known.stripe_refund_id, known.amount, known.failure_code) != (
        refund.status,
        refund.id,
        refund.amount,
        refund.failure_code,
    )


async def _change(transaction: Transaction, known: RefundRow, refund: StripeRefund) -> None:
    changes = {
        "refund_id": known.id,
        "to_state": refund.status,
        "to_stripe_id": refund.id,
        "to_amount": refund.amount,
        "to_failure_code": refund.failure_code,
    }
    await transaction.rows(SET_REFUND, changes)
    if refund.status in ENDED:
        log.error("refund failed", refund=str(known.id), status=refund.status, code=refund.failure_code)
        await close_case(transaction, AttentionKind.REFUND_FAILED, f"{known.id}{MADE_CASE}")
    elif known.state in ENDED:
        for fact in await transaction.rows(REFUND_MADE_AFTER_ALL, {"refund_id": known.id}):
            await open_case(transaction, case_from(fact))


async def _add(
    transaction: Transaction, payment_id: UUID, payment: LockedPayment, refund: StripeRefund
) -> None:
    """One of ours that this database has forgotten, by the id in its metadata, or one of the dashboard's."""
    values = {
        "payment_id": payment_id,
        "state": refund.status,
        "amount": refund.amount,
        "reason": refund.reason,
        "stripe_refund_id": refund.id,
        "failure_code": refund.failure_code,
    }
    if refund.refund_id is not None:
        adopted = {"id": refund.refund_id, "cause": _cause(payment, refund.refund_id)}
        if await transaction.row(ADD_REFUND, {**values, **adopted}):
            log.warning("refund taken over", refund=str(refund.refund_id), stripe_refund=refund.id)
            return
    seen = {"id": dashboards_refund(refund.id), "cause": RefundCause.DASHBOARD}
    await transaction.rows(ADD_REFUND, {**values, **seen})


def _cause(payment: LockedPayment, refund_id: UUID) -> str:
    """Of our automatic refund: why the money was owed back. Of any other: a merchant's."""
    if payment.disposition not in GOES_BACK or payment.intent_id is None:
        return RefundCause.MERCHANT
    is_ours = refund_id == automatic_refund(payment.intent_id)
    return payment.disposition if is_ours else RefundCause.MERCHANT
