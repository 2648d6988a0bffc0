"""Why an order is not paid, or its money not given back."""

from dataclasses import dataclass

from models.orders.tables import OrderStatus
from services.identity.refusals import Refusal
from services.orders.views import PlacedOrder


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
class OrderChangedMeanwhile(Refusal):
    """The order's version is not the expected one; `order` is how it stands."""

    order: PlacedOrder


@dataclass
class PaymentInProgress(Refusal):
    retryable = True


@dataclass
class PaymentProviderUnavailable(Refusal):
    retryable: bool = True


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
