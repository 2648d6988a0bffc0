"""What only a person can decide: the list of cases, and closing one; resolving a review."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.serving.spending import bad_input
from graph.types.errors import ErrorCode, OrderNotFound, RateLimited, RefusalHandler, UserError
from graph.types.order_parts import OrderLoader, check_answer_for_shop, parts_of, shop_orders
from graph.types.orders import IdempotencyKeyReused, Order, OrderStatus, in_words, order_from
from graph.types.pages import NODES, PAGE_INFO, After, First, PageInfo, page_info, place_after
from graph.types.payments import PaymentProviderUnavailable
from graph.types.reviews import ReviewDecision
from models.attention.tables import AttentionKind as Kind
from models.reviews.tables import ReviewDecision as Decision
from runtime.ids import read_id
from services.identity.principal import Permission
from services.orders import refusals as orders_refusals
from services.payments import refusals as payments_refusals
from services.payments.reviews import ReviewWish
from services.reconciliation.attention_cases import (
    AttentionNotFound as NotFound,
)
from services.reconciliation.attention_cases import (
    CaseView,
    InvalidNote,
    check_key,
    check_note,
)


@strawberry.enum(description="Why a person is needed.")
class AttentionKind(Enum):
    ORDER_IN_REVIEW = strawberry.enum_value(
        Kind.ORDER_IN_REVIEW.value,
        description="Money arrived that doesn't match its order. Decide with `resolveReview`.",
    )
    REFUND_FAILED = strawberry.enum_value(
        Kind.REFUND_FAILED.value,
        description="A refund was refused, came back from the bank, waits for money in Stripe's balance, "
        "or could not be made for about an hour; or it was made after a person had closed its case.",
    )
    REFUND_FORBIDDEN = strawberry.enum_value(
        Kind.REFUND_FORBIDDEN.value, description="The API key may not make a refund. It is tried again."
    )
    DISPUTE_OPEN = strawberry.enum_value(
        Kind.DISPUTE_OPEN.value,
        description="A customer's bank asks for money back. Answer in Stripe's dashboard by `dueBy`.",
    )
    AUTHORIZATION_LAPSES = strawberry.enum_value(
        Kind.AUTHORIZATION_LAPSES.value,
        description="An amount is authorized and not captured. Capture it in Stripe's dashboard, or cancel the order.",
    )
    MONEY_WITHOUT_ORDER = strawberry.enum_value(
        Kind.MONEY_WITHOUT_ORDER.value,
        description="Money arrived for an order that is not here, as after restoring an old backup. It ends by itself "
        "once the order is brought back.",
    )
    EVENT_UNFINISHED = strawberry.enum_value(
        Kind.EVENT_UNFINISHED.value,
        description="An event of Stripe's could not be finished in 15 attempts. It is tried again from time to time.",
    )
    KEY_LACKS_PERMISSION = strawberry.enum_value(
        Kind.KEY_LACKS_PERMISSION.value,
        description="The API key lacks a permission; Stripe's sentence names it.",
    )
    WEBHOOK_DISABLED = strawberry.enum_value(
        Kind.WEBHOOK_DISABLED.value,
        description="An endpoint of the shop's failed for too long and gets no events, or one event was given up.",
    )
    STRIPE_ACCOUNT_CHANGED = strawberry.enum_value(
        Kind.STRIPE_ACCOUNT_CHANGED.value,
        description="The API key belongs to another account or mode than the payments that are here.",
    )


@strawberry.type(description="Something that only a person can decide.")
class AttentionCase:
    id: strawberry.ID = strawberry.field(description="The case's id.")
    kind: AttentionKind = strawberry.field(description="Why a person is needed.")
    message: str = strawberry.field(description="What happened, and what to do.")
    due_by: datetime | None = strawberry.field(
        description="Until when it must be done, if there is such a time."
    )
    opened_at: datetime = strawberry.field(description="When it was opened.")
    closed_at: datetime | None = strawberry.field(description="When it was closed; null while it waits.")
    closed_by: str | None = strawberry.field(
        description="Who closed it; null while it waits, and when it was over by itself."
    )
    note: str | None = strawberry.field(description="What the person who closed it wrote.")
    order_id: strawberry.Private[UUID | None]
    orders: strawberry.Private[OrderLoader]

    @strawberry.field(
        description="The order that it is about, if it is about one; null for who may not read orders of others."
    )
    async def order(self, info: Info) -> Order | None:
        if self.order_id is None or not info.context.require_principal().may(Permission.READ_ORDERS):
            return None
        placed = await self.orders.load(self.order_id)
        return order_from(placed) if placed else None


@strawberry.type(description="A page of cases.")
class AttentionConnection:
    nodes: list[AttentionCase] = strawberry.field(description=NODES)
    page_info: PageInfo = strawberry.field(description=PAGE_INFO)


@strawberry.type(description="There is no such case.")
class AttentionNotFound(UserError):
    pass


@strawberry.type(
    description="No money of this order waits for a decision, or not one that can be made. `message` says why."
)
class OrderNotInReview(UserError):
    order_status: OrderStatus = strawberry.field(description="How the order stands.")


@strawberry.input(
    description=(
        "ACCEPT writes an ADJUSTMENT line that makes the total what was received, and only then settles; another "
        "currency can only be refunded."
    )
)
class ResolveReviewInput:
    order_id: strawberry.ID = strawberry.field(description="The order under review.")
    decision: ReviewDecision = strawberry.field(description="What to do.")
    note: str = strawberry.field(
        description="Why, for the shop: up to 500 characters. Customers don't see it."
    )
    idempotency_key: str = strawberry.field(
        description=(
            "A key of the client's own, for the whole shop: the same key again decides nothing more. Up to 255 "
            "characters."
        )
    )


CloseAttentionResult = Annotated[
    AttentionCase | AttentionNotFound | RateLimited,
    strawberry.union(
        "CloseAttentionResult", description="The closed case, or why it isn't. See `UserError`."
    ),
]
ResolveReviewResult = Annotated[
    Order
    | OrderNotFound
    | OrderNotInReview
    | IdempotencyKeyReused
    | PaymentProviderUnavailable
    | RateLimited,
    strawberry.union(
        "ResolveReviewResult",
        description="The order as it is now, or why nothing was decided. See `UserError`.",
    ),
]
IsOpen = Annotated[
    bool, strawberry.argument(description="True: those that wait for a person. False: those that are closed.")
]


@strawberry.type
class AttentionQuery:
    @strawberry.field(
        description=(
            "What only a person can decide, newest first. For merchants, and service keys with the scope "
            "REFUNDS_WRITE. A case closes when its reason is gone, or with `closeAttention`."
        )
    )
    async def attention(
        self,
        info: Info,
        first: First = 20,
        after: After = UNSET,
        open: IsOpen = True,  # noqa: A002  the schema's word
    ) -> AttentionConnection:
        info.context.require(Permission.DECIDE)
        place = place_after(info.context, first, after)
        page = await info.context.use_cases.attention.page(first=first, after=place, is_open=open)
        orders = shop_orders(info)
        nodes = [case_from(view, orders) for view in page.items]
        return AttentionConnection(nodes=nodes, page_info=page_info(page, place))


@strawberry.type
class AttentionMutation:
    @strawberry.mutation(
        description=(
            "Closes a case that a person has dealt with, such as a refund that was made in another way: then it is not "
            "tried any more. For merchants, and service keys with the scope REFUNDS_WRITE."
        )
    )
    async def close_attention(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The case's id.")],  # noqa: A002
        note: Annotated[
            str, strawberry.argument(description="What was done, for the shop: up to 500 characters.")
        ],
    ) -> CloseAttentionResult | None:
        principal = info.context.require(Permission.DECIDE)
        info.context.limits.check_refund(principal.id, None)
        wanted = read_id(id)
        if wanted is None:
            raise NotFound
        if parts_of(info):
            case = await info.context.use_cases.attention.find(wanted)
            if case and case.order_id:
                await check_answer_for_shop(info, case.order_id)
        try:
            closed = await info.context.use_cases.attention.close(principal.id, wanted, note)
        except InvalidNote as error:
            raise bad_input(str(error)) from None
        return case_from(closed, shop_orders(info))

    @strawberry.mutation(
        description=(
            "Decides about an order in REVIEW, or one with money that does not match it. For merchants, and service "
            "keys with the scope REFUNDS_WRITE. Safe to repeat with the same `idempotencyKey`."
        )
    )
    async def resolve_review(
        self,
        info: Info,
        input: Annotated[ResolveReviewInput, strawberry.argument(description="The decision.")],  # noqa: A002
    ) -> ResolveReviewResult | None:
        principal = info.context.require(Permission.DECIDE)
        wanted = read_id(input.order_id)
        if wanted is None:
            raise orders_refusals.OrderNotFound
        info.context.limits.check_refund(principal.id, wanted)
        try:
            check_note(input.note)
            check_key(input.idempotency_key)
        except InvalidNote as error:
            raise bad_input(str(error)) from None
        wish = ReviewWish(
            order_id=wanted,
            decision=Decision[input.decision.name],
            note=input.note,
            idempotency_key=input.idempotency_key,
            decided_by=principal.id,
        )
        await check_answer_for_shop(info, wanted)
        await info.context.use_cases.reviews.resolve(wish)
        [placed] = await info.context.use_cases.orders.of_the_shop([wanted], parts_of(info))
        if placed is None:
            raise orders_refusals.OrderNotFound
        return order_from(placed)


def case_from(view: CaseView, orders: OrderLoader) -> AttentionCase:
    return AttentionCase(
        id=strawberry.ID(str(view.id)),
        kind=AttentionKind[view.kind.name],
        message=view.message,
        due_by=view.due_by,
        opened_at=view.opened_at,
        closed_at=view.closed_at,
        closed_by=view.closed_by,
        note=view.note,
        order_id=view.order_id,
        orders=orders,
    )


def attention_not_found(refusal: NotFound) -> AttentionNotFound:
    return AttentionNotFound(
        message="There is no such case.", code=ErrorCode.ATTENTION_NOT_FOUND, retryable=refusal.retryable
    )


def order_not_in_review(refusal: payments_refusals.OrderNotInReview) -> OrderNotInReview:
    status = OrderStatus[refusal.status.name]
    return OrderNotInReview(
        message=refusal.reason or f"There is nothing to decide: the order is {in_words(status)}.",
        code=ErrorCode.ORDER_NOT_IN_REVIEW,
        retryable=refusal.retryable,
        order_status=status,
    )


HANDLERS = (
    RefusalHandler(NotFound, AttentionNotFound, attention_not_found),
    RefusalHandler(payments_refusals.OrderNotInReview, OrderNotInReview, order_not_in_review),
)
