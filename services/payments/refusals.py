"""Why an order is not paid, or its money not given back."""

from dataclasses import dataclass

from models.orders.tables import OrderStatus
from services.identity.refusals import RateLimited, Refusal
from services.orders.views import PlacedOrder
from services.payments.intents import GatewayError, NotSent, Refused, TooManyRequests


@dataclass
class AmountNotChargeable(Refusal):
    """Amounts are minor units of `currency`. `reason` says why not, where the bounds allow it."""

    amount: int
    currency: str
    minimum: int
    maximum: int
    reason: str | None = None


@dataclass
class OrderChangedMeanwhile(Refusal):
    """The order's version is not the expected one; `order` is how it stands."""

    order: PlacedOrder


@dataclass
class PaymentInProgress(Refusal):
    retryable = True


@dataclass
class PaymentProviderUnavailable(Refusal):
    """`retry_after` is seconds."""

    retryable: bool = True
    retry_after: int = 2


# Of money in a copied database (`new-installation-id`): the original would not know that it went back.
RECEIVED_ELSEWHERE = (
    "Its money was received by the installation that this database was copied from: "
    "only that one can give it back."
)


@dataclass
class OrderNotRefundable(Refusal):
    """`reason` is a sentence for the merchant, where there is more to say than the status."""

    status: OrderStatus
    reason: str | None = None


@dataclass
class OrderNotInReview(Refusal):
    """`reason` is a sentence for the person who decides, where there is more to say than the status."""

    status: OrderStatus
    reason: str | None = None


@dataclass
class AmountNotRefundable(Refusal):
    """`refundable` is what is left to give back, minor units of `currency`; Stripe gives back multiples of `step`."""

    refundable: int
    currency: str
    step: int


@dataclass
class InvalidRefund(Refusal):
    """The request makes no refund; `reason` is a sentence for a developer."""

    reason: str


def refusal_of(error: GatewayError) -> Refusal:
    """The refusal for a caller when Stripe could not be asked, or would not do it."""
    if isinstance(error, NotSent):
        return RateLimited(error.retry_after)
    if isinstance(error, TooManyRequests):
        return PaymentProviderUnavailable(retry_after=error.retry_after)
    return PaymentProviderUnavailable(retryable=not isinstance(error, Refused))
