"""Orders: placing them and looking at them."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.types.audiences import NO_READERS, NO_STAFF, may_read_any_order, may_see_shop_notes
from graph.types.errors import ErrorCode, RateLimited, RefusalHandler, UserError
from graph.types.lists import Made
from graph.types.money import CurrencyCode, MinorUnits, Money, money
from graph.types.money_history import (
    Dispute,
    Payment,
    Refund,
    dispute_from,
    payment_from,
    refund_from,
)
from graph.types.node import Node
from graph.types.order_lines import OrderItem, OrderLine, item_from, line_from
from graph.types.order_parts import check_answer_of_new, read_order, read_orders
from graph.types.pages import CURSOR, EDGES, NODES, PAGE_INFO, After, First, PageInfo, page_info, place_after
from graph.types.reviews import OpenReview, Review, open_review_from, review_from
from models.orders.tables import CancelReason as Reason
from models.orders.tables import OrderStatus as Status
from runtime.ids import read_id
from runtime.pages import Cursor, Page
from services.identity.principal import Permission, Principal
from services.orders import refusals as orders_refusals
from services.orders.orders import WantedItem
from services.orders.views import PlacedOrder
from services.payments.open_reviews import open_review_of


@strawberry.enum(
    description=(
        "How an order stands. It follows the money, a cancellation, its expiry or a decision about money that waits; "
        "no client sets it."
    )
)
class OrderStatus(Enum):
    PENDING = strawberry.enum_value(Status.PENDING.value, description="Placed and not paid yet.")
    PAID = strawberry.enum_value(Status.PAID.value, description="Paid in full: hand over the goods.")
    PARTIALLY_REFUNDED = strawberry.enum_value(
        Status.PARTIALLY_REFUNDED.value, description="Paid, and a part of the money was given back."
    )
    REFUNDED = strawberry.enum_value(
        Status.REFUNDED.value, description="Paid, and all of the money went back, or is on its way."
    )
    CANCELED = strawberry.enum_value(Status.CANCELED.value, description="Canceled before it was paid.")
    REVIEW = strawberry.enum_value(
        Status.REVIEW.value,
        description="Money arrived that does not match the order. A person has to look; hand nothing over.",
    )


def in_words(status: OrderStatus) -> str:
    """As it stands in a sentence about an order."""
    return "under review" if status is OrderStatus.REVIEW else status.name.lower().replace("_", " ")


@strawberry.enum(description="Who or what canceled an order.")
class CancelReason(Enum):
    CUSTOMER = strawberry.enum_value(Reason.CUSTOMER.value, description="Its customer did.")
    MERCHANT = strawberry.enum_value(Reason.MERCHANT.value, description="The shop did.")
    EXPIRED = strawberry.enum_value(Reason.EXPIRED.value, description="It was not paid in time.")


@strawberry.type(description="One entry of an order's metadata.")
class Metadata:
    key: str = strawberry.field(description="The entry's name.")
    value: str = strawberry.field(description="The text.")


@strawberry.type(description="What a customer wants to buy, in one currency.")
class Order(Node):
    id: strawberry.ID = strawberry.field(description="The order's id, a UUID.")
    status: OrderStatus = strawberry.field(description="How the order stands.")
    total: Money = strawberry.field(description="What is to be paid: the sum of all `lines`.")
    created_at: datetime = strawberry.field(description="When the order was placed.")
    updated_at: datetime = strawberry.field(description="When the order last changed.")
    reference: str | None = strawberry.field(
        description="The shop's own number of it; null for an order that was placed here."
    )
    canceled_at: datetime | None = strawberry.field(
        description="When it was canceled; null while nobody did, and where it was not noted yet."
    )
    version: int = strawberry.field(description="Grows with every change of its lines.")
    revision: int = strawberry.field(
        description=(
            "Tells which of two answers is the newer one, whichever way they came: it grows with every change of the "
            "order, its payments, refunds and disputes, and two answers with the same one show the same. It may also "
            "grow for what is not shown. After a backup was restored it may be smaller than before."
        )
    )
    expires_at: datetime | None = strawberry.field(
        description="When it is canceled if it is not paid by then; null when it waits for ever."
    )
    placed: strawberry.Private[PlacedOrder]

    @strawberry.field(
        description=f"Whose it is; null for an order that only a checkout token opens, and for {NO_READERS}."
    )
    def user_id(self, info: Info) -> strawberry.ID | None:
        owner = self.placed.user_id
        return strawberry.ID(owner) if owner and may_read_any_order(info) else None

    @strawberry.field(
        description=f"Where Stripe sends the receipt; null when no address was given, and for {NO_READERS}."
    )
    def receipt_email(self, info: Info) -> str | None:
        return self.placed.receipt_email if may_read_any_order(info) else None

    @strawberry.field(description="Who or what canceled it; null while nobody did.")
    def cancel_reason(self) -> CancelReason | None:
        reason = self.placed.cancel_reason
        return CancelReason[reason.name] if reason else None

    @strawberry.field(
        description=(
            "Who canceled it: a user's id, `key:` and a service key's, or `checkout:` and this order's for whoever "
            f"held its checkout token. Null while nobody did, when it expired, and for {NO_STAFF}."
        )
    )
    def canceled_by(self, info: Info) -> str | None:
        return self.placed.canceled_by if may_see_shop_notes(info) else None

    @strawberry.field(
        description=f"What was decided about it while it was in review, oldest first; empty for {NO_STAFF}."
    )
    def reviews(self, info: Info) -> list[Review]:
        return [review_from(review) for review in self.placed.reviews] if may_see_shop_notes(info) else []

    @strawberry.field(
        description=(
            "What a person can decide about its money with `resolveReview`, and what each decision would do. Null when "
            f"nothing waits for a decision, whatever its status says, and for {NO_STAFF}."
        )
    )
    def open_review(self, info: Info) -> OpenReview | None:
        review = open_review_of(self.placed) if may_see_shop_notes(info) else None
        return open_review_from(review) if review else None

    @strawberry.field(
        description=(
            "What the shop's system wrote beside it, by key. For merchants and service keys with ORDERS_READ or "
            "ORDERS_WRITE; empty for customers, whom the shop's own notes are not written for."
        )
    )
    def metadata(self, info: Info) -> list[Metadata]:
        if not may_read_any_order(info):
            return []
        return [Metadata(key=key, value=value) for key, value in sorted(self.placed.metadata.items())]

    @strawberry.field(
        description="Every line, of every kind. `items` tells only what came from the catalogue here."
    )
    def lines(self) -> Sequence[OrderLine]:
        return Made(partial(line_from, currency=self.placed.currency), self.placed.lines)

    @strawberry.field(
        description="The attempts to pay it, oldest first; at most one of them becomes its payment."
    )
    def payments(self) -> list[Payment]:
        return [payment_from(payment) for payment in self.placed.payments]

    @strawberry.field(description="What was or is being given back, oldest first.")
    def refunds(self) -> list[Refund]:
        return [refund_from(refund) for payment in self.placed.payments for refund in payment.refunds]

    @strawberry.field(description="What the customer's bank asks back, oldest first.")
    def disputes(self) -> list[Dispute]:
        return [dispute_from(dispute) for payment in self.placed.payments for dispute in payment.disputes]

    @strawberry.field(description="What is in the order, in the order it was put there.")
    def items(self) -> Sequence[OrderItem]:
        return Made(partial(item_from, currency=self.placed.currency), self.placed.items)


@strawberry.type(description="An order and its place in the list.")
class OrderEdge:
    cursor: str = strawberry.field(description=CURSOR)
    node: Order = strawberry.field(description="The order.")


@strawberry.type(description="A page of orders.")
class OrderConnection:
    edges: list[OrderEdge] = strawberry.field(description=EDGES)
    page_info: PageInfo = strawberry.field(description=PAGE_INFO)

    @strawberry.field(description=NODES)
    def nodes(self) -> list[Order]:
        return [edge.node for edge in self.edges]


@strawberry.input(description="A product and how many of it.")
class OrderItemInput:
    product_id: strawberry.ID = strawberry.field(description="A product's id, from `products`.")
    quantity: int = strawberry.field(description="How many of it: between 1 and 100000.")


@strawberry.input(description="What to order. Prices are the catalogue's: a client can't name one.")
class CreateOrderInput:
    items: list[OrderItemInput] = strawberry.field(
        description="Between 1 and 500 items; the same product twice is added up."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=UNSET,
        description="The currency to pay in. All products must be priced in it; theirs is taken when left out.",
    )
    idempotency_key: str | None = strawberry.field(
        default=UNSET,
        description=(
            "A key of the client's own, such as a UUID made when the cart was opened: the same key again gives the "
            "same order instead of a second one. Up to 255 characters, per user."
        ),
    )
    total: MinorUnits | None = strawberry.field(
        default=UNSET,
        description=(
            "The total that the customer was shown, in minor units. When it isn't the order's, nothing is ordered and "
            "the answer is `OrderTotalMismatch`. Not looked at when left out."
        ),
    )


@strawberry.type(description="A product of the order is not, or no longer, for sale. No order was placed.")
class ProductNotAvailable(UserError):
    product_id: strawberry.ID = strawberry.field(description="The product that can't be ordered.")


@strawberry.type(
    description="The total that was given isn't what the order comes to. Nothing was changed or ordered."
)
class OrderTotalMismatch(UserError):
    sum: Money = strawberry.field(description="What the order comes to: show it, and ask the customer again.")


@strawberry.type(description="The values make no order; `message` says which. Nothing was placed or changed.")
class InvalidOrder(UserError):
    pass


@strawberry.type(
    description="The key was used before, for another order, refund or decision than this one. Nothing was done."
)
class IdempotencyKeyReused(UserError):
    order_id: strawberry.ID = strawberry.field(description="The order that the key was used for.")


CreateOrderResult = Annotated[
    Order | ProductNotAvailable | InvalidOrder | IdempotencyKeyReused | OrderTotalMismatch | RateLimited,
    strawberry.union(
        "CreateOrderResult", description="The order that was placed, or why none was. See `UserError`."
    ),
]


@strawberry.type
class OrderQuery:
    @strawberry.field(
        description=(
            "One of the user's orders, the one of a checkout token, or for merchants and service keys with ORDERS_READ "
            "or ORDERS_WRITE any order; null when there is none with this id. Needs a token. It shows the payment's "
            "true state even while a webhook is late."
        )
    )
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],  # noqa: A002  the schema's word
    ) -> Order | None:
        principal, order_id = info.context.require_principal(), read_id(id)
        return await current_order(info, principal, order_id) if order_id else None

    @strawberry.field(description="The user's orders, newest first. Needs a token.")
    async def orders(
        self,
        info: Info,
        first: First = 20,
        after: After = UNSET,
        status: Annotated[
            OrderStatus | None, strawberry.argument(description="Only orders that stand like this.")
        ] = UNSET,
    ) -> OrderConnection:
        user = info.context.require_user()
        place = place_after(info.context, first, after)
        wanted = Status[status.name] if status else None
        read = partial(info.context.use_cases.orders.page, user.id, first=first, after=place, status=wanted)
        return connection_of(await read_orders(info, read), place)


@strawberry.type
class OrderMutation:
    @strawberry.mutation(
        description=(
            "Places an order at the catalogue's prices. Needs a token. Safe to repeat with the same "
            "`idempotencyKey`. Go on with `createPaymentIntent`."
        )
    )
    async def create_order(
        self,
        info: Info,
        input: Annotated[CreateOrderInput, strawberry.argument(description="What to order.")],  # noqa: A002  the schema's word
    ) -> CreateOrderResult | None:
        user = info.context.require_user()
        info.context.limits.check_order(user.id)
        check_answer_of_new(info, len(input.items))
        items = [WantedItem(item.product_id, item.quantity) for item in input.items]
        key = None if input.idempotency_key is UNSET else input.idempotency_key
        total = None if input.total is UNSET else input.total
        placed = await info.context.use_cases.orders.place(
            user.id, items, input.currency or None, key, total=total
        )
        return order_from(placed)


async def current_order(info: Info, principal: Principal, order_id: UUID) -> Order | None:
    """As it stands at Stripe too; None for one that the caller may not see, as for one that isn't there."""
    if not principal.may(Permission.READ_ORDERS):
        info.context.limits.check_read(principal.id)
    find = info.context.use_cases.current_orders.find
    placed = await read_order(info, partial(find, principal, order_id))
    return order_from(placed) if placed else None


def connection_of(page: Page[PlacedOrder], after: Cursor | None) -> OrderConnection:
    edges = [OrderEdge(cursor=str(placed.cursor), node=order_from(placed)) for placed in page.items]
    return OrderConnection(edges=edges, page_info=page_info(page, after))


def order_from(placed: PlacedOrder) -> Order:
    return Order(
        id=strawberry.ID(str(placed.id)),
        status=OrderStatus[placed.status.name],
        total=money(placed.total, placed.currency),
        created_at=placed.created_at,
        updated_at=placed.updated_at,
        reference=placed.reference,
        canceled_at=placed.canceled_at,
        version=placed.version,
        revision=placed.revision,
        expires_at=placed.expires_at,
        placed=placed,
    )


def product_not_available(refusal: orders_refusals.ProductNotAvailable) -> ProductNotAvailable:
    return ProductNotAvailable(
        message="One of the products is not for sale.",
        code=ErrorCode.PRODUCT_NOT_AVAILABLE,
        retryable=refusal.retryable,
        product_id=strawberry.ID(refusal.product_id),
    )


def invalid_order(refusal: orders_refusals.InvalidOrder) -> InvalidOrder:
    return InvalidOrder(
        message=f"This can't be ordered: {refusal.reason}.",
        code=ErrorCode.INVALID_ORDER,
        retryable=refusal.retryable,
    )


def order_total_mismatch(refusal: orders_refusals.OrderTotalMismatch) -> OrderTotalMismatch:
    return OrderTotalMismatch(
        message="The total is another one than the one that was given.",
        code=ErrorCode.ORDER_TOTAL_MISMATCH,
        retryable=refusal.retryable,
        sum=money(refusal.sum, refusal.currency),
    )


def idempotency_key_reused(refusal: orders_refusals.IdempotencyKeyReused) -> IdempotencyKeyReused:
    return IdempotencyKeyReused(
        message="This idempotency key was used for something else before: make a new one.",
        code=ErrorCode.IDEMPOTENCY_KEY_REUSED,
        retryable=refusal.retryable,
        order_id=strawberry.ID(str(refusal.order_id)),
    )


HANDLERS = (
    RefusalHandler(orders_refusals.ProductNotAvailable, ProductNotAvailable, product_not_available),
    RefusalHandler(orders_refusals.InvalidOrder, InvalidOrder, invalid_order),
    RefusalHandler(orders_refusals.OrderTotalMismatch, OrderTotalMismatch, order_total_mismatch),
    RefusalHandler(orders_refusals.IdempotencyKeyReused, IdempotencyKeyReused, idempotency_key_reused),
)
