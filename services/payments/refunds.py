"""Giving money back: recorded before Stripe is called, never more than came in, never twice.

A refund whose outcome is unknown is asked for again under its own key. When that key can't be used any more (Stripe
answered 500, or may have forgotten it), there is another one only after a pause: Stripe may still finish what it was
asked. Before each request Stripe's list is read: a refund that is there already is taken over, whatever became of the
call or the database that made it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import Executable

from models.currencies.currencies import currency, in_whole_steps
from models.orders.tables import OrderStatus
from models.payments.settlement_statements import LOCK_ORDER, LOCK_PAYMENT
from models.payments.tables import PaymentState
from models.refunds.attempts import (
    BURN_KEY,
    FAIL_REFUND,
    NEXT_ATTEMPT,
    POSTPONE_REFUND,
    TAKE_REFUND,
    TRY_THE_REST,
    WAIT_FOR_KEY,
    TakenRefund,
)
from models.refunds.statements import (
    ADD_REFUND,
    EARLIER_REFUND,
    LEFT_TO_GIVE_BACK,
    LOOK_AGAIN_LATER,
    OWED_REFUND,
    PAYMENT_WITH_INTENT,
    REFUND,
    REFUNDABLE_PAYMENTS,
    RefundablePayment,
    RefundRow,
)
from models.refunds.tables import BALANCE_INSUFFICIENT, FORBIDDEN, RefundCause, RefundState
from runtime.database.database import Database, Transaction
from services.orders.refusals import IdempotencyKeyReused, OrderNotFound
from services.orders.texts import LONGEST_KEY, is_key, is_note
from services.orders.views import RefundView
from services.payments import failpoints
from services.payments.attention import refresh_cases
from services.payments.call_priority import on_behalf_of
from services.payments.intents import (
    GatewayError,
    Intent,
    KeyBurnt,
    OutcomeUnknown,
    PermissionMissing,
    RefundRequest,
    Refused,
    StripeRefund,
    is_missing,
    sentence_of,
)
from services.payments.order_money import follow_the_money
from services.payments.permissions import READ_REFUNDS, reporting_missing
from services.payments.refund_ids import merchants_refund
from services.payments.refund_records import write_listed
from services.payments.refusals import (
    RECEIVED_ELSEWHERE,
    AmountNotRefundable,
    InvalidRefund,
    OrderNotRefundable,
)
from services.payments.settlement import Settlement

LEASE = timedelta(seconds=60)
PATIENCE = 50.0  # seconds for all calls of one try, waiting for turns included: the lease outlives them
LONGEST_NOTE = 500
# Refusals that pass: https://docs.stripe.com/error-codes#balance-insufficient
PASSING_CODES = (BALANCE_INSUFFICIENT, "insufficient_funds")

log = structlog.get_logger(__name__)


class RefundGateway(Protocol):
    async def create_refund(self, request: RefundRequest) -> StripeRefund: ...
    async def list_refunds(self, intent_id: str) -> list[StripeRefund]: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


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


class Refunds:
    def __init__(self, database: Database, gateway: RefundGateway, *, patience: float = PATIENCE) -> None:
        """`patience` is seconds for one try; it has to be shorter than the lease."""
        self._patience = patience
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)

    async def request(self, wish: RefundWish) -> RefundView:
        """Record a merchant's refund and carry it out; raises a `Refusal` when nothing is given back.

        A refund that Stripe has not confirmed in time is answered as `creating`: it is recorded, and will be done.
        """

        check_wish(wish)

        async def record(transaction: Transaction) -> tuple[UUID, str]:
            return await _record(transaction, wish)

        refund_id, currency = await self._database.transaction(record, locks=wish.order_id)
        failpoints.reach(failpoints.REFUND_RECORDED)
        with on_behalf_of(wish.requested_by):
            await self.carry_out(refund_id)
        row = await self._database.row(REFUND, {"refund_id": refund_id})
        if row is None:
            raise OrderNotFound
        return view_from(row, currency)

    async def carry_out(self, refund_id: UUID) -> None:
        """Have Stripe make a recorded refund, unless somebody else is at it or it is made."""
        refund = await self._database.row(TAKE_REFUND, {"refund_id": refund_id, "lease": LEASE})
        if refund is None:
            return
        try:
            made = await self._in_time(refund)
        except PermissionMissing as error:
            await self._postpone(refund, error, FORBIDDEN)
        except Refused as error:
            if error.code in PASSING_CODES:
                await self._postpone(refund, error, BALANCE_INSUFFICIENT)
            elif is_missing(error):  # the key of another account: no answer about this payment
                await self._postpone(refund, error, None)
            else:
                await self._refused(refund, error)
        except GatewayError as error:
            await self._postpone(refund, error, None)
        else:
            await self._finish(refund, made)

    async def _finish(self, refund: TakenRefund, made: Sequence[StripeRefund] | None) -> None:
        if made is None:
            await self._database.rows(WAIT_FOR_KEY, {"refund_id": refund.id})
            return
        failpoints.reach(failpoints.REFUND_MADE)
        await self._write(refund.intent_id, made)

    async def _in_time(self, refund: TakenRefund) -> Sequence[StripeRefund] | None:
        """While our lease lasts: afterwards somebody else may be at it, or a person may have given it up."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._made(refund)
        except TimeoutError as error:
            raise OutcomeUnknown("Stripe did not answer in time") from error

    async def _made(self, refund: TakenRefund) -> Sequence[StripeRefund] | None:
        """The refund as Stripe has it, or what else it has while somebody else is making it.

        None while it waits for another key.
        """
        listed = await self._gateway.list_refunds(refund.intent_id)
        if _has(listed, refund.id):
            return listed
        if refund.key_is_good:
            return await self._ask_for(refund, refund.attempt)
        if not refund.may_renew:
            return None
        if not await self._renew(refund, refund.attempt):
            return listed
        return await self._ask_for(refund, refund.attempt + 1)

    async def _ask_for(self, refund: TakenRefund, attempt: int) -> Sequence[StripeRefund]:
        request = RefundRequest(
            refund_id=refund.id,
            attempt=attempt,
            intent_id=refund.intent_id,
            amount=refund.amount,
            reason=refund.reason,
        )
        try:
            return [await self._gateway.create_refund(request)]
        except KeyBurnt:
            await self._database.rows(BURN_KEY, {"refund_id": refund.id, "tried": attempt})
            listed = await self._gateway.list_refunds(refund.intent_id)
            if _has(listed, refund.id):
                return listed
            raise
        except Refused as error:
            if error.code in PASSING_CODES:  # Stripe repeats this answer under the same key, whatever changed
                await self._renew(refund, attempt)
            raise

    async def _renew(self, refund: TakenRefund, tried: int) -> bool:
        """Begin another attempt, under our lease; False when somebody else did."""
        parameters = {"refund_id": refund.id, "tried": tried, "lease": LEASE}
        return await self._database.row(NEXT_ATTEMPT, parameters) is not None

    async def _postpone(self, refund: TakenRefund, error: GatewayError, code: str | None) -> None:
        """Try again later. With a code, a case tells a person why."""
        write = log.warning if code is None else log.error
        write(
            "refund delayed",
            refund=str(refund.id),
            outcome=type(error).__name__,
            code=error.code,
            stripe_request=error.request_id,
        )
        await self._end(refund, POSTPONE_REFUND, error, code)

    async def _refused(self, refund: TakenRefund, error: Refused) -> None:
        """Stripe said no, most likely since the dashboard was faster: learn what there is, then end ours."""
        log.error("refund refused", refund=str(refund.id), code=error.code, stripe_request=error.request_id)
        await self._end(refund, FAIL_REFUND, error, error.code or "refused")
        try:
            await self.refresh(refund.intent_id)
        except GatewayError as unread:
            log.warning("refunds could not be read", refund=str(refund.id), outcome=type(unread).__name__)
        else:
            await self.try_the_rest(refund.id)

    async def _end(
        self, refund: TakenRefund, statement: Executable, error: GatewayError, code: str | None
    ) -> None:
        changes = {"refund_id": refund.id, "code": code, "message": sentence_of(error)}

        async def write(transaction: Transaction) -> None:
            await transaction.rows(LOCK_ORDER, {"order_id": refund.order_id})
            await transaction.rows(statement, changes)
            await refresh_cases(transaction, refund.order_id)

        await self._database.transaction(write, locks=refund.order_id)

    async def try_the_rest(self, refund_id: UUID) -> None:
        """Give back what is left of owed money after ours was refused, since a part went back in another way."""
        if await self._database.row(TRY_THE_REST, {"refund_id": refund_id}) is not None:
            await self.carry_out(refund_id)

    async def carry_out_owed(self, intent_id: str) -> None:
        """Carry out the automatic refund of a payment that its order had no use for, if there is one."""
        owed = await self._database.row(OWED_REFUND, {"intent_id": intent_id})
        if owed is not None:
            await self.carry_out(owed.id)

    async def refresh(self, intent_id: str) -> None:
        """Write down every refund that Stripe has of an intent, those made in its dashboard too.

        Raises a `GatewayError` when Stripe can't be asked.
        """
        async with reporting_missing(self._database, READ_REFUNDS):
            listed = await self._gateway.list_refunds(intent_id)
        if not await self._write(intent_id, listed):
            # Its refunds are known before its payment is: the payment comes first.
            await self._settlement.apply(await self._gateway.retrieve_intent(intent_id), cause="refund")
            await self._write(intent_id, listed)
        await self._database.rows(LOOK_AGAIN_LATER, {"intent_id": intent_id})

    async def _write(self, intent_id: str, listed: Sequence[StripeRefund]) -> bool:
        """False while we don't know that the money of these refunds arrived."""
        payment = await self._database.row(PAYMENT_WITH_INTENT, {"intent_id": intent_id})
        if payment is None:
            return True

        async def write(transaction: Transaction) -> bool:
            order = await transaction.one(LOCK_ORDER, {"order_id": payment.order_id})
            locked = await transaction.one(LOCK_PAYMENT, {"payment_id": payment.id})
            if locked.state != PaymentState.SUCCEEDED:
                return not listed
            await write_listed(transaction, payment.id, locked, listed)
            await follow_the_money(transaction, payment.order_id, order, cause="refund")
            return True

        return await self._database.transaction(write, locks=payment.order_id)


def check_wish(wish: RefundWish) -> None:
    if not is_key(wish.idempotency_key):
        raise InvalidRefund(f"the key has between 1 and {LONGEST_KEY} printable characters")
    texts = {"reason": wish.reason, "note": wish.note, "customer message": wish.customer_message}
    for name, text in texts.items():
        if text and not is_note(text, LONGEST_NOTE):
            raise InvalidRefund(f"the {name} has between 1 and {LONGEST_NOTE} readable characters")


def _has(listed: Sequence[StripeRefund], refund_id: UUID) -> bool:
    return any(refund.refund_id == refund_id for refund in listed)


async def _record(transaction: Transaction, wish: RefundWish) -> tuple[UUID, str]:
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
    another way. An order whose currency was changed may have money of another one.
    """
    left = []
    for payment in payments:
        row = await transaction.one(LEFT_TO_GIVE_BACK, {"payment_id": payment.id})
        rest = row.amount if wanted is not None else row.amount - row.given_up
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
        row.id,
        RefundState(row.state),
        RefundCause(row.cause),
        row.amount,
        currency,
        row.reason,
        row.created_at,
        row.failure_code,
        row.note,
        row.customer_message,
        row.requested_by,
    )
