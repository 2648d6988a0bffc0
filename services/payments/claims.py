"""An order and its live payment as one statement finds them, before anything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.currencies.currencies import whole_steps
from models.orders.tables import OrderStatus
from models.payments.statements import ClaimRow
from models.payments.tables import PaymentState
from services.identity.refusals import RateLimited
from services.orders.refusals import OrderNotPayable
from services.payments.intents import GatewayError, IntentRequest, sentence_of
from services.payments.refusals import AmountNotChargeable


@dataclass(frozen=True, slots=True)
class LivePayment:
    """The one payment of an order that may still become money; `amount` in minor units of `currency`."""

    id: UUID
    state: str
    amount: int
    currency: str
    order_version: int
    intent_id: str  # empty while Stripe has not answered
    leased: bool
    key_expired: bool
    parameters: Mapping[str, Any] | None  # what Stripe was asked for besides, if this version recorded it

    @property
    def is_unanswered(self) -> bool:
        """Whether its caller is gone, and Stripe's answer with it."""
        return self.state == PaymentState.CREATING and not self.leased


@dataclass(frozen=True, slots=True)
class Claim:
    """What stands between an order and its payable intent. `recorded`: the payment was made by this claim."""

    order_id: UUID
    status: str
    total: int
    currency: str
    version: int
    minimum: int
    maximum: int
    chargeable: bool
    has_money: bool
    is_expired: bool
    seconds_closed: int
    recorded: bool
    payment: LivePayment | None
    installation_id: UUID

    @property
    def wants_new_intent(self) -> bool:
        """Whether Stripe has to be asked for an intent that nobody else is asking for."""
        return self.payment is None or self.recorded or self.payment.is_unanswered

    def refuse_unless_payable(self) -> None:
        if self.status != OrderStatus.PENDING:
            raise OrderNotPayable(OrderStatus(self.status))
        if self.has_money:  # whatever somebody set the status to: a person decides about what is here first
            raise OrderNotPayable(OrderStatus.REVIEW)
        if self.is_expired:  # the sweep will cancel it
            raise OrderNotPayable(OrderStatus.CANCELED)
        if not self.chargeable:
            raise self.not_chargeable()
        if self.seconds_closed > 0:  # too many cards were declined
            raise RateLimited(retry_after=self.seconds_closed)

    def not_chargeable(self, error: GatewayError | None = None) -> AmountNotChargeable:
        """`error` is Stripe's refusal of an amount that lies within the bounds."""
        reason = sentence_of(error) if error and self.chargeable else None
        if self.minimum <= self.total <= self.maximum and not self.chargeable:
            reason = f"{whole_steps(self.currency)}."
        return AmountNotChargeable(self.total, self.currency, self.minimum, self.maximum, reason)

    def request_for(self, payment: LivePayment) -> IntentRequest:
        """What was recorded, which for a payment taken over may not be the order's total of today."""
        return IntentRequest(
            payment_id=payment.id,
            order_id=self.order_id,
            amount=payment.amount,
            currency=payment.currency,
            installation_id=self.installation_id,
            recorded=payment.parameters,
        )


def claim_from(row: ClaimRow, order_id: UUID) -> Claim:
    return Claim(
        order_id=order_id,
        status=row.status,
        total=row.total,
        currency=row.currency,
        version=row.version,
        minimum=row.minimum,
        maximum=row.maximum,
        chargeable=row.chargeable,
        has_money=row.has_money,
        is_expired=row.is_expired,
        seconds_closed=row.seconds_closed or 0,
        recorded=row.recorded_id is not None,
        payment=_recorded_payment(row, row.recorded_id) if row.recorded_id else _earlier_payment(row),
        installation_id=row.installation_id,
    )


def _recorded_payment(row: ClaimRow, recorded_id: UUID) -> LivePayment:
    return LivePayment(
        id=recorded_id,
        state=PaymentState.CREATING,
        amount=row.total,
        currency=row.currency,
        order_version=row.version,
        intent_id="",
        leased=True,
        key_expired=False,
        parameters=row.recorded_parameters,
    )


def _earlier_payment(row: ClaimRow) -> LivePayment | None:
    """None when the order has no live payment: its columns are null together."""
    if (
        row.payment_id is None
        or row.state is None
        or row.amount is None
        or row.payment_currency is None
        or row.order_version is None
    ):
        return None
    return LivePayment(
        id=row.payment_id,
        state=row.state,
        amount=row.amount,
        currency=row.payment_currency,
        order_version=row.order_version,
        intent_id=row.intent_id or "",
        leased=bool(row.leased),
        key_expired=bool(row.key_expired),
        parameters=row.payment_parameters,
    )
