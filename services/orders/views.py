"""Orders as those who may see them see them. Amounts are minor units of the currency beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.orders.rows import DisputeJson, OrderRow, PaymentJson, RefundJson, ReviewJson, TransitionJson
from models.orders.tables import CancelReason, OrderStatus
from models.payments.tables import Disposition, PaymentState
from models.refunds.tables import RefundCause, RefundState
from models.reviews.tables import ReviewDecision
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
    requested_by: str | None


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
    """`unwatched`: Stripe was not asked about it in the last few seconds. `is_ours`: recorded here, and not in the
    database that this one is a copy of. `given_up` is what of it went back in another way, by a person's word.
    """

    id: UUID
    state: PaymentState
    disposition: Disposition | None
    amount: int
    amount_received: int
    currency: str
    intent_id: str | None
    created_at: datetime
    unwatched: bool
    is_ours: bool
    given_up: int
    refunds: tuple[RefundView, ...]
    disputes: tuple[DisputeView, ...]
    history: tuple[TransitionView, ...]


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What a person decided about an order in review. `note` is for the shop alone."""

    id: UUID
    decision: ReviewDecision
    note: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order with everything that happened to it. `total` is minor units of `currency`.

    `revision` grows with every change of the order, its payments, refunds and disputes; 0 where it was not read.
    `refunded_by_hand`: somebody set its status so by SQL, and its money is here.
    """

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
    canceled_by: str | None = None
    canceled_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    receipt_email: str | None = None
    reviews: tuple[ReviewView, ...] = ()
    revision: int = 0
    refunded_by_hand: bool = False

    @property
    def items(self) -> tuple[OrderLine, ...]:
        """The lines that are products of the catalogue here."""
        return tuple(line for line in self.lines if line.product_id is not None)

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.created_at, self.id)


def order_from(row: OrderRow) -> PlacedOrder:
    return PlacedOrder(
        id=row.id,
        status=OrderStatus(row.status),
        currency=row.currency,
        total=row.total,
        lines=tuple(map(line_from, row.lines)),
        payments=tuple(map(payment_from, row.payments)),
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        user_id=row.user_id,
        reference=row.reference,
        expires_at=row.expires_at,
        cancel_reason=CancelReason(row.cancel_reason) if row.cancel_reason else None,
        canceled_by=row.canceled_by,
        canceled_at=row.canceled_at,
        metadata=row.shop_metadata,
        receipt_email=row.receipt_email,
        reviews=tuple(map(review_from, row.reviews)),
        revision=row.revision,
        refunded_by_hand=row.refunded_by_hand,
    )


def payment_from(payment: PaymentJson) -> PaymentView:
    currency, disposition = payment["currency"], payment["disposition"]
    return PaymentView(
        id=UUID(payment["id"]),
        state=PaymentState(payment["state"]),
        disposition=Disposition(disposition) if disposition else None,
        amount=payment["amount"],
        amount_received=payment["amount_received"],
        currency=currency,
        intent_id=payment["intent_id"],
        created_at=_moment(payment["created_at"]),
        unwatched=payment["unwatched"],
        is_ours=payment["is_ours"],
        given_up=payment["given_up"],
        refunds=tuple(refund_from(each, currency) for each in payment["refunds"]),
        disputes=tuple(dispute_from(each, currency) for each in payment["disputes"]),
        history=tuple(map(transition_from, payment["history"])),
    )


def refund_from(refund: RefundJson, currency: str) -> RefundView:
    return RefundView(
        id=UUID(refund["id"]),
        state=RefundState(refund["state"]),
        cause=RefundCause(refund["cause"]),
        amount=refund["amount"],
        currency=currency,
        reason=refund["reason"],
        created_at=_moment(refund["created_at"]),
        failure_code=refund["failure_code"],
        note=refund["note"],
        customer_message=refund["customer_message"],
        requested_by=refund["requested_by"],
    )


def dispute_from(dispute: DisputeJson, currency: str) -> DisputeView:
    return DisputeView(
        id=dispute["id"],
        status=dispute["status"],
        reason=dispute["reason"],
        amount=dispute["amount"],
        currency=currency,
        created_at=_moment(dispute["created_at"]),
        due_by=_moment(dispute["due_by"]) if dispute["due_by"] else None,
    )


def review_from(review: ReviewJson) -> ReviewView:
    return ReviewView(
        id=UUID(review["id"]),
        decision=ReviewDecision(review["decision"]),
        note=review["note"],
        decided_by=review["decided_by"],
        decided_at=_moment(review["decided_at"]),
    )


def transition_from(transition: TransitionJson) -> TransitionView:
    before = transition["from_state"]
    return TransitionView(
        from_state=PaymentState(before) if before else None,
        to_state=PaymentState(transition["to_state"]),
        cause=transition["cause"],
        at=_moment(transition["at"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
