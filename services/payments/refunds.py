"""Giving money back: recorded before Stripe is called, never more than came in, never twice.

A refund whose outcome is unknown is asked for again under its own key. A new key is made only after a look at
Stripe's list has shown that the one before it made nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from models.orders.tables import OrderStatus
from models.payments.settlement_statements import LOCK_ORDER, LOCK_PAYMENT, SET_ORDER_STATUS
from models.payments.tables import Disposition
from models.refunds.statements import (
    ADD_REFUND,
    END_REFUND_LEASE,
    FAIL_REFUND,
    MADE_AMOUNT,
    NEXT_ATTEMPT,
    OWED_REFUND,
    PAYMENT_WITH_INTENT,
    REFUND,
    REFUND_BY_CLIENT_KEY,
    REFUNDABLE_PAYMENT,
    REFUNDS_OF_PAYMENT,
    RESERVED_AMOUNT,
    SET_REFUND,
    TAKE_REFUND,
    TRY_THE_REST,
)
from models.refunds.tables import RefundCause, RefundState
from runtime.database.database import Database, Row, Transaction
from services.orders.refusals import IdempotencyKeyReused, OrderNotFound
from services.orders.views import RefundView
from services.payments import failpoints
from services.payments.intents import GatewayError, KeyBurnt, RefundRequest, Refused, StripeRefund
from services.payments.refusals import AmountNotRefundable, InvalidRefund, OrderNotRefundable
from services.payments.state_machine import status_after_refunds

LEASE = timedelta(seconds=10)
ENDED = (RefundState.FAILED, RefundState.CANCELED)
KEY_LIFETIME = timedelta(hours=23)  # Stripe may forget a key after 24

log = structlog.get_logger(__name__)


class RefundGateway(Protocol):
    async def create_refund(self, request: RefundRequest) -> StripeRefund: ...
    async def list_refunds(self, intent_id: str) -> list[StripeRefund]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """What a merchant asks for: `amount` in minor units, None for all that is left."""

    order_id: UUID
    amount: int | None
    reason: str | None
    idempotency_key: str
    requested_by: str


class Refunds:
    def __init__(self, database: Database, gateway: RefundGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def request(self, wish: RefundWish) -> RefundView:
        """Record a merchant's refund and carry it out; raises a `Refusal` when nothing is given back.

        A refund that Stripe has not confirmed in time is answered as `creating`: it is recorded, and will be done.
        """

        check_wish(wish)

        async def record(transaction: Transaction) -> tuple[UUID, str]:
            return await _record(transaction, wish)

        refund_id, currency = await self._database.transaction(record, locks=wish.order_id)
        failpoints.reach(failpoints.REFUND_RECORDED)
        await self.carry_out(refund_id)
        row = await self._database.row(REFUND, {"refund_id": refund_id})
        if row is None:
            raise OrderNotFound
        return view_from(row, currency)

    async def carry_out(self, refund_id: UUID) -> None:
        """Have Stripe make a recorded refund, unless somebody else is at it or it is made."""
        parameters = {"refund_id": refund_id, "lease": LEASE, "key_lifetime": KEY_LIFETIME}
        refund = await self._database.row(TAKE_REFUND, parameters)
        if refund is None:
            return
        try:
            made = await self._made(refund)
        except Refused as error:
            await self._refused(refund, error)
        except GatewayError as error:
            log.warning(
                "refund delayed", refund=str(refund_id), outcome=type(error).__name__, code=error.code
            )
            await self._database.rows(END_REFUND_LEASE, {"refund_id": refund_id})
        else:
            failpoints.reach(failpoints.REFUND_MADE)
            if made is not None:
                await self._write(refund.intent_id, [made])

    async def _made(self, refund: Row) -> StripeRefund | None:
        """The refund at Stripe; None when somebody else is making it by now."""
        attempt = refund.attempt
        if not refund.key_expired:
            try:
                return await self._ask_for(refund, attempt)
            except KeyBurnt as error:
                log.error("refund's key is burnt", refund=str(refund.id), stripe_request=error.request_id)
        made = await self._found(refund)
        if made is not None or not await self._renew(refund, attempt):
            return made
        return await self._ask_for(refund, attempt + 1)

    async def _ask_for(self, refund: Row, attempt: int) -> StripeRefund:
        request = RefundRequest(
            refund_id=refund.id,
            attempt=attempt,
            intent_id=refund.intent_id,
            amount=refund.amount,
            reason=refund.reason,
        )
        return await self._gateway.create_refund(request)

    async def _found(self, refund: Row) -> StripeRefund | None:
        """The refund in Stripe's list, whatever became of the call that made it."""
        for listed in await self._gateway.list_refunds(refund.intent_id):
            if listed.refund_id == refund.id:
                return listed
        return None

    async def _renew(self, refund: Row, tried: int) -> bool:
        """Begin another attempt, under our lease; False when somebody else did."""
        parameters = {"refund_id": refund.id, "tried": tried, "lease": LEASE}
        return await self._database.row(NEXT_ATTEMPT, parameters) is not None

    async def _refused(self, refund: Row, error: Refused) -> None:
        """Stripe said no, most likely since the dashboard was faster: learn what there is, then end ours."""
        log.error("refund refused", refund=str(refund.id), code=error.code, stripe_request=error.request_id)
        await self._database.rows(FAIL_REFUND, {"refund_id": refund.id, "code": error.code or "refused"})
        try:
            await self.hear(refund.intent_id)
        except GatewayError as unheard:
            log.warning("refunds not heard of", refund=str(refund.id), outcome=type(unheard).__name__)
        else:
            await self.try_the_rest(refund.id)

    async def try_the_rest(self, refund_id: UUID) -> None:
        """Give back what is left of owed money after ours was refused, since a part went back in another way."""
        if await self._database.row(TRY_THE_REST, {"refund_id": refund_id}) is not None:
            await self.carry_out(refund_id)

    async def carry_out_owed(self, intent_id: str) -> None:
        """Carry out the automatic refund of a payment that its order had no use for, if there is one."""
        owed = await self._database.row(OWED_REFUND, {"intent_id": intent_id})
        if owed is not None:
            await self.carry_out(owed.id)

    async def hear(self, intent_id: str) -> None:
        """Write down every refund that Stripe has of an intent, those made in its dashboard too.

        Raises a `GatewayError` when Stripe can't be asked.
        """
        await self._write(intent_id, await self._gateway.list_refunds(intent_id))

    async def _write(self, intent_id: str, listed: Sequence[StripeRefund]) -> None:
        async def write(transaction: Transaction) -> None:
            await _write_listed(transaction, intent_id, listed)

        await self._database.transaction(write, locks=intent_id)


def check_wish(wish: RefundWish) -> None:
    for name, text, longest in (("key", wish.idempotency_key, 255), ("reason", wish.reason or "-", 500)):
        if not 1 <= len(text) <= longest or not text.isprintable():
            raise InvalidRefund(f"the {name} has between 1 and {longest} printable characters")


async def _record(transaction: Transaction, wish: RefundWish) -> tuple[UUID, str]:
    """The refund's id and currency: a new one, or the one that this key made before."""
    order = await transaction.row(LOCK_ORDER, {"order_id": wish.order_id})
    if order is None:
        raise OrderNotFound
    payment = await transaction.row(REFUNDABLE_PAYMENT, {"order_id": wish.order_id})
    if payment is None:
        raise OrderNotRefundable(OrderStatus(order.status))
    key = {"payment_id": payment.id, "client_key": wish.idempotency_key}
    earlier = await transaction.row(REFUND_BY_CLIENT_KEY, key)
    if earlier is not None:
        if wish.amount not in (None, earlier.amount):
            raise IdempotencyKeyReused(wish.order_id)
        return earlier.id, payment.currency
    reserved = (await transaction.one(RESERVED_AMOUNT, {"payment_id": payment.id}))[0]
    left = payment.amount_received - int(reserved)
    amount = left if wish.amount is None else wish.amount
    if not 1 <= amount <= left:
        raise AmountNotRefundable(left, payment.currency)
    values = {
        "id": uuid4(),
        "payment_id": payment.id,
        "state": RefundState.CREATING,
        "cause": RefundCause.MERCHANT,
        "amount": amount,
        "reason": wish.reason,
        "client_key": wish.idempotency_key,
        "requested_by": wish.requested_by,
    }
    return (await transaction.one(ADD_REFUND, values))[0], payment.currency


async def _write_listed(transaction: Transaction, intent_id: str, listed: Sequence[StripeRefund]) -> None:
    payment = await transaction.row(PAYMENT_WITH_INTENT, {"intent_id": intent_id})
    if payment is None:
        return
    order = await transaction.one(LOCK_ORDER, {"order_id": payment.order_id})
    await transaction.rows(LOCK_PAYMENT, {"payment_id": payment.id})
    ours = await transaction.rows(REFUNDS_OF_PAYMENT, {"payment_id": payment.id})
    for refund in sorted(listed, key=lambda refund: refund.status not in ENDED):  # they make room for others
        await _write_one(transaction, payment.id, ours, refund)
    made = (await transaction.one(MADE_AMOUNT, {"payment_id": payment.id}))[0]
    status = OrderStatus(order.status)
    if payment.disposition not in (Disposition.SETTLED, Disposition.MISMATCH):
        return
    settled = payment.disposition == Disposition.SETTLED
    new_status = status_after_refunds(settled, received=payment.amount_received, refunded=int(made))
    if new_status is not status:
        await transaction.rows(SET_ORDER_STATUS, {"order_id": payment.order_id, "to_status": new_status})
        log.info("order refunded", order=str(payment.order_id), order_status=new_status)


async def _write_one(
    transaction: Transaction, payment_id: UUID, ours: Sequence[Row], refund: StripeRefund
) -> None:
    known = next((row for row in ours if refund.id == row.stripe_refund_id), None) or next(
        (row for row in ours if row.id == refund.refund_id and row.stripe_refund_id is None), None
    )
    if known is None:
        values = {
            "id": uuid4(),
            "payment_id": payment_id,
            "state": refund.status,
            "cause": RefundCause.DASHBOARD,
            "amount": refund.amount,
            "reason": refund.reason,
            "stripe_refund_id": refund.id,
            "failure_code": refund.failure_code,
        }
        await transaction.rows(ADD_REFUND, values)
    elif known.stripe_refund_id is not None and known.state in ENDED:
        return  # an older answer must not bring it back
    elif (known.state, known.stripe_refund_id) != (refund.status, refund.id):
        changes = {
            "refund_id": known.id,
            "to_state": refund.status,
            "to_stripe_id": refund.id,
            "to_failure_code": refund.failure_code,
        }
        await transaction.rows(SET_REFUND, changes)


def view_from(row: Row, currency: str) -> RefundView:
    return RefundView(
        row.id,
        RefundState(row.state),
        RefundCause(row.cause),
        row.amount,
        currency,
        row.reason,
        row.created_at,
    )
