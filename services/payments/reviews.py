"""resolveReview: a person accepts what an order received, or gives it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from models.base import LARGEST_AMOUNT
from models.currencies.currencies import in_whole_steps
from models.orders.tables import OrderStatus
from models.payments.settlement_statements import (
    LOCK_ORDER,
    MONEY_OF_ORDER,
    SET_ORDER_STATUS,
    LockedOrder,
    MoneyRow,
)
from models.payments.tables import Disposition
from models.refunds.statements import ADD_AUTOMATIC_REFUND, ADD_REFUND, RESERVED_AMOUNT
from models.refunds.tables import RefundCause, RefundState
from models.reviews.statements import ADD_ADJUSTMENT, ADD_REVIEW, REVIEW_BY_KEY
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database, Transaction
from services.orders.refusals import IdempotencyKeyReused, OrderNotFound
from services.payments import failpoints
from services.payments.call_priority import on_behalf_of
from services.payments.order_money import facts_of, follow_the_money, money_of, set_disposition, settle
from services.payments.refund_ids import automatic_refund, refund_of_review
from services.payments.refunds import Refunds
from services.payments.refusals import RECEIVED_ELSEWHERE, OrderNotInReview, PaymentProviderUnavailable
from services.payments.state_machine import Money, OrderFacts

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
    money = await money_of(transaction, wish.order_id)
    if facts.is_in_order and not any(m.is_waiting for m in money):
        raise OrderNotInReview(facts.status)
    await _refuse_while_unsure(transaction, facts, money)
    _refuse_money_of_the_original(facts, wish.decision, [row for row in payments if not row.is_ours], money)
    decide = _accept if wish.decision is ReviewDecision.ACCEPT else _give_back
    owed = await decide(transaction, wish, facts, money, {row.id: row for row in payments})
    if wish.decision is ReviewDecision.ACCEPT:
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


async def _refuse_while_unsure(transaction: Transaction, facts: OrderFacts, money: Sequence[Money]) -> None:
    """What is still here is known only when no refund waits for Stripe's answer."""
    here = [m for m in money if _is_here(m)]
    if not here:
        raise OrderNotInReview(facts.status, "No money of this order is here.")
    for each in here:
        reserved = (await transaction.one(RESERVED_AMOUNT, {"payment_id": each.payment_id})).amount
        if reserved != each.refunded:
            raise PaymentProviderUnavailable


def _refuse_money_of_the_original(
    facts: OrderFacts, decision: ReviewDecision, foreign: Sequence[MoneyRow], money: Sequence[Money]
) -> None:
    """In a copied database nothing is given back that the original received; keeping it is only a row here."""
    here = [m for m in money if _is_here(m)]
    gives_back = here if decision is ReviewDecision.REFUND else here[1:]
    if gives_back and {row.id for row in foreign} & {m.payment_id for m in here}:
        raise OrderNotInReview(facts.status, RECEIVED_ELSEWHERE)


def _is_here(money: Money) -> bool:
    return money.kept > money.taken and money.disposition in (Disposition.MISMATCH, Disposition.SETTLED)


async def _accept(
    transaction: Transaction,
    wish: ReviewWish,
    facts: OrderFacts,
    money: list[Money],
    payments: dict[UUID, MoneyRow],
) -> Sequence[UUID]:
    """The payment that comes closest to the total settles it; what else is here goes back as a duplicate."""
    here = [m for m in money if _is_here(m) and m.currency == facts.currency]
    if not here:
        raise OrderNotInReview(facts.status, "The money is of another currency: it can only be refunded.")
    accepted = min(here, key=lambda m: abs(m.kept - facts.total))
    adjustment = accepted.kept - facts.total
    if abs(adjustment) > LARGEST_AMOUNT:
        raise OrderNotInReview(facts.status, "The total is too far from what was received.")
    if adjustment:
        await transaction.rows(ADD_ADJUSTMENT, {"adjusted_order": wish.order_id, "adjustment": adjustment})
    others = [m for m in money if _is_here(m) and m is not accepted]
    for other in others:
        await set_disposition(transaction, other.payment_id, Disposition.DUPLICATE, cause=CAUSE)
    await settle(transaction, accepted.payment_id, [m for m in money if m not in others], cause=CAUSE)
    owed = []
    for other in others:
        refund_id = automatic_refund(payments[other.payment_id].intent_id)
        values = {"id": refund_id, "cause": RefundCause.DUPLICATE, "reason": "duplicate"}
        await transaction.rows(ADD_AUTOMATIC_REFUND, {**_refund_of(other), **values})
        owed.append(refund_id)
    return owed


async def _give_back(
    transaction: Transaction,
    wish: ReviewWish,
    facts: OrderFacts,
    money: list[Money],
    payments: dict[UUID, MoneyRow],
) -> Sequence[UUID]:
    """Of an order whose settled money has its place only what waits goes back; of another one, all of it, and meanwhile
    it settles nothing.
    """
    owed = []
    for each in filter(_is_here, money):
        if each.disposition is Disposition.SETTLED:
            if facts.is_in_order:
                continue
            await set_disposition(transaction, each.payment_id, Disposition.MISMATCH, cause=CAUSE)
        refund_id = refund_of_review(payments[each.payment_id].intent_id, wish.idempotency_key)
        values = {
            "id": refund_id,
            "cause": RefundCause.MERCHANT,
            "note": wish.note,
            "requested_by": wish.decided_by,
        }
        await transaction.rows(ADD_REFUND, {**_refund_of(each), **values})
        owed.append(refund_id)
    return owed


def _refund_of(money: Money) -> dict[str, object]:
    """As much as Stripe takes; of a rest that is less than that, Stripe has the last word."""
    rest = money.kept - money.taken
    amount = in_whole_steps(rest, money.currency) or rest
    return {"payment_id": money.payment_id, "state": RefundState.CREATING, "amount": amount}
