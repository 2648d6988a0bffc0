"""resolveReview: a person accepts what an order received, or gives it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from models.orders.tables import OrderStatus
from models.payments.settlement_statements import (
    LOCK_ORDER,
    MONEY_OF_ORDER,
    SET_ORDER_STATUS,
    LockedOrder,
    MoneyRow,
)
from models.payments.tables import Disposition
from models.refunds.statements import ADD_REFUND, RESERVED_AMOUNT
from models.refunds.tables import RefundCause, RefundState
from models.reviews.statements import ADD_ADJUSTMENT, ADD_REVIEW, REVIEW_BY_KEY
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database, Transaction
from services.orders.refusals import IdempotencyKeyReused, OrderNotFound
from services.payments import failpoints
from services.payments.call_priority import on_behalf_of
from services.payments.order_money import facts_of, follow_the_money, set_disposition, settle
from services.payments.refund_ids import automatic_refund, refund_of_review
from services.payments.refunds import Refunds
from services.payments.review_outcomes import GivenBack, MoneyInReview, Outcome, outcome_of

CAUSE = "resolveReview"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWish:
    """What a person decides. `note` is for the shop alone."""

    order_id: UUID
    decision: ReviewDecision
    note: str
    idempotency_key: str
    decided_by: str


class Reviews:
    def __init__(self, database: Database, refunds: Refunds) -> None:
        self._database = database
        self._refunds = refunds

    async def resolve(self, wish: ReviewWish) -> None:
        """Decide, and have Stripe give back what has to go back; the same key again changes nothing.

        Raises `OrderNotFound`, `OrderNotInReview`, `IdempotencyKeyReused`, or `PaymentProviderUnavailable` while a
        refund of this order is on its way to Stripe.
        """

        async def write(transaction: Transaction) -> Sequence[UUID]:
            return await _decide(transaction, wish)

        owed = await self._database.transaction(write, locks=wish.order_id)
        failpoints.reach(failpoints.REFUND_RECORDED)
        with on_behalf_of(wish.decided_by):
            for refund_id in owed:
                await self._refunds.carry_out(refund_id)


async def _decide(transaction: Transaction, wish: ReviewWish) -> Sequence[UUID]:
    """The refunds that have to be carried out."""
    order = await transaction.row(LOCK_ORDER, {"order_id": wish.order_id})
    if order is None:
        raise OrderNotFound
    if not await _is_new(transaction, wish):
        return []
    facts = await facts_of(transaction, wish.order_id, order)
    payments = await transaction.rows(MONEY_OF_ORDER, {"order_id": wish.order_id})
    money = [await _in_review(transaction, row) for row in payments]
    outcome = outcome_of(wish.decision, facts, money)
    intents = {row.id: row.intent_id for row in payments}
    if outcome.accepted is None:
        owed = await _give_back(transaction, wish, outcome, intents)
    else:
        if adjustment := outcome.total - facts.total:
            await transaction.rows(
                ADD_ADJUSTMENT, {"adjusted_order": wish.order_id, "adjustment": adjustment}
            )
        await _settle_with(transaction, outcome.accepted, outcome, money)
        owed = await _give_duplicates_back(transaction, outcome, intents)
        order = await _set_to_paid(transaction, wish.order_id, order)
    await follow_the_money(transaction, wish.order_id, order, cause=CAUSE)
    log.info("review resolved", order=str(wish.order_id), decision=wish.decision, by=wish.decided_by)
    return owed


async def _set_to_paid(transaction: Transaction, order_id: UUID, order: LockedOrder) -> LockedOrder:
    """Also over what a bank took, and over a status that was set by hand: neither becomes PAID by itself."""
    if order.status != OrderStatus.PAID:
        await transaction.rows(SET_ORDER_STATUS, {"order_id": order_id, "to_status": OrderStatus.PAID})
    return order._replace(status=OrderStatus.PAID, refunded_by_hand=False)


async def _is_new(transaction: Transaction, wish: ReviewWish) -> bool:
    values = {
        "id": uuid4(),
        "order_id": wish.order_id,
        "idempotency_key": wish.idempotency_key,
        "decision": wish.decision,
        "note": wish.note,
        "decided_by": wish.decided_by,
    }
    if await transaction.row(ADD_REVIEW, values):
        return True
    earlier = await transaction.one(REVIEW_BY_KEY, {"idempotency_key": wish.idempotency_key})
    if (earlier.order_id, earlier.decision) != (wish.order_id, wish.decision):
        raise IdempotencyKeyReused(earlier.order_id)
    return False


async def _in_review(transaction: Transaction, row: MoneyRow) -> MoneyInReview:
    asked = await transaction.one(RESERVED_AMOUNT, {"payment_id": row.id})
    return MoneyInReview(
        payment_id=row.id,
        disposition=Disposition(row.disposition),
        currency=row.currency,
        received=row.received,
        refunded=row.refunded,
        taken=row.taken,
        given_up=row.given_up,
        asked=asked.amount,
        is_ours=row.is_ours,
    )


async def _settle_with(
    transaction: Transaction, accepted: UUID, outcome: Outcome, money: Sequence[MoneyInReview]
) -> None:
    going = {each.payment_id for each in outcome.given_back}
    for payment_id in going:
        await set_disposition(transaction, payment_id, Disposition.DUPLICATE, cause=CAUSE)
    staying = [each for each in money if each.payment_id not in going]
    await settle(transaction, accepted, staying, cause=CAUSE)


async def _give_duplicates_back(
    transaction: Transaction, outcome: Outcome, intents: Mapping[UUID, str]
) -> Sequence[UUID]:
    owed = []
    for each in outcome.given_back:
        refund_id = automatic_refund(intents[each.payment_id])
        values = {"id": refund_id, "cause": RefundCause.DUPLICATE, "reason": "duplicate"}
        await transaction.rows(ADD_REFUND, {**_refund(each), **values})
        owed.append(refund_id)
    return owed


async def _give_back(
    transaction: Transaction, wish: ReviewWish, outcome: Outcome, intents: Mapping[UUID, str]
) -> Sequence[UUID]:
    """What goes back settles nothing meanwhile."""
    owed = []
    for each in outcome.given_back:
        await set_disposition(transaction, each.payment_id, Disposition.MISMATCH, cause=CAUSE)
        refund_id = refund_of_review(intents[each.payment_id], wish.idempotency_key)
        values = {
            "id": refund_id,
            "cause": RefundCause.MERCHANT,
            "note": wish.note,
            "requested_by": wish.decided_by,
        }
        await transaction.rows(ADD_REFUND, {**_refund(each), **values})
        owed.append(refund_id)
    return owed


def _refund(each: GivenBack) -> dict[str, object]:
    return {"payment_id": each.payment_id, "state": RefundState.CREATING, "amount": each.amount}
