"""Why an order is not placed, found or canceled."""

from dataclasses import dataclass
from uuid import UUID

from models.orders.tables import OrderStatus
from services.identity.refusals import Refusal


@dataclass
class OrderNotFound(Refusal):
    """No such order, or another user's, or no valid id: the answer does not say which."""


@dataclass
class ProductNotAvailable(Refusal):
    product_id: str


@dataclass
class OrderNotPayable(Refusal):
    """There is nothing to pay, or nothing any more."""

    status: OrderStatus


@dataclass
class InvalidProduct(Refusal):
    """The products can't be saved; `reference` names the first that is wrong, `reason` says what is wrong with it."""

    reference: str
    reason: str


@dataclass
class InvalidOrder(Refusal):
    """The items can't make an order; `reason` is a sentence for a developer."""

    reason: str


@dataclass
class OrderTotalMismatch(Refusal):
    """The total that the customer was shown isn't the order's; `sum` is, in minor units of `currency`."""

    sum: int
    currency: str


@dataclass
class IdempotencyKeyReused(Refusal):
    """The key belongs to an earlier order of this user that asked for something else."""

    order_id: UUID


@dataclass
class OrderNotCancelable(Refusal):
    status: OrderStatus
