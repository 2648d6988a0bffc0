"""Why a use case says no. Each is an answer that a client can act upon, not a fault."""

from dataclasses import dataclass
from uuid import UUID

from models.orders import OrderStatus


class Refusal(Exception):
    """`retryable` tells whether the very same call may succeed later."""

    retryable = False


@dataclass
class OrderNotFound(Refusal):
    """No such order, or another user's, or an id that is none: the three can't be told apart."""


@dataclass
class OrderNotPayable(Refusal):
    status: OrderStatus


@dataclass
class AmountNotChargeable(Refusal):
    """Amounts are minor units of `currency`."""

    amount: int
    currency: str
    minimum: int
    maximum: int


@dataclass
class PaymentInProgress(Refusal):
    retryable = True


@dataclass
class PaymentProviderUnavailable(Refusal):
    retryable: bool = True


@dataclass
class RateLimited(Refusal):
    """`retry_after` is seconds."""

    retry_after: int
    retryable = True


@dataclass
class ProductNotAvailable(Refusal):
    product_id: str


@dataclass
class InvalidOrder(Refusal):
    """The items can't make an order; `reason` is a sentence for a developer."""

    reason: str


@dataclass
class IdempotencyKeyReused(Refusal):
    """The key belongs to an earlier order of this user that asked for something else."""

    order_id: UUID


@dataclass
class OrderNotCancelable(Refusal):
    status: OrderStatus


@dataclass
class OrderNotRefundable(Refusal):
    status: OrderStatus


@dataclass
class AmountNotRefundable(Refusal):
    """`refundable` is what is left to give back, minor units of `currency`."""

    refundable: int
    currency: str


@dataclass
class InvalidRefund(Refusal):
    """The request makes no refund; `reason` is a sentence for a developer."""

    reason: str
