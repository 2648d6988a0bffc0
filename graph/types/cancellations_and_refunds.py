"""Canceling an order, and giving money back."""

from typing import Annotated

import strawberry

from graph.context import Info
from graph.types.errors import ErrorCode, OrderNotFound, RateLimited, RefusalHandler, UserError
from graph.types.money import MinorUnits, Money, money
from graph.types.money_history import Refund, refund_from
from graph.types.order_parts import check_answer_of_order, parts_of
from graph.types.orders import IdempotencyKeyReused, Order, OrderStatus, in_words, order_from
from graph.types.payments import PaymentInProgress, PaymentProviderUnavailable
from runtime.ids import read_id
from services.identity.principal import Permission
from services.orders import refusals as orders_refusals
from services.payments import refusals as payments_refusals
from services.payments.refund_wishes import RefundWish


@strawberry.input(description="What to give back.")
class RefundOrderInput:
    order_id: strawberry.ID = strawberry.field(description="A paid order, or one under review.")
    amount: MinorUnits | None = strawberry.field(
        default=strawberry.UNSET,
        description="How much, in minor units of the order's currency; all that is left when left out.",
    )
    reason: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Why, in the shop's own words, up to 500 characters; customers don't see those. `duplicate`, `fraudulent` "
            "and `requested_by_customer` are also told to Stripe and the customer's bank."
        ),
    )
    note: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A remark of the shop's, up to 500 characters. Customers don't see it.",
    )
    customer_message: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the customer reads about it, up to 500 characters.",
    )
    idempotency_key: str = strawberry.field(
        description=(
            "A key of the client's own: the same key again gives the same refund of this order, not a second one, and "
            "with another `amount` it is `IdempotencyKeyReused`. Without an amount it gives whatever refund was made "
            "with the key. Up to 255 characters."
        )
    )


@strawberry.type(
    description="The order is paid, refunded or under review: there is nothing to cancel. See `refundOrder`."
)
class OrderNotCancelable(UserError):
    order_status: OrderStatus = strawberry.field(description="How the order stands.")


@strawberry.type(description="No money of this order is here to be given back.")
class OrderNotRefundable(UserError):
    order_status: OrderStatus = strawberry.field(description="How the order stands.")


@strawberry.type(
    description=(
        "More was asked to be given back than is left of what was received, or an amount that Stripe can't give back "
        "in this currency."
    )
)
class AmountNotRefundable(UserError):
    refundable: Money = strawberry.field(description="What is left to give back.")
    step: Money = strawberry.field(
        description=(
            "What can be given back is a multiple of it: of 1 ISK or UGX, of 0.010 KWD and other currencies with "
            "three decimals, of the smallest unit of all others."
        )
    )


@strawberry.type(description="The request makes no refund. Nothing is given back.")
class InvalidRefund(UserError):
    pass


CancelOrderResult = Annotated[
    Order | OrderNotFound | OrderNotCancelable | PaymentInProgress | PaymentProviderUnavailable | RateLimited,
    strawberry.union(
        "CancelOrderResult", description="The canceled order, or why it wasn't. See `UserError`."
    ),
]
RefundOrderResult = Annotated[
    Refund
    | OrderNotFound
    | OrderNotRefundable
    | AmountNotRefundable
    | InvalidRefund
    | IdempotencyKeyReused
    | PaymentProviderUnavailable
    | RateLimited,
    strawberry.union(
        "RefundOrderResult", description="The refund, or why nothing is given back. See `UserError`."
    ),
]


@strawberry.type
class CancelAndRefundMutation:
    @strawberry.mutation(
        description=(
            "Cancels a pending order and its PaymentIntent together. For its owner, the holder of its checkout token, "
            "merchants, and service keys with ORDERS_WRITE. Refused while a payment is being processed. Canceling "
            "twice is the same as once; money that arrives all the same is refunded."
        )
    )
    async def cancel_order(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order to cancel.")],
    ) -> CancelOrderResult | None:
        principal = info.context.require_principal()
        wanted = read_id(order_id)
        if wanted is None:
            raise orders_refusals.OrderNotFound
        info.context.limits.check_cancel(principal.id, wanted)
        if parts := parts_of(info):
            check_answer_of_order(info, await info.context.use_cases.orders.find(principal, wanted, parts))
        await info.context.use_cases.order_cancellation.cancel(principal, wanted)
        placed = await info.context.use_cases.orders.find(principal, wanted, parts_of(info))
        return order_from(placed) if placed else None

    @strawberry.mutation(
        description=(
            "Gives back all or a part of what was received for an order. For merchants, and service keys with "
            "REFUNDS_WRITE. Money that the order has no use for and whose refund failed goes first. A refund with "
            "status CREATING is recorded and will be carried out."
        )
    )
    async def refund_order(
        self,
        info: Info,
        input: Annotated[RefundOrderInput, strawberry.argument(description="What to give back.")],  # noqa: A002
    ) -> RefundOrderResult | None:
        principal = info.context.require(Permission.REFUND)
        wanted = read_id(input.order_id)
        if wanted is None:
            raise orders_refusals.OrderNotFound
        info.context.limits.check_refund(principal.id, wanted)
        wish = RefundWish(
            order_id=wanted,
            amount=None if input.amount is strawberry.UNSET else input.amount,
            reason=input.reason or None,
            idempotency_key=input.idempotency_key,
            requested_by=principal.id,
            note=input.note or None,
            customer_message=input.customer_message or None,
        )
        return refund_from(await info.context.use_cases.refunds.request(wish))


def order_not_cancelable(refusal: orders_refusals.OrderNotCancelable) -> OrderNotCancelable:
    status = OrderStatus[refusal.status.name]
    return OrderNotCancelable(
        message=f"There is nothing to cancel: the order is {in_words(status)}.",
        code=ErrorCode.ORDER_NOT_CANCELABLE,
        retryable=refusal.retryable,
        order_status=status,
    )


def order_not_refundable(refusal: payments_refusals.OrderNotRefundable) -> OrderNotRefundable:
    status = OrderStatus[refusal.status.name]
    return OrderNotRefundable(
        message=refusal.reason or f"There is nothing to refund: the order is {in_words(status)}.",
        code=ErrorCode.ORDER_NOT_REFUNDABLE,
        retryable=refusal.retryable,
        order_status=status,
    )


def amount_not_refundable(refusal: payments_refusals.AmountNotRefundable) -> AmountNotRefundable:
    refundable, step = money(refusal.refundable, refusal.currency), money(refusal.step, refusal.currency)
    in_steps = f", in steps of {step.amount()}" if refusal.step > 1 else ""
    between = (
        f"Between {step.amount()} and {refundable.amount()} {refusal.currency} can be given back{in_steps}."
    )
    return AmountNotRefundable(
        message=between
        if refusal.refundable
        else f"Nothing in {refusal.currency} is left that can be given back.",
        code=ErrorCode.AMOUNT_NOT_REFUNDABLE,
        retryable=refusal.retryable,
        refundable=refundable,
        step=step,
    )


def invalid_refund(refusal: payments_refusals.InvalidRefund) -> InvalidRefund:
    return InvalidRefund(
        message=f"This can't be refunded: {refusal.reason}.",
        code=ErrorCode.INVALID_REFUND,
        retryable=refusal.retryable,
    )


HANDLERS = (
    RefusalHandler(orders_refusals.OrderNotCancelable, OrderNotCancelable, order_not_cancelable),
    RefusalHandler(payments_refusals.OrderNotRefundable, OrderNotRefundable, order_not_refundable),
    RefusalHandler(payments_refusals.AmountNotRefundable, AmountNotRefundable, amount_not_refundable),
    RefusalHandler(payments_refusals.InvalidRefund, InvalidRefund, invalid_refund),
)
