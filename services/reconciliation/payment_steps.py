"""The steps of the sweep that begin at our own tables: each item is a payment, or an intent of one."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from models.orders.tables import OrderStatus
from models.payments.statements import MOVE_PAYMENT
from models.payments.tables import PaymentState
from models.reconciliation.statements import (
    LOOK_AT_MONEY_UNDER_WAY,
    LOOK_AT_PAYMENT,
    ORDERS_THAT_PAUSE,
    PAYABLE_SCANNED,
    PAYABLE_TO_BE_LOOKED_AT,
    PAYMENT_TO_BE_CLOSED,
    REFUNDS_THAT_FAILED,
    TO_BE_CLOSED,
    UNANSWERED_PAYMENTS,
    PayablePayment,
    PaymentToClose,
    UnansweredPayment,
)
from models.reconciliation.stripe_account import DATABASE_TIME
from models.refunds.statements import UNFINISHED_REFUNDS, UnfinishedRefund
from models.refunds.tables import RefundState
from runtime.database.database import Database
from services.identity.refusals import Refusal
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import AccessDenied, GatewayError, Intent, TooManyRequests
from services.payments.order_changes import OrderChanges
from services.payments.order_expiry import DueOrder, OrderExpiry
from services.payments.payment_intents import PaymentIntents
from services.payments.refunds import Refunds
from services.payments.refusals import AmountNotChargeable
from services.payments.settlement import Settlement
from services.reconciliation.recovery import expected_states
from services.reconciliation.round import Round
from services.reconciliation.sweep_step import StepRun

BATCH = 100
MOST_CHANGES = 5_000
NO_ID = str(UUID(int=0))
SCANNED = 5_000  # live payments that one statement reads, whatever the state of the table
MOST_REFUNDS = 1_000
YOUNG = timedelta(hours=2)  # payments that are looked at first, in every run
NO_TIME_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")

log = structlog.get_logger(__name__)


class IntentReader(Protocol):
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


async def move(
    database: Database, payment_id: UUID, from_state: PaymentState, to_state: PaymentState
) -> None:
    parameters = {
        "payment_id": payment_id,
        "from_state": from_state,
        "to_state": to_state,
        "failure_code": None,
        "cause": "reconcile",
    }
    await database.rows(MOVE_PAYMENT, parameters)


class ClosedOrders:
    """Intents that must not be payable: of closed orders, and those whose cancellation was never confirmed."""

    def __init__(self, database: Database, cancellation: IntentCancellation, refunds: Refunds) -> None:
        self._database = database
        self._cancellation = cancellation
        self._refunds = refunds

    async def run(self, step: StepRun) -> None:
        async def close(order_id: UUID) -> None:
            payment = await self._database.row(PAYMENT_TO_BE_CLOSED, {"order_id": order_id})
            if payment is not None:
                await self._close(payment, step)

        async def read(place: str) -> list[UUID]:
            behind = {"limit": BATCH, "after_id": UUID(place or NO_ID)}
            return [row.order_id for row in await self._database.rows(TO_BE_CLOSED, behind)]

        async def due(orders: Sequence[UUID]) -> list[UUID]:
            paused = await pausing(self._database, step, orders)
            return [order_id for order_id in orders if order_id not in paused]

        await Round(read=read, place_of=str, item_id=str, work=close, due=due).run(step)

    async def _close(self, payment: PaymentToClose, step: StepRun) -> None:
        if payment.state == PaymentState.OPEN:
            await move(self._database, payment.id, PaymentState.OPEN, PaymentState.CANCELING)
        intent = await self._cancellation.cancel(payment.intent_id, cause="reconcile")
        await self._refunds.carry_out_owed(payment.intent_id)
        await self._database.rows(LOOK_AT_MONEY_UNDER_WAY, {"of_order": payment.order_id})
        step.count(f"intents of closed orders now {intent.status}")


class ExpiredOrders:
    """Unpaid orders whose time is over: the intent first, then the order. A payment that came first wins."""

    def __init__(self, database: Database, expiry: OrderExpiry) -> None:
        self._database = database
        self._expiry = expiry

    async def run(self, step: StepRun) -> None:
        async def expire(order: DueOrder) -> None:
            if await self._expiry.expire(order.id):
                step.count("orders expired")
            else:
                await self._database.rows(LOOK_AT_MONEY_UNDER_WAY, {"of_order": order.id})

        async def read(place: str) -> list[DueOrder]:
            return await self._expiry.due(after=order_at(place) if place else None)

        async def due(orders: Sequence[DueOrder]) -> list[DueOrder]:
            paused = await pausing(self._database, step, [order.id for order in orders])
            return [order for order in orders if order.id not in paused]

        around = Round(
            read=read, place_of=place_of, item_id=lambda order: str(order.id), work=expire, due=due
        )
        await around.run(step)


async def pausing(database: Database, step: StepRun, orders: Sequence[UUID]) -> set[UUID]:
    """Orders with money under way that was looked at lately; not those whose look failed and is due again."""
    rows = await database.rows(ORDERS_THAT_PAUSE, {"order_ids": list(orders)})
    return {row.order_id for row in rows if str(row.order_id) not in step.retries}


def place_of(order: DueOrder) -> str:
    """Sorts as the orders are read: by the moment, then by the id."""
    return f"{order.expires_at.astimezone(UTC).isoformat(timespec='microseconds')} {order.id}"


def order_at(place: str) -> DueOrder:
    moment, order_id = place.split(" ")
    return DueOrder(UUID(order_id), datetime.fromisoformat(moment))


class UnansweredPayments:
    """Payments that were recorded and never answered: replayed when nobody waits, or given up with their order."""

    def __init__(self, database: Database, payments: PaymentIntents) -> None:
        self._database = database
        self._payments = payments

    async def run(self, step: StepRun) -> None:
        async def answer(payment: UnansweredPayment) -> None:
            if await self._answer(payment):
                step.count("payments answered")

        seen: set[UUID] = set()
        while step.may_go_on:
            due = await self._database.rows(UNANSWERED_PAYMENTS, {"limit": BATCH + len(seen)})
            fresh = [payment for payment in due if payment.id not in seen]
            if not fresh:
                return
            seen |= {payment.id for payment in fresh}
            await step.each(fresh, lambda payment: str(payment.id), answer)

    async def _answer(self, payment: UnansweredPayment) -> bool:
        """False while its order waits for something else, such as a person's word about earlier money."""
        if payment.status != OrderStatus.PENDING:
            await self._give_up(payment.id)
            return True
        try:
            await self._payments.create(payment.user_id, payment.order_id, may_any=True)
        except AmountNotChargeable:  # nobody will ask for it again, and its secret never left
            await self._give_up(payment.id)
        except Refusal as refusal:
            if isinstance(refusal.__cause__, GatewayError):
                raise refusal.__cause__ from None
            log.info("payment not answered", payment=str(payment.id), refusal=type(refusal).__name__)
            return False
        return True

    async def _give_up(self, payment_id: UUID) -> None:
        await move(self._database, payment_id, PaymentState.CREATING, PaymentState.ABANDONED)


class ChangedOrders:
    """Changes of orders that whoever began them left to Stripe's answer."""

    def __init__(self, changes: OrderChanges) -> None:
        self._changes = changes

    async def run(self, step: StepRun) -> None:
        async def finish(order_id: UUID) -> None:
            try:
                await self._changes.finish(order_id)
            except Refusal as refusal:
                if isinstance(refusal.__cause__, GatewayError):
                    raise refusal.__cause__ from None
                log.info("change not made", order=str(order_id), refusal=type(refusal).__name__)
            step.count("changes of orders finished")

        async def read(place: str) -> list[UUID]:
            left_behind = sorted(await self._changes.left_behind(MOST_CHANGES), key=str)
            return [order_id for order_id in left_behind if str(order_id) > place]

        await Round(read=read, place_of=str, item_id=str, work=finish, due=all_of_them).run(step)


async def all_of_them(items: Sequence[T]) -> Sequence[T]:
    return items


class UnfinishedRefunds:
    """Refunds that were never sent to Stripe, then those that Stripe has not finished."""

    def __init__(self, database: Database, refunds: Refunds) -> None:
        self._database = database
        self._refunds = refunds

    async def run(self, step: StepRun) -> None:
        due = await self._database.rows(UNFINISHED_REFUNDS, {"limit": MOST_REFUNDS})
        unsent = [refund for refund in due if refund.state == RefundState.CREATING]
        sent = {refund.intent_id for refund in due if refund.state != RefundState.CREATING}

        async def carry_out(refund: UnfinishedRefund) -> None:
            await self._refunds.carry_out(refund.id)
            step.count("refunds looked at")

        async def refresh(intent_id: str) -> None:
            await self._refunds.refresh(intent_id)
            step.count("refunds looked at")

        async def try_the_rest(refund_id: UUID) -> None:
            await self._refunds.try_the_rest(refund_id)

        async def failed(place: str) -> list[UUID]:
            behind = {"limit": BATCH, "after_id": UUID(place or NO_ID)}
            return [row.id for row in await self._database.rows(REFUNDS_THAT_FAILED, behind)]

        await step.each(unsent, lambda refund: str(refund.id), carry_out)
        await step.each(sent, str, refresh)
        await Round(read=failed, place_of=str, item_id=str, work=try_the_rest, due=all_of_them).run(step)


class PayableIntents:
    """Looks at intents that may have been paid without a webhook: young ones each minute, older ones more rarely.

    Young ones come first in every run; from there the cursor walks through the older ones, as far as the budget goes.
    """

    def __init__(self, database: Database, gateway: IntentReader, refunds: Refunds) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)
        self._refunds = refunds

    async def run(self, step: StepRun) -> None:
        # A look is written down before Stripe is asked: one that failed would be due after its long pause only.
        await step.each(step.retries, str, self._look_again(step))
        [clock] = await self._database.rows(DATABASE_TIME)  # payments are older or younger by the same clock
        now = clock.moment + timedelta(days=1)  # it may have gone back
        old = clock.moment - YOUNG
        await self._walk(step, now, old, keeps_cursor=False)
        start = datetime.fromisoformat(step.cursor) if step.cursor else old
        await self._walk(step, min(start, old), NO_TIME_BEFORE, keeps_cursor=True)

    async def _walk(self, step: StepRun, before: datetime, until: datetime, *, keeps_cursor: bool) -> None:
        while True:
            part = {"before": before, "until": until, "scanned": SCANNED}
            scanned = await self._database.row(PAYABLE_SCANNED, part)
            if scanned is None or scanned.oldest is None:
                break
            due = await self._database.rows(PAYABLE_TO_BE_LOOKED_AT, part)
            if not await step.each(due, lambda payment: str(payment.intent_id), self._look(step)):
                return
            before = scanned.oldest
            if keeps_cursor:
                await step.keep(before.isoformat())
        if keeps_cursor and step.cursor is not None:
            await step.keep(None)

    def _look_again(self, step: StepRun) -> Callable[[str], Awaitable[None]]:
        async def look(intent_id: str) -> None:
            await self._settlement.apply(await self._gateway.retrieve_intent(intent_id), cause="reconcile")
            await self._refunds.carry_out_owed(intent_id)
            step.count("payable intents looked at")

        return look

    def _look(self, step: StepRun) -> Callable[[PayablePayment], Awaitable[None]]:
        async def look(payment: PayablePayment) -> None:
            known = await self._database.row(LOOK_AT_PAYMENT, {"payment_id": payment.id})
            try:
                intent = await self._gateway.retrieve_intent(payment.intent_id)
            except (AccessDenied, TooManyRequests):  # which the step ends with: this one was not looked at
                await step.set_aside([payment.intent_id])
                raise
            # Usually nothing has changed, and nothing needs the order's lock.
            if known is None or known.state not in expected_states(intent):
                await self._settlement.apply(intent, cause="reconcile")
                await self._refunds.carry_out_owed(payment.intent_id)
            step.count("payable intents looked at")

        return look
