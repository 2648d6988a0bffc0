"""Orders as those who may see them see them. Amounts are minor units of the currency beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from models.orders.tables import CancelReason, OrderStatus
from models.payments.tables import Disposition, PaymentState
from models.refunds.tables import RefundCause, RefundState
from runtime.database.database import Row
from runtime.pages import Cursor
from services.orders.lines import OrderLine, line_from


@dataclass(frozen=True, slots=True)
class RefundView:
    id: UUID
    state: RefundState
    cause: RefundCause
    amount: int
    currency: str
    reason: str | None
    created_at: datetime
    failure_code: str | None
    note: str | None
    customer_message: str | None


@dataclass(frozen=True, slots=True)
class DisputeView:
    id: str
    status: str
    reason: str
    amount: int
    currency: str
    created_at: datetime
    due_by: datetime | None


@dataclass(frozen=True, slots=True)
class TransitionView:
    """One change of a payment's state; `from_state` is None for its beginning."""

    from_state: PaymentState | None
    to_state: PaymentState
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentView:
    """`unwatched`: Stripe was not asked about it in the last few seconds."""

    id: UUID
    state: PaymentState
    disposition: Disposition | None
    amount: int
    amount_received: int
    currency: str
    intent_id: str | None
    created_at: datetime
    unwatched: bool
    refunds: tuple[RefundView, ...]
    disputes: tuple[DisputeView, ...]
    history: tuple[TransitionView, ...]


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order with everything that happened to it. `total` is minor units of `currency`."""

    id: UUID
    status: OrderStatus
    currency: str
    total: int
    lines: tuple[OrderLine, ...]
    payments: tuple[PaymentView, ...]
    created_at: datetime
    updated_at: datetime
    version: int = 1
    user_id: str | None = None
    reference: str | None = None
    expires_at: datetime | None = None
    cancel_reason: CancelReason | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def items(self) -> tuple[OrderLine, ...]:
        """The lines that are products of the catalogue here."""
        return tuple(line for line in self.lines if line.product_id is not None)

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.created_at, self.id)


def order_from(row: Row) -> PlacedOrder:
    return PlacedOrder(
        row.id,
        OrderStatus(row.status),
        row.currency,
        row.total,
        tuple(map(line_from, row.lines)),
        tuple(map(payment_from, row.payments)),
        row.created_at,
        row.updated_at,
        row.version,
        row.user_id,
        row.reference,
        row.expires_at,
        CancelReason(row.cancel_reason) if row.cancel_reason else None,
        row.shop_metadata,
    )


def payment_from(values: Sequence[Any]) -> PaymentView:
    """From the JSON array that the statement makes of a payment."""
    payment_id, state, disposition, amount, received, currency, intent_id, created_at, *others = values
    unwatched, refunds, disputes, history = others
    return PaymentView(
        UUID(payment_id),
        PaymentState(state),
        Disposition(disposition) if disposition else None,
        amount,
        received,
        currency,
        intent_id,
        _moment(created_at),
        unwatched,
        tuple(
            RefundView(
                UUID(r[0]), RefundState(r[1]), RefundCause(r[2]), r[3], currency, r[4], _moment(r[5]), *r[6:]
            )
            for r in refunds
        ),
        tuple(
            DisputeView(d[0], d[1], d[2], d[3], currency, _moment(d[4]), _moment(d[5]) if d[5] else None)
            for d in disputes
        ),
        tuple(
            TransitionView(PaymentState(t[0]) if t[0] else None, PaymentState(t[1]), t[2], _moment(t[3]))
            for t in history
        ),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
