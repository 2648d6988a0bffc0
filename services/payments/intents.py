"""A payment intent in our words, and the ways a call for one can end. Stripe's objects stay in the gateway."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID


class IntentStatus(StrEnum):
    """Stripe's own words: https://docs.stripe.com/payments/paymentintents/lifecycle"""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What Stripe says of one PaymentIntent now. Amounts are minor units of `currency` (upper case).

    `payment_id` and `order_id` are what we wrote into its metadata; None for an intent of another application.
    The client secret is for the customer's browser alone: it is kept out of `repr`, logs and tables.
    """

    id: str
    status: IntentStatus
    amount: int
    amount_received: int
    currency: str
    payment_id: UUID | None
    order_id: UUID | None
    client_secret: str = field(repr=False)

    @property
    def is_payable(self) -> bool:
        return self.status in PAYABLE


PAYABLE = (
    IntentStatus.REQUIRES_PAYMENT_METHOD,
    IntentStatus.REQUIRES_CONFIRMATION,
    IntentStatus.REQUIRES_ACTION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRequest:
    """What Stripe is asked for. The same payment always asks for the same, so a replay is a replay."""

    payment_id: UUID
    order_id: UUID
    amount: int
    currency: str

    @property
    def idempotency_key(self) -> str:
        return f"pi:{self.payment_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What Stripe is asked to give back, minor units. The same refund and attempt always ask for the same."""

    refund_id: UUID
    attempt: int
    intent_id: str
    amount: int
    reason: str | None

    @property
    def idempotency_key(self) -> str:
        return f"re:{self.refund_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeRefund:
    """A refund as Stripe has it. `refund_id` is ours, from its metadata; None for one made in the dashboard."""

    id: str
    status: str
    amount: int
    reason: str | None
    refund_id: UUID | None
    failure_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeDispute:
    id: str
    status: str
    amount: int
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEventSeen:
    """An event in Stripe's list: its id and type, and the intent it is about."""

    id: str
    type: str
    intent_id: str
    created_at: datetime


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StripePage(Generic[T]):
    """A page of one of Stripe's lists, newest first; `next` continues it, None at its end."""

    items: tuple[T, ...]
    next: str | None


class GatewayError(Exception):
    """A call to Stripe that brought no intent. `request_id` is Stripe's, for its support and our logs."""

    def __init__(self, message: str, *, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class OutcomeUnknown(GatewayError):
    """The connection was lost, the time was up, or the key is in use: the intent may or may not exist."""


class TooManyRequests(GatewayError):
    """Stripe took no notice of the call (429)."""


class KeyBurnt(GatewayError):
    """The idempotency key will never bring an intent: Stripe replays a 500, or knows it with other parameters."""


class AccessDenied(GatewayError):
    """Our API key is wrong or may not do this (401, 403): an operator has to act."""


class Refused(GatewayError):
    """Stripe understood and said no (any other 4xx); nothing was made or changed."""
