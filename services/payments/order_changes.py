"""updateOrder: a pending order gets other lines, and its intent the new amount, as one.

The customer may be paying the old amount at this very moment. So a change that moves the total is staged, in a row
of its own, before Stripe is asked to reprice the intent; the order gets its new lines when Stripe has said yes. If
the process dies in between, whoever meets the order next goes on: the next call, the sweep, or the settlement of
money that arrived with the new amount. The order ends with the old lines and the old amount, or the new ones. If SQL
changed the order meanwhile, the staged change is given up: the newer one stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from models.orders.changes import (
    CHARGE_LIMIT,
    LOCK_ORDER_TO_CHANGE,
    LOCK_PAYMENT_TO_REPRICE,
    OLD_CHANGES,
    RENEW_CHANGE,
    STAGE_CHANGE,
    STAGED_CHANGE,
    OrderToChange,
    PaymentToReprice,
    StagedChange,
)
from models.orders.statements import ORDER
from models.orders.tables import OrderStatus
from models.payments.statements import MOVE_PAYMENT, REPRICE_PAYMENT
from models.payments.tables import PaymentState
from runtime.database.database import Database, Transaction
from services.orders.lines import OrderLine, check_lines, check_steps, check_total, lines_as_json, total_of
from services.orders.refusals import InvalidOrder, OrderNotFound, OrderNotPayable
from services.orders.views import PlacedOrder, order_from
from services.payments.call_priority import Turn, on_behalf_of
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import GatewayError, Intent, KeyBurnt, NotSent, Refused, sentence_of
from services.payments.refusals import OrderChangedMeanwhile, PaymentInProgress, refusal_of
from services.payments.settlement import Settlement
from services.payments.staged_changes import AtStripe, ChangeRow, drop_change, may_take, write_lines

ATTEMPTS = 4  # an order whose payment changes while it is being changed
CAUSE = "updateOrder"

log = structlog.get_logger(__name__)


class ChangeGateway(Protocol):
    def turn_to_reprice(self, intent_id: str) -> Turn: ...
    def turn_to_cancel(self, intent_id: str) -> Turn: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...
    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent: ...
    async def cancel_intent(self, intent_id: str) -> Intent: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """All lines anew. `total` is minor units of the order's currency; `sets_expiry` tells null from left alone.

    `requested_by` is the id of who is calling.
    """

    order_id: UUID
    requested_by: str
    expected_version: int
    lines: Sequence[OrderLine]
    total: int
    sets_expiry: bool = False
    expires_at: datetime | None = None


class Verb(Enum):
    REPRICE = auto()
    CANCEL = auto()  # the intent can't have the new total, so it is canceled before the order changes


@dataclass(frozen=True, slots=True)
class CallNeeded:
    """What Stripe has to do before the order has its new lines."""

    verb: Verb
    intent_id: str


class OrderChanges:
    def __init__(self, database: Database, gateway: ChangeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)
        self._cancellation = IntentCancellation(database, gateway)

    async def change(self, wanted: WantedChange) -> PlacedOrder:
        """The order with its new lines; the same change again is refused as `OrderChangedMeanwhile`.

        Raises also `OrderNotFound`, `InvalidOrder`, `OrderTotalMismatch`, `OrderNotPayable`, `PaymentInProgress`
        while the customer confirms, `RateLimited` when Stripe has no time for it, or `PaymentProviderUnavailable` when
        Stripe could not be asked: then the order has the old lines or the new ones, and the same call may be repeated.
        """
        check_lines(wanted.lines)
        with on_behalf_of(wanted.requested_by):
            for _ in range(ATTEMPTS):
                changed = await self._attempt(wanted)
                if changed is not None:
                    return changed
        raise PaymentInProgress

    async def _attempt(self, wanted: WantedChange) -> PlacedOrder | None:
        """The order with its new lines; None when it has to be looked at again.

        The turn at Stripe comes before the record: who can't be served in time has staged nothing.
        """
        call = await self._record(wanted, None)
        if call is None:
            return await self._order(wanted.order_id)
        with self._turn_for(call) as turn:
            try:
                await turn.wait()
            except NotSent as error:
                raise refusal_of(error) from error
            now = await self._record(wanted, call)
            if now is None:  # its payment ended while the turn was waited for
                return await self._order(wanted.order_id)
            return await self._carry_out(wanted, call) if now == call else None

    async def _carry_out(self, wanted: WantedChange, call: CallNeeded) -> PlacedOrder | None:
        if call.verb is Verb.CANCEL:
            await self._cancel(call.intent_id)
        elif await self.finish(wanted.order_id) and await self._has(wanted):
            return await self._order(wanted.order_id)
        return None

    async def _record(self, wanted: WantedChange, turn_for: CallNeeded | None) -> CallNeeded | None:
        return await self._database.transaction(
            lambda transaction: _record(transaction, wanted, turn_for), locks=wanted.order_id
        )

    def _turn_for(self, call: CallNeeded) -> Turn:
        if call.verb is Verb.CANCEL:
            return self._gateway.turn_to_cancel(call.intent_id)
        return self._gateway.turn_to_reprice(call.intent_id)

    async def finish(self, order_id: UUID) -> bool:
        """Bring a staged change of this order to its end; False when there is none."""
        staged = await self._database.row(STAGED_CHANGE, {"order_id": order_id})
        if staged is None:
            return False
        if staged.is_outdated:  # the intent may have the newer price already
            await self._drop(order_id, staged)
            return True
        key = f"amt:{staged.payment_id}:{staged.id}"
        try:
            await self._gateway.reprice_intent(staged.intent_id, staged.total, idempotency_key=key)
            # A replayed answer tells how it was.
            intent = await self._gateway.retrieve_intent(staged.intent_id)
        except KeyBurnt as error:
            log.warning("a repricing's key is burnt", order=str(order_id), stripe_request=error.request_id)
            await self._database.rows(
                RENEW_CHANGE, {"changed_order": order_id, "tried": staged.id, "new_id": uuid4()}
            )
            raise refusal_of(error) from error
        except Refused as error:
            await self._give_up(order_id, staged, error)
        except GatewayError as error:
            log.warning("order not changed yet", order=str(order_id), outcome=type(error).__name__)
            raise refusal_of(error) from error
        else:
            await self._take_lines(order_id, staged, intent)
        return True

    async def left_behind(self, limit: int) -> list[UUID]:
        """Orders with a change that whoever began it didn't bring to its end, oldest first."""
        return [row.order_id for row in await self._database.rows(OLD_CHANGES, {"limit": limit})]

    async def _take_lines(self, order_id: UUID, staged: StagedChange, intent: Intent) -> None:
        if intent.amount != staged.total or not intent.is_payable:
            # It was paid, or repriced again, since: money finds the staged lines by its amount.
            await self._settlement.apply(intent, cause=CAUSE)

        async def write(transaction: Transaction) -> None:
            order = await transaction.one(LOCK_ORDER_TO_CHANGE, {"order_id": order_id})
            if not await drop_change(transaction, order_id, staged):
                return
            if may_take(staged, order, AtStripe(intent.amount, intent.currency)):
                version = await write_lines(transaction, order_id, staged)
                parameters = {"amount": staged.total, "order_version": version, "cause": CAUSE}
                which = {"payment_id": staged.payment_id, "from_state": PaymentState.OPEN}
                await transaction.rows(REPRICE_PAYMENT, {**parameters, **which})

        await self._database.transaction(write, locks=order_id)

    async def _give_up(self, order_id: UUID, staged: StagedChange, refused: Refused) -> None:
        """Stripe won't reprice it: the customer was faster, or the amount can't be charged."""
        try:
            intent = await self._gateway.retrieve_intent(staged.intent_id)
        except GatewayError as error:
            raise refusal_of(error) from error
        await self._settlement.apply(intent, cause=CAUSE)
        await self._drop(order_id, staged)
        if intent.is_payable:
            raise InvalidOrder(f"Stripe can't charge this total: {sentence_of(refused).rstrip('.')}")

    async def _drop(self, order_id: UUID, staged: StagedChange) -> None:
        async def drop(transaction: Transaction) -> None:
            await transaction.one(LOCK_ORDER_TO_CHANGE, {"order_id": order_id})
            await drop_change(transaction, order_id, staged)

        await self._database.transaction(drop, locks=order_id)

    async def _cancel(self, intent_id: str) -> None:
        try:
            await self._cancellation.cancel(intent_id, cause=CAUSE)
        except GatewayError as error:
            raise refusal_of(error) from error

    async def _order(self, order_id: UUID) -> PlacedOrder:
        row = await self._database.row(ORDER, {"order_id": order_id, "user_id": "", "may_any": True})
        if row is None:
            raise OrderNotFound
        return order_from(row)

    async def _has(self, wanted: WantedChange) -> bool:
        order = await self._order(wanted.order_id)
        return order.version > wanted.expected_version and order.lines == tuple(wanted.lines)


async def _record(
    transaction: Transaction, wanted: WantedChange, turn_for: CallNeeded | None
) -> CallNeeded | None:
    """Write the lines, or answer what Stripe has to do first; that is staged once the caller has the turn for it.

    Decided under the order's lock.
    """
    order = await transaction.row(LOCK_ORDER_TO_CHANGE, {"order_id": wanted.order_id})
    if order is None:
        raise OrderNotFound
    if order.status != OrderStatus.PENDING:
        raise OrderNotPayable(OrderStatus(order.status))
    check_total(wanted.lines, order.currency, wanted.total)
    check_steps(wanted.lines, order.currency)
    staged = await transaction.row(STAGED_CHANGE, {"order_id": wanted.order_id})
    if staged is not None:
        return CallNeeded(Verb.REPRICE, staged.intent_id)
    if order.version != wanted.expected_version:
        row = await transaction.one(ORDER, {"order_id": wanted.order_id, "user_id": "", "may_any": True})
        raise OrderChangedMeanwhile(order_from(row))
    payment = await transaction.row(LOCK_PAYMENT_TO_REPRICE, {"order_id": wanted.order_id})
    # A payment that Stripe has not answered yet has released no secret: its release check sees the new version.
    if (
        payment is None
        or payment.intent_id is None
        or payment.state == PaymentState.CREATING
        or _keeps_its_amount(payment, wanted, order)
    ):
        await write_lines(transaction, wanted.order_id, change_row(wanted))
        return None
    call = await _call_for(transaction, wanted, order, payment, payment.intent_id)
    if call == turn_for:
        await _stage(transaction, wanted, order, payment, call)
    return call


async def _call_for(
    transaction: Transaction,
    wanted: WantedChange,
    order: OrderToChange,
    payment: PaymentToReprice,
    intent_id: str,
) -> CallNeeded:
    if payment.state == PaymentState.CANCELING:
        return CallNeeded(Verb.CANCEL, intent_id)
    if payment.state == PaymentState.PROCESSING or payment.leased:
        raise PaymentInProgress
    if payment.currency != order.currency:  # set by SQL since: an intent keeps its currency
        return CallNeeded(Verb.CANCEL, intent_id)
    is_chargeable = await _is_chargeable(transaction, wanted.total, order.currency)
    return CallNeeded(Verb.REPRICE if is_chargeable else Verb.CANCEL, intent_id)


async def _stage(
    transaction: Transaction,
    wanted: WantedChange,
    order: OrderToChange,
    payment: PaymentToReprice,
    call: CallNeeded,
) -> None:
    if call.verb is Verb.CANCEL:
        parameters = {"payment_id": payment.id, "from_state": PaymentState.OPEN, "failure_code": None}
        await transaction.rows(
            MOVE_PAYMENT, {**parameters, "to_state": PaymentState.CANCELING, "cause": CAUSE}
        )
        return
    change = {"order_id": wanted.order_id, "id": uuid4(), "payment_id": payment.id}
    await transaction.rows(
        STAGE_CHANGE, {**change, "from_version": order.version, **change_row(wanted).as_parameters()}
    )


def _keeps_its_amount(payment: PaymentToReprice, wanted: WantedChange, order: OrderToChange) -> bool:
    """One that was made for this version. Another may have reached Stripe meanwhile, and its answer got lost."""
    is_known = payment.order_version == order.version and not payment.leased
    return payment.state == PaymentState.OPEN and is_known and payment.amount == wanted.total


async def _is_chargeable(transaction: Transaction, total: int, currency: str) -> bool:
    limit = await transaction.one(CHARGE_LIMIT, {"currency": currency})
    return bool(limit.minimum <= total <= limit.maximum and total % limit.step == 0)


def change_row(wanted: WantedChange) -> ChangeRow:
    return ChangeRow(
        lines_as_json(wanted.lines), total_of(wanted.lines), wanted.sets_expiry, wanted.expires_at
    )
