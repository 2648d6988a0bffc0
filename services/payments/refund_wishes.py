"""What a merchant wants to give back, checked and recorded under the order's lock: of which payment, and how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.currencies.currencies import currency, in_whole_steps
from models.orders.tables import OrderStatus
from models.payments.settlement_statements import LOCK_ORDER
from models.refunds.statements import (
    ADD_REFUND,
    EARLIER_REFUND,
    LEFT_TO_GIVE_BACK,
    REFUNDABLE_PAYMENTS,
    RefundablePayment,
    RefundRow,
)
from models.refunds.tables import RefundCause, RefundState
from runtime.database.database import Transaction
from services.orders.refusals import IdempotencyKeyReused, OrderNotFound
from services.orders.texts import LONGEST_KEY, is_key, is_note
from services.orders.views import RefundView
from services.payments.refund_ids import merchants_refund
from services.payments.refusals import (
    RECEIVED_ELSEWHERE,
    AmountNotRefundable,
    InvalidRefund,
    OrderNotRefundable,
)

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """What a merchant asks for: `amount` in minor units, None for all that is left.

    `reason` and `note` are for the shop alone, `customer_message` is for the customer.
    """

    order_id: UUID
    amount: int | None
    reason: str | None
    idempotency_key: str
    requested_by: str
    note: str | None = None
    customer_message: str | None = None


def check_wish(wish: RefundWish) -> None:
    if not is_key(wish.idempotency_key):
        raise InvalidRefund(f"the key has between 1 and {LONGEST_KEY} printable characters")
    texts = {"reason": wish.reason, "note": wish.note, "customer message": wish.customer_message}
    for name, text in texts.items():
        if text and not is_note(text, LONGEST_NOTE):
            raise InvalidRefund(f"the {name} has between 1 and {LONGEST_NOTE} readable characters")


async def record(transaction: Transaction, wish: RefundWish) -> tuple[UUID, str]:
    """The refund's id and currency: a new one, or the one that this key made before."""
    order = await transaction.row(LOCK_ORDER, {"order_id": wish.order_id})
    if order is None:
        raise OrderNotFound
    payments = await transaction.rows(REFUNDABLE_PAYMENTS, {"order_id": wish.order_id})
    for payment in payments:
        if earlier := await _earlier(transaction, payment, wish):
            return earlier.id, payment.currency
    payments = [payment for payment in payments if payment.is_refundable]
    if not payments:
        raise OrderNotRefundable(OrderStatus(order.status))
    payments = [payment for payment in payments if payment.is_ours]
    if not payments:
        raise OrderNotRefundable(OrderStatus(order.status), RECEIVED_ELSEWHERE)
    payment, amount = await _chosen(transaction, payments, wish.amount, order.currency)
    values = {
        "id": merchants_refund(payment.intent_id, wish.idempotency_key),
        "payment_id": payment.id,
        "state": RefundState.CREATING,
        "cause": RefundCause.MERCHANT,
        "amount": amount,
        "reason": wish.reason,
        "note": wish.note,
        "customer_message": wish.customer_message,
        "client_key": wish.idempotency_key,
        "requested_by": wish.requested_by,
    }
    return (await transaction.one(ADD_REFUND, values)).id, payment.currency


async def _earlier(
    transaction: Transaction, payment: RefundablePayment, wish: RefundWish
) -> RefundRow | None:
    refund_id = merchants_refund(payment.intent_id, wish.idempotency_key)
    key = {"payment_id": payment.id, "client_key": wish.idempotency_key, "refund_id": refund_id}
    earlier = await transaction.row(EARLIER_REFUND, key)
    if earlier is not None and wish.amount not in (None, earlier.amount):
        raise IdempotencyKeyReused(wish.order_id)
    return earlier


async def _chosen(
    transaction: Transaction, payments: Sequence[RefundablePayment], wanted: int | None, order_currency: str
) -> tuple[RefundablePayment, int]:
    """The first payment that has as much left, and how much goes back of it: a multiple of its currency's step.

    `wanted` is minor units of the order's currency; without it all that is left goes back, but for what went back in
    another way, which never goes back of money that the order has no use for. An order whose currency was changed may
    have money of another one.
    """
    left = []
    for payment in payments:
        row = await transaction.one(LEFT_TO_GIVE_BACK, {"payment_id": payment.id})
        rest = row.amount - row.given_up if wanted is None or payment.goes_back else row.amount
        left.append((payment, in_whole_steps(max(0, rest), payment.currency)))
    if wanted is not None:
        left = [(payment, rest) for payment, rest in left if payment.currency == order_currency]
    for payment, rest in left:
        amount = rest if wanted is None else wanted
        if 1 <= amount <= rest and amount == in_whole_steps(amount, payment.currency):
            return payment, amount
    most, code = max(((rest, payment.currency) for payment, rest in left), default=(0, order_currency))
    raise AmountNotRefundable(most, code, currency(code).step)


def view_from(row: RefundRow, currency: str) -> RefundView:
    return RefundView(
        id=row.id,
        state=RefundState(row.state),
        cause=RefundCause(row.cause),
        amount=row.amount,
        currency=currency,
        reason=row.reason,
        created_at=row.created_at,
        failure_code=row.failure_code,
        note=row.note,
        customer_message=row.customer_message,
        requested_by=row.requested_by,
    )
