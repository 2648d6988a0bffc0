"""The lines that a staged change gives to an order, written under the order's lock (see order_changes.py)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.orders.changes import DROP_CHANGE, SET_EXPIRY, STAGED_CHANGE, OrderToChange, StagedChange
from models.orders.channel import TELL_ORDER_UPDATED
from models.orders.statements import ADD_LINES, REMOVE_LINES
from models.orders.tables import OrderStatus
from models.payments.settlement_statements import LockedOrder
from runtime.database.database import Transaction


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The part of a change that the order gets."""

    lines: str
    total: int
    sets_expiry: bool
    expires_at: datetime | None

    def as_parameters(self) -> dict[str, Any]:
        return {
            "lines": self.lines,
            "total": self.total,
            "sets_expiry": self.sets_expiry,
            "expires_at": self.expires_at,
        }


@dataclass(frozen=True, slots=True)
class AtStripe:
    """What an intent is about, or brought: minor units of `currency`."""

    amount: int
    currency: str


async def take_staged_lines(
    transaction: Transaction, order_id: UUID, order: LockedOrder, received: AtStripe
) -> bool:
    """For the settlement, under the order's lock: money came with the total of a staged change, so it was made."""
    staged = await transaction.row(STAGED_CHANGE, {"order_id": order_id})
    if staged is None or not may_take(staged, order, received):
        return False
    await write_lines(transaction, order_id, staged)
    return await drop_change(transaction, order_id, staged)


def may_take(staged: StagedChange, order: OrderToChange | LockedOrder, at_stripe: AtStripe) -> bool:
    """Whether Stripe has the change's total, and the locked order is what it was made for: SQL may have changed it."""
    is_as_it_was = order.status == OrderStatus.PENDING and order.version == staged.from_version
    return is_as_it_was and at_stripe == AtStripe(staged.total, order.currency)


async def write_lines(transaction: Transaction, order_id: UUID, change: ChangeRow | StagedChange) -> int:
    """The order's version behind it."""
    await transaction.rows(REMOVE_LINES, {"order_id": order_id})
    await transaction.rows(ADD_LINES, {"order_id": order_id, "lines": change.lines})
    expiry = {"sets_expiry": change.sets_expiry, "expires_at": change.expires_at}
    row = await transaction.one(SET_EXPIRY, {"order_id": order_id, **expiry})
    await transaction.rows(TELL_ORDER_UPDATED, {"order_id": order_id})
    version: int = row.version
    return version


async def drop_change(transaction: Transaction, order_id: UUID, staged: StagedChange) -> bool:
    return await transaction.row(DROP_CHANGE, {"order_id": order_id, "id": staged.id}) is not None
