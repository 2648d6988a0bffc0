"""Giving money back: recorded before Stripe is called, never more than came in, never twice.

A refund whose outcome is unknown is asked for again under its own key. When that key can't be used any more (Stripe
answered 500, or may have forgotten it), there is another one only after a pause: Stripe may still finish what it was
asked. Before each request Stripe's list is read: a refund that is there already is taken over, whatever became of the
call or the database that made it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import Executable

from models.payments.settlement_statements import LOCK_ORDER, LOCK_PAYMENT
from models.payments.tables import PaymentState
from models.refunds.attempts import (
    BURN_KEY,
    FAIL_REFUND,
    NEXT_ATTEMPT,
    NOT_FOR_THIS,
    PAYMENT_OF_REST,
    POSTPONE_REFUND,
    TAKE_REFUND,
    TRY_THE_REST,
    WAIT_FOR_KEY,
    TakenRefund,
)
from models.refunds.statements import (
    LOOK_AGAIN_LATER,
    OWED_REFUND,
    PAYMENT_WITH_INTENT,
    REFUND,
)
from models.refunds.tables import BALANCE_INSUFFICIENT, ENDED, FORBIDDEN, MADE_BY_HAND
from runtime.database.database import Database, Transaction
from services.orders.refusals import OrderNotFound
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
from services.payments.refund_records import write_listed
from services.payments.refund_wishes import RefundWish, check_wish, record, view_from
from services.payments.settlement import Settlement

LEASE = timedelta(seconds=60)
PATIENCE = 50.0  # seconds for all calls of one try, waiting for turns included: the lease outlives them
# Refusals that pass: https://docs.stripe.com/error-codes#balance-insufficient
PASSING_CODES = (BALANCE_INSUFFICIENT, "insufficient_funds")

INSTEAD = "A refund of this amount was made in Stripe's dashboard meanwhile."

log = structlog.get_logger(__name__)


class RefundGateway(Protocol):
    async def create_refund(self, request: RefundRequest) -> StripeRefund: ...
    async def list_refunds(self, intent_id: str) -> list[StripeRefund]: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


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

        async def write(transaction: Transaction) -> tuple[UUID, str]:
            return await record(transaction, wish)

        refund_id, currency = await self._database.transaction(write, locks=wish.order_id)
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
        if refund.was_told and await self._is_made_by_hand(refund, listed):
            raise Refused(INSTEAD, code=MADE_BY_HAND)
        if refund.key_is_good:
            return await self._ask_for(refund, refund.attempt)
        if not refund.may_renew:
            return None
        if not await self._renew(refund, refund.attempt):
            return listed
        return await self._ask_for(refund, refund.attempt + 1)

    async def _is_made_by_hand(self, refund: TakenRefund, listed: Sequence[StripeRefund]) -> bool:
        """Whether the dashboard gave back as much since a case told a person of this refund: most likely instead.

        Then it is ended, so that the dashboard's refund stands in the place of no other one.
        """
        alike = [
            other.id
            for other in listed
            if other.refund_id is None and other.is_booked and other.amount == refund.amount
            if other.status not in ENDED
        ]
        if not alike:
            return False
        about = {"refund_id": refund.id, "stripe_refund_ids": alike}

        async def end(transaction: Transaction) -> bool:
            await transaction.rows(LOCK_ORDER, {"order_id": refund.order_id})
            if len(await transaction.rows(NOT_FOR_THIS, about)) >= len(alike):
                return False
            why = {"refund_id": refund.id, "code": MADE_BY_HAND, "message": INSTEAD}
            await transaction.rows(FAIL_REFUND, why)
            return True

        return await self._database.transaction(end, locks=refund.order_id)

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
            await self.try_the_rest(refund.id)
        except GatewayError as unread:
            log.warning("refunds could not be read", refund=str(refund.id), outcome=type(unread).__name__)

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
        """Give back what is left of owed money after ours was refused, since a part went back in another way.

        Raises a `GatewayError` when Stripe can't be asked what went back.
        """
        about = {"refund_id": refund_id}
        payment = await self._database.row(PAYMENT_OF_REST, about)
        if payment is None:
            return
        await self.refresh(payment.intent_id)  # what others gave back since is not given back again

        async def take_up(transaction: Transaction) -> bool:
            await transaction.rows(LOCK_ORDER, {"order_id": payment.order_id})
            return await transaction.row(TRY_THE_REST, about) is not None

        if await self._database.transaction(take_up, locks=payment.order_id):
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


def _has(listed: Sequence[StripeRefund], refund_id: UUID) -> bool:
    return any(refund.refund_id == refund_id for refund in listed)
