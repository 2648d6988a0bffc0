"""Refusals as clients read them: each a type of its own, all of them a `UserError`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry

from services.identity import refusals as identity_refusals
from services.orders import refusals as orders_refusals


@strawberry.enum(
    description="Why a mutation was refused, for programs. `message` says the same for people. More may be added."
)
class ErrorCode(Enum):
    ORDER_NOT_FOUND = strawberry.enum_value(
        "ORDER_NOT_FOUND", description="There is no such order, or it belongs to somebody else."
    )
    ORDER_NOT_PAYABLE = strawberry.enum_value(
        "ORDER_NOT_PAYABLE", description="The order is paid, canceled, refunded or under review."
    )
    AMOUNT_NOT_CHARGEABLE = strawberry.enum_value(
        "AMOUNT_NOT_CHARGEABLE",
        description="The order's total is too small or too large for its currency, or not whole as Stripe wants it.",
    )
    PAYMENT_IN_PROGRESS = strawberry.enum_value(
        "PAYMENT_IN_PROGRESS", description="A payment of this order is under way. Ask again in a moment."
    )
    PAYMENT_PROVIDER_UNAVAILABLE = strawberry.enum_value(
        "PAYMENT_PROVIDER_UNAVAILABLE", description="Stripe could not be reached or would not do it."
    )
    RATE_LIMITED = strawberry.enum_value(
        "RATE_LIMITED", description="Too many calls. Wait `retryAfter` seconds."
    )
    PRODUCT_NOT_AVAILABLE = strawberry.enum_value(
        "PRODUCT_NOT_AVAILABLE", description="A product is not, or no longer, for sale."
    )
    INVALID_PRODUCT = strawberry.enum_value(
        "INVALID_PRODUCT", description="A product can't be saved like this."
    )
    INVALID_ORDER = strawberry.enum_value(
        "INVALID_ORDER", description="The items, quantities or currencies make no order."
    )
    ORDER_TOTAL_MISMATCH = strawberry.enum_value(
        "ORDER_TOTAL_MISMATCH", description="The total that was given isn't what the order comes to."
    )
    ORDER_CHANGED_MEANWHILE = strawberry.enum_value(
        "ORDER_CHANGED_MEANWHILE", description="The order is not at the version that was expected any more."
    )
    ORDER_NOT_CANCELABLE = strawberry.enum_value(
        "ORDER_NOT_CANCELABLE", description="The order is paid, refunded or under review."
    )
    ORDER_NOT_REFUNDABLE = strawberry.enum_value(
        "ORDER_NOT_REFUNDABLE", description="No money of this order is here to be given back."
    )
    AMOUNT_NOT_REFUNDABLE = strawberry.enum_value(
        "AMOUNT_NOT_REFUNDABLE",
        description=(
            "More was asked back than is left of what was received, or an amount that Stripe can't give back."
        ),
    )
    INVALID_REFUND = strawberry.enum_value(
        "INVALID_REFUND", description="The key or the reason of a refund is too long or can't be read."
    )
    INVALID_SERVICE_KEY = strawberry.enum_value(
        "INVALID_SERVICE_KEY", description="These values make no service key, or there is no such key."
    )
    INVALID_WEBHOOK_ENDPOINT = strawberry.enum_value(
        "INVALID_WEBHOOK_ENDPOINT",
        description="These values make no webhook endpoint, or there is no such endpoint.",
    )
    IDEMPOTENCY_KEY_REUSED = strawberry.enum_value(
        "IDEMPOTENCY_KEY_REUSED", description="The key was used for something else before. Make a new key."
    )

    ORDER_NOT_IN_REVIEW = strawberry.enum_value(
        "ORDER_NOT_IN_REVIEW", description="No money of the order waits for a decision that can be made."
    )
    ATTENTION_NOT_FOUND = strawberry.enum_value("ATTENTION_NOT_FOUND", description="There is no such case.")


MESSAGE = "What went wrong, in English, for people."
CODE = "What went wrong, for programs."
RETRYABLE = "Whether the very same call may succeed later. If false, repeating it changes nothing."


@strawberry.interface(
    description=(
        "What all refusals of mutations have in common. Select `... on UserError { message code retryable }` last "
        "in every mutation, and refusals that are added later are handled too."
    )
)
class UserError:
    message: str = strawberry.field(description=MESSAGE)
    code: ErrorCode = strawberry.field(description=CODE)
    retryable: bool = strawberry.field(description=RETRYABLE)


@strawberry.type(
    description=(
        "There is no such order for this user. An order of somebody else, one that doesn't exist and an id that "
        "is none all look the same."
    )
)
class OrderNotFound(UserError):
    pass


@strawberry.type(
    description=(
        "This user or this order was asked for too often, or too many customers want to pay at once. Nothing was done. "
        "In the crowd a place is kept: who asks again after `retryAfter` goes before those who came later."
    )
)
class RateLimited(UserError):
    retry_after: int = strawberry.field(description="How many seconds to wait before asking again.")


@dataclass(frozen=True)
class RefusalHandler:
    """A `strawberry.ExceptionHandler`: turns a refusal of a use case into a member of the mutation's union."""

    exception_type: type[identity_refusals.Refusal]
    error_type: type[UserError]
    answer: Callable[[Any], UserError]

    def handle(self, exception: Any, *, field: object, info: object) -> UserError:
        return self.answer(exception)


def as_sentence(reason: str) -> str:
    """With a capital and a full stop; what is a name or an address keeps its letters."""
    first = reason.partition(" ")[0]
    begins_with_a_word = first.isalpha() and first.islower()
    return f"{reason[0].upper() + reason[1:] if begins_with_a_word else reason}."


def order_not_found(refusal: orders_refusals.OrderNotFound) -> OrderNotFound:
    return OrderNotFound(
        message="There is no such order.", code=ErrorCode.ORDER_NOT_FOUND, retryable=refusal.retryable
    )


def rate_limited(refusal: identity_refusals.RateLimited) -> RateLimited:
    return RateLimited(
        message=f"Too many calls. Ask again in {refusal.retry_after} seconds.",
        code=ErrorCode.RATE_LIMITED,
        retryable=refusal.retryable,
        retry_after=refusal.retry_after,
    )


HANDLERS = (
    RefusalHandler(orders_refusals.OrderNotFound, OrderNotFound, order_not_found),
    RefusalHandler(identity_refusals.RateLimited, RateLimited, rate_limited),
)
