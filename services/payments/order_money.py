"""An order's status by what became of its money, decided and written under the order's lock."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from models.orders.tables import OrderStatus
from models.payments.settlement_statements import (
    MONEY_OF_ORDER,
    NOT_BY_HAND,
    ORDER_WORTH,
    SET_DISPOSITION,
    SET_ORDER_STATUS,
    LockedOrder,
)
from models.payments.tables import Disposition
from runtime.database.database import Transaction
from services.payments.attention import refresh_cases
from services.payments.state_machine import Money, OrderFacts, decide_order

log = structlog.get_logger(__name__)


async def money_of(transaction: Transaction, order_id: UUID) -> list[Money]:
    """Every succeeded payment of an order that is locked, oldest first."""
    return [
        Money(
            payment_id=row.id,
            disposition=Disposition(row.disposition),
            currency=row.currency,
            received=row.received,
            refunded=row.refunded,
            taken=row.taken,
            given_up=row.given_up,
        )
        for row in await transaction.rows(MONEY_OF_ORDER, {"order_id": order_id})
    ]


async def facts_of(transaction: Transaction, order_id: UUID, locked: LockedOrder) -> OrderFacts:
    """What an order is now. `locked` is the row of `LOCK_ORDER`: the total is read after it, not with it."""
    worth = await transaction.one(ORDER_WORTH, {"order_id": order_id})
    return OrderFacts(
        status=OrderStatus(locked.status),
        total=worth.total,
        currency=locked.currency,
        refunded_by_hand=locked.refunded_by_hand,
        has_cancel_reason=locked.cancel_reason is not None,
        is_rejected=worth.is_rejected,
    )


async def follow_the_money(
    transaction: Transaction, order_id: UUID, locked: LockedOrder, *, cause: str
) -> OrderStatus:
    """Bring the order's status and its cases in line with its payments and refunds; the status it has then."""
    facts = await facts_of(transaction, order_id, locked)
    money = await money_of(transaction, order_id)
    verdict = decide_order(facts, money)
    if verdict.settles is not None:
        await settle(transaction, verdict.settles, money, cause=cause)
    if verdict.unsettles is not None:
        await set_disposition(transaction, verdict.unsettles, Disposition.MISMATCH, cause=cause)
    if verdict.status is not facts.status:
        await transaction.rows(SET_ORDER_STATUS, {"order_id": order_id, "to_status": verdict.status})
        if verdict.status is OrderStatus.REFUNDED:
            await transaction.rows(NOT_BY_HAND, {"order_id": order_id})
        log.info("order follows its money", order=str(order_id), order_status=verdict.status, cause=cause)
    await refresh_cases(transaction, order_id)
    return verdict.status


async def settle(transaction: Transaction, payment_id: UUID, money: Sequence[Money], *, cause: str) -> None:
    """Make a payment the one that settled its order."""
    await unsettle_others(transaction, [m for m in money if m.payment_id != payment_id], cause=cause)
    await set_disposition(transaction, payment_id, Disposition.SETTLED, cause=cause)


async def unsettle_others(transaction: Transaction, money: Sequence[Money], *, cause: str) -> None:
    """One payment settles an order: an earlier one that was given back in full doesn't any more."""
    for other in money:
        if other.disposition is Disposition.SETTLED:
            await set_disposition(transaction, other.payment_id, Disposition.DUPLICATE, cause=cause)


async def set_disposition(
    transaction: Transaction, payment_id: UUID, disposition: Disposition, *, cause: str
) -> None:
    changes = {"payment_id": payment_id, "to_disposition": disposition, "to_cause": cause}
    await transaction.rows(SET_DISPOSITION, changes)
