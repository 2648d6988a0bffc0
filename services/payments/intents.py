"""A payment intent in our words, and the ways a call for one can end. Stripe's objects stay in the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
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

    `payment_id`, `order_id` and `installation_id` are what its metadata says, which another application may have
    written: whether the intent is ours is decided by models/payments/installation.py. The client secret is for the
    customer's browser alone: it is kept out of `repr`, logs and tables, and empty where Stripe doesn't tell it.
    """

    id: str
    status: IntentStatus
    amount: int
    amount_received: int
    currency: str
    payment_id: UUID | None
    order_id: UUID | None
    client_secret: str = field(repr=False)
    installation_id: str | None = None

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
    """What Stripe is asked for. The same payment always asks for the same, so a replay is a replay.

    `recorded` is what was stored with the payment besides its amount and currency; None for one of an earlier version.
    """

    payment_id: UUID
    order_id: UUID
    amount: int
    currency: str
    installation_id: UUID | None = None
    recorded: Mapping[str, Any] | None = None

    @property
    def idempotency_key(self) -> str:
        return f"pi:{self.payment_id}"

    @property
    def parameters(self) -> dict[str, Any]:
        """What is sent besides amount and currency. The metadata tells later whose intent it is."""
        return dict(self.recorded) if self.recorded is not None else {"metadata": self._ids}

    @property
    def _ids(self) -> dict[str, str]:
        ids = {
            "order_id": self.order_id,
            "payment_id": self.payment_id,
            "installation_id": self.installation_id,
        }
        return {name: str(value) for name, value in ids.items() if value is not None}


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
    """A refund as Stripe has it. `refund_id` is ours, from its metadata; None for one made in the dashboard.

    `is_booked`: it stands in the account's balance. What a partial capture released does not.
    """

    id: str
    status: str
    amount: int
    reason: str | None
    refund_id: UUID | None
    failure_code: str | None
    is_booked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeDispute:
    """A dispute as Stripe has it. `due_by` is until when evidence is taken, if any is wanted.

    `amount` is minor units of `currency`, which is not always the payment's; None where Stripe doesn't tell it.
    """

    id: str
    status: str
    amount: int
    reason: str
    created_at: datetime
    due_by: datetime | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentMarks:
    """What an intent's metadata says of whose it is; other applications may have written the same keys."""

    installation_id: str | None = None
    payment_id: UUID | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSeen:
    """An intent in Stripe's list, ours or another's. `intent` is None when it can't be read, with the reason."""

    id: str
    marks: IntentMarks
    intent: Intent | None
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEventSeen:
    """An event in Stripe's list: its id and type, and the intent it is about, with what that intent's metadata says."""

    id: str
    type: str
    intent_id: str
    created_at: datetime
    marks: IntentMarks = IntentMarks()


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StripePage(Generic[T]):
    """A page of one of Stripe's lists, newest first; `next` continues it, None at its end.

    What is another application's may be left out of `items`, so a page may be empty and have a next one.
    `answered_at` is Stripe's time, None where it doesn't tell it.
    """

    items: tuple[T, ...]
    next: str | None
    answered_at: datetime | None = None


class GatewayError(Exception):
    """A call to Stripe that brought no intent. `request_id` is Stripe's, for its support and our logs.

    `param` is the parameter that Stripe complains of, if it says so. `answered_at` is Stripe's time, if it answered.
    """

    answered_at: datetime | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.request_id = request_id


class OutcomeUnknown(GatewayError):
    """The connection was lost, the time was up, or the key is in use: the intent may or may not exist."""


class ObjectLocked(OutcomeUnknown):
    """Another call holds this one object (429 `lock_timeout`): it says nothing about the rate; the call is repeated."""


class TooManyRequests(GatewayError):
    """Stripe took no notice of the call, since there were too many (429). `retry_after` is seconds."""

    retry_after = 1


class NotSent(TooManyRequests):
    """The call was never sent: it would have waited too long for its turn. `retry_after` is seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeyBurnt(GatewayError):
    """The idempotency key will never bring an intent: Stripe replays a 500, or knows it with other parameters."""


class AccessDenied(GatewayError):
    """Our API key is wrong or may not do this (401, 403): an operator has to act."""


class UnreadableAnswer(GatewayError):
    """Stripe answered, and we don't understand it: a field is missing, or has a value that we don't know."""


class PermissionMissing(AccessDenied):
    """Our API key may not make this call (403). The message is Stripe's, and names the permission."""


class Refused(GatewayError):
    """Stripe understood and said no (any other 4xx); nothing was made or changed."""


RESOURCE_MISSING = "resource_missing"
LONGEST_SENTENCE = 500


def is_missing(error: Exception) -> bool:
    """Whether Stripe has no such object, behind this key: https://docs.stripe.com/error-codes#resource-missing"""
    return isinstance(error, GatewayError) and error.code == RESOURCE_MISSING


def sentence_of(error: Exception) -> str:
    """Stripe's, as it can be stored and shown."""
    return storable(str(error)[:LONGEST_SENTENCE])


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses, nor ends of lines."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
