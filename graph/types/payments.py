"""Paying an order."""

from enum import Enum
from typing import Annotated

import strawberry

from graph.context import Context, Info
from graph.types.errors import ErrorCode, OrderNotFound, RateLimited, RefusalHandler, UserError
from graph.types.money import Money, money
from graph.types.orders import OrderStatus, in_words
from runtime.ids import read_id
from services.identity.principal import Permission
from services.orders import refusals as orders_refusals
from services.payments import refusals as payments_refusals
from services.payments.intents import Intent, IntentStatus


@strawberry.enum(
    description=(
        "How a PaymentIntent stands at Stripe: https://docs.stripe.com/payments/paymentintents/lifecycle"
    )
)
class PaymentIntentStatus(Enum):
    REQUIRES_PAYMENT_METHOD = strawberry.enum_value(
        IntentStatus.REQUIRES_PAYMENT_METHOD.value,
        description="Waiting for the customer's card or other method; also after a decline.",
    )
    REQUIRES_CONFIRMATION = strawberry.enum_value(
        IntentStatus.REQUIRES_CONFIRMATION.value, description="Has a method, and waits to be confirmed."
    )
    REQUIRES_ACTION = strawberry.enum_value(
        IntentStatus.REQUIRES_ACTION.value,
        description="The customer has to do something, such as 3-D Secure; Stripe.js leads them.",
    )
    REQUIRES_CAPTURE = strawberry.enum_value(
        IntentStatus.REQUIRES_CAPTURE.value, description="Authorized; the shop has to capture it."
    )
    PROCESSING = strawberry.enum_value(
        IntentStatus.PROCESSING.value,
        description="Confirmed, and the bank takes its time; the order becomes PAID when it is through.",
    )
    SUCCEEDED = strawberry.enum_value(IntentStatus.SUCCEEDED.value, description="Paid.")
    CANCELED = strawberry.enum_value(IntentStatus.CANCELED.value, description="Canceled; it can't be paid.")


@strawberry.type(
    description="The one PaymentIntent of an order. Hand `clientSecret` to Stripe.js to let the customer pay."
)
class PaymentIntent:
    id: strawberry.ID = strawberry.field(description="Stripe's id of the PaymentIntent, `pi_…`.")
    client_secret: str = strawberry.field(
        description=(
            "What Stripe.js needs to show the payment form and to confirm. For the customer's browser alone: don't "
            "store it, log it, or put it into an address."
        )
    )
    status: PaymentIntentStatus = strawberry.field(description="How the PaymentIntent stands.")
    amount: Money = strawberry.field(description="What the customer will pay: the order's total.")


@strawberry.type(
    description="The order is paid, canceled, refunded or under review: there is nothing to pay."
)
class OrderNotPayable(UserError):
    order_status: OrderStatus = strawberry.field(
        description="How the order stands. PAID means that an earlier payment went through: show success."
    )


@strawberry.type(description="The order's total can't be charged in its currency.")
class AmountNotChargeable(UserError):
    amount: Money = strawberry.field(description="The order's total.")
    minimum: Money = strawberry.field(description="The smallest amount that can be charged.")
    maximum: Money = strawberry.field(description="The largest amount that can be charged.")


@strawberry.type(
    description="Another payment of this order is under way, such as a confirmed one at an earlier price."
)
class PaymentInProgress(UserError):
    pass


@strawberry.type(
    description=(
        "Stripe could not be reached, was busy, or refused for a reason the customer can't fix. Whether an earlier "
        "attempt was paid is not known: ask for the order. When `retryable`, the same call again is safe: it never "
        "makes a second PaymentIntent."
    )
)
class PaymentProviderUnavailable(UserError):
    retry_after: int = strawberry.field(
        description="How many seconds to wait before asking again; 0 when that changes nothing."
    )


CreatePaymentIntentResult = Annotated[
    PaymentIntent
    | OrderNotFound
    | OrderNotPayable
    | AmountNotChargeable
    | PaymentInProgress
    | PaymentProviderUnavailable
    | RateLimited,
    strawberry.union(
        "CreatePaymentIntentResult",
        description="The order's one payable PaymentIntent, or why there is none. See `UserError`.",
    ),
]


@strawberry.type(description="What Stripe.js needs on the page, nothing of it secret.")
class PaymentConfig:
    publishable_key: str = strawberry.field(description="The key to start Stripe.js with: `Stripe(key)`.")
    api_version: str = strawberry.field(description="The version of Stripe's API that this server speaks.")


@strawberry.type
class PaymentQuery:
    @strawberry.field(description="What Stripe.js needs on the page. Needs no token.")
    def payment_config(self, info: Info) -> PaymentConfig:
        payments = info.context.payments
        return PaymentConfig(publishable_key=payments.publishable_key, api_version=payments.api_version)


@strawberry.type
class PaymentMutation:
    @strawberry.mutation(
        description=(
            "Makes one of the user's pending orders payable, or the one of a checkout token, and answers with the "
            "client secret. Needs a token of the customer's: no merchant and no service key is given a secret. "
            "Safe to repeat, at once or later, from any number of tabs: an order has one PaymentIntent, and every "
            "call answers with it. While more customers pay than Stripe takes, those whose turn would come late are "
            "answered `RateLimited` at once: the same call after `retryAfter` seconds finds its place kept."
        )
    )
    async def create_payment_intent(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order to pay.")],
    ) -> CreatePaymentIntentResult | None:
        return payment_intent_from(await payable_intent(info.context, order_id))


async def payable_intent(context: Context, order_id: str) -> Intent:
    """The order's one payable intent for who is calling, within their limits; raises a `Refusal` otherwise.

    The mutation and the REST face are this, and nothing else.
    """
    principal = context.require_principal()
    wanted = read_id(order_id)
    if wanted is None:
        raise orders_refusals.OrderNotFound
    context.limits.check_payment(principal.id, wanted)
    may_any = principal.may(Permission.PAY_ORDERS, wanted)
    address = context.proxies.vouch_for(context.address)
    return await context.use_cases.payment_intents.create(
        principal.user_id, wanted, may_any=may_any, address=address
    )


def payment_intent_from(intent: Intent) -> PaymentIntent:
    return PaymentIntent(
        id=strawberry.ID(intent.id),
        client_secret=intent.client_secret,
        status=PaymentIntentStatus[intent.status.name],
        amount=money(intent.amount, intent.currency),
    )


def order_not_payable(refusal: orders_refusals.OrderNotPayable) -> OrderNotPayable:
    status = OrderStatus[refusal.status.name]
    return OrderNotPayable(
        message=f"There is nothing to pay: the order is {in_words(status)}.",
        code=ErrorCode.ORDER_NOT_PAYABLE,
        retryable=refusal.retryable,
        order_status=status,
    )


def amount_not_chargeable(refusal: payments_refusals.AmountNotChargeable) -> AmountNotChargeable:
    minimum, maximum = money(refusal.minimum, refusal.currency), money(refusal.maximum, refusal.currency)
    bounds = (
        f"The total can't be charged: {refusal.currency} charges lie between {minimum.amount()} "
        f"and {maximum.amount()}."
    )
    return AmountNotChargeable(
        message=f"Stripe can't charge this total: {refusal.reason}" if refusal.reason else bounds,
        code=ErrorCode.AMOUNT_NOT_CHARGEABLE,
        retryable=refusal.retryable,
        amount=money(refusal.amount, refusal.currency),
        minimum=minimum,
        maximum=maximum,
    )


def payment_in_progress(refusal: payments_refusals.PaymentInProgress) -> PaymentInProgress:
    return PaymentInProgress(
        message="A payment of this order is under way. Ask again in a moment.",
        code=ErrorCode.PAYMENT_IN_PROGRESS,
        retryable=refusal.retryable,
    )


def provider_unavailable(refusal: payments_refusals.PaymentProviderUnavailable) -> PaymentProviderUnavailable:
    again = "Ask again in a moment." if refusal.retryable else "The shop has been told."
    return PaymentProviderUnavailable(
        message=f"Stripe can't tell us now how the payment stands. What was paid is not lost. {again}",
        code=ErrorCode.PAYMENT_PROVIDER_UNAVAILABLE,
        retryable=refusal.retryable,
        retry_after=refusal.retry_after if refusal.retryable else 0,
    )


HANDLERS = (
    RefusalHandler(orders_refusals.OrderNotPayable, OrderNotPayable, order_not_payable),
    RefusalHandler(payments_refusals.AmountNotChargeable, AmountNotChargeable, amount_not_chargeable),
    RefusalHandler(payments_refusals.PaymentInProgress, PaymentInProgress, payment_in_progress),
    RefusalHandler(
        payments_refusals.PaymentProviderUnavailable, PaymentProviderUnavailable, provider_unavailable
    ),
)
