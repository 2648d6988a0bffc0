"""updateOrder: a pending order gets other lines, and its intent the new amount, as one.

The customer may be paying the old amount at this very moment. So a change that moves the total is staged, in a row
of its own, before Stripe is asked to reprice the intent; the order gets its new lines when Stripe has said yes. If
the process dies in between, whoever meets the order next goes on: the next call, the sweep, or the settlement of
money that arrived with the new amount. The order ends with the old lines and the old amount, or the new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
from services.orders.lines import OrderLine, check_lines, check_total, lines_as_json, total_of
from services.orders.refusals import InvalidOrder, OrderNotFound
from services.orders.views import PlacedOrder, order_from
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import GatewayError, Intent, KeyBurnt, Refused
from services.payments.refusals import (
    OrderChangedMeanwhile,
    OrderNotPayable,
    PaymentInProgress,
    PaymentProviderUnavailable,
)
from services.payments.settlement import Settlement
from services.payments.staged_changes import ChangeRow, drop_change, write_lines

ATTEMPTS = 4  # an order whose payment changes while it is being changed
CAUSE = "updateOrder"

log = structlog.get_logger(__name__)


class ChangeGateway(Protocol):
    async def retrieve_intent(self, intent_id: str) -> Intent: ...
    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent: ...
    async def cancel_intent(self, intent_id: str) -> Intent: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """All lines anew. `total` is minor units of the order's currency; `sets_expiry` tells null from left alone."""

    order_id: UUID
    expected_version: int
    lines: Sequence[OrderLine]
    total: int
    sets_expiry: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The order has the lines."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A change waits for Stripe."""


@dataclass(frozen=True, slots=True)
class MustBeCanceled:
    """The intent can't have the new total, so it is canceled before the order changes."""

    intent_id: str


Step = Changed | Staged | MustBeCanceled


class OrderChanges:
    def __init__(self, database: Database, gateway: ChangeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = Settlement(database)
        self._cancellation = IntentCancellation(database, gateway)

    async def change(self, wanted: WantedChange) -> PlacedOrder:
        """The order with its new lines; the same change again is refused as `OrderChangedMeanwhile`.

        Raises also `OrderNotFound`, `InvalidOrder`, `OrderTotalMismatch`, `OrderNotPayable`, `PaymentInProgress`
        while the customer confirms, or `PaymentProviderUnavailable` when Stripe could not be asked: then the order
        has the old lines or the new ones, and the same call may be repeated.
        """
        check_lines(wanted.lines)
        for _ in range(ATTEMPTS):
            step = await self._database.transaction(
                lambda transaction: _record(transaction, wanted), locks=wanted.order_id
            )
            if isinstance(step, Changed):
                return await self._order(wanted.order_id)
            if isinstance(step, MustBeCanceled):
                await self._cancel(step.intent_id)
            elif await self.finish(wanted.order_id) and await self._has(wanted):
                return await self._order(wanted.order_id)
        raise PaymentInProgress

    async def finish(self, order_id: UUID) -> bool:
        """Bring a staged change of this order to its end; False when there is none."""
        staged = await self._database.row(STAGED_CHANGE, {"order_id": order_id})
        if staged is None:
            return False
        key = f"amt:{staged.payment_id}:{staged.id}"
        try:
            await self._gateway.reprice_intent(staged.intent_id, staged.total, idempotency_key=key)
            intent = await self._gateway.retrieve_intent(
                staged.intent_id
            )  # a replayed answer tells how it was
        except KeyBurnt as error:
            log.warning("a repricing's key is burnt", order=str(order_id), stripe_request=error.request_id)
            await self._database.rows(
                RENEW_CHANGE, {"changed_order": order_id, "tried": staged.id, "new_id": uuid4()}
            )
            raise PaymentProviderUnavailable from error
        except Refused as error:
            await self._give_up(order_id, staged, error)
        except GatewayError as error:
            log.warning("order not changed yet", order=str(order_id), outcome=type(error).__name__)
            raise PaymentProviderUnavailable from error
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
            is_as_it_was = order.status == OrderStatus.PENDING and order.version == staged.from_version
            if is_as_it_was and intent.amount == staged.total:
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
            raise PaymentProviderUnavailable from error
        await self._settlement.apply(intent, cause=CAUSE)

        async def drop(transaction: Transaction) -> None:
            await transaction.one(LOCK_ORDER_TO_CHANGE, {"order_id": order_id})
            await drop_change(transaction, order_id, staged)

        await self._database.transaction(drop, locks=order_id)
        if intent.is_payable:
            raise InvalidOrder(f"Stripe can't charge this total ({refused.code or 'refused'})")

    async def _cancel(self, intent_id: str) -> None:
        try:
            await self._cancellation.close(intent_id, cause=CAUSE)
        except GatewayError as error:
            raise PaymentProviderUnavailable from error

    async def _order(self, order_id: UUID) -> PlacedOrder:
        row = await self._database.row(ORDER, {"order_id": order_id, "user_id": "", "may_any": True})
        if row is None:
            raise OrderNotFound
        return order_from(row)

    async def _has(self, wanted: WantedChange) -> bool:
        order = await self._order(wanted.order_id)
        return order.version > wanted.expected_version and order.lines == tuple(wanted.lines)


async def _record(transaction: Transaction, wanted: WantedChange) -> Step:
    """What is to be done next, decided under the order's lock."""
    order = await transaction.row(LOCK_ORDER_TO_CHANGE, {"order_id": wanted.order_id})
    if order is None:
        raise OrderNotFound
    if order.status != OrderStatus.PENDING:
        raise OrderNotPayable(OrderStatus(order.status))
    check_total(wanted.lines, order.currency, wanted.total)
    if await transaction.row(STAGED_CHANGE, {"order_id": wanted.order_id}) is not None:
        return Staged()
    if order.version != wanted.expected_version:
        row = await transaction.one(ORDER, {"order_id": wanted.order_id, "user_id": "", "may_any": True})
        raise OrderChangedMeanwhile(order_from(row))
    payment = await transaction.row(LOCK_PAYMENT_TO_REPRICE, {"order_id": wanted.order_id})
    return await _record_beside(transaction, wanted, order, payment)


async def _record_beside(
    transaction: Transaction, wanted: WantedChange, order: OrderToChange, payment: PaymentToReprice | None
) -> Step:
    # A payment that Stripe has not answered yet has released no secret: its release check sees the new version.
    if payment is None or payment.intent_id is None or payment.state == PaymentState.CREATING:
        return await _take_at_once(transaction, wanted)
    if _keeps_its_amount(payment, wanted):
        return await _take_at_once(transaction, wanted)
    if payment.state == PaymentState.CANCELING:
        return MustBeCanceled(payment.intent_id)
    if payment.state == PaymentState.PROCESSING or payment.leased:
        raise PaymentInProgress
    if not await _is_chargeable(transaction, wanted.total, order.currency):
        parameters = {"payment_id": payment.id, "from_state": PaymentState.OPEN, "failure_code": None}
        await transaction.rows(
            MOVE_PAYMENT, {**parameters, "to_state": PaymentState.CANCELING, "cause": CAUSE}
        )
        return MustBeCanceled(payment.intent_id)
    change = {"order_id": wanted.order_id, "id": uuid4(), "payment_id": payment.id}
    await transaction.rows(
        STAGE_CHANGE, {**change, "from_version": order.version, **change_row(wanted).as_parameters()}
    )
    return Staged()


async def _take_at_once(transaction: Transaction, wanted: WantedChange) -> Changed:
    await write_lines(transaction, wanted.order_id, change_row(wanted))
    return Changed()


def _keeps_its_amount(payment: PaymentToReprice, wanted: WantedChange) -> bool:
    return payment.state == PaymentState.OPEN and not payment.leased and payment.amount == wanted.total


async def _is_chargeable(transaction: Transaction, total: int, currency: str) -> bool:
    limit = await transaction.one(CHARGE_LIMIT, {"currency": currency})
    return bool(limit.minimum <= total <= limit.maximum and total % limit.step == 0)


def change_row(wanted: WantedChange) -> ChangeRow:
    return ChangeRow(
        lines_as_json(wanted.lines), total_of(wanted.lines), wanted.sets_expiry, wanted.expires_at
    )
