"""Orders of the shop's own system: brought in and found by the shop's own number of them."""

from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar
from uuid import UUID

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.types.errors import ErrorCode, OrderNotFound, RateLimited, RefusalHandler, UserError
from graph.types.moments import in_utc
from graph.types.money import CurrencyCode, MinorUnits
from graph.types.order_lines import OrderLineInput, line_of
from graph.types.order_parts import check_answer_of_new, check_answer_of_update, read_order, read_orders
from graph.types.orders import (
    IdempotencyKeyReused,
    InvalidOrder,
    Order,
    OrderConnection,
    OrderStatus,
    OrderTotalMismatch,
    connection_of,
    order_from,
)
from graph.types.pages import After, First, place_after
from graph.types.payments import OrderNotPayable, PaymentInProgress, PaymentProviderUnavailable
from models.orders.tables import OrderStatus as Status
from runtime.ids import read_id
from services.identity.principal import Permission
from services.orders import refusals, search
from services.orders.imports import ImportedOrder, check_expiry, check_zone
from services.payments import refusals as payments_refusals
from services.payments.order_changes import WantedChange

Given = TypeVar("Given")


@strawberry.input(description="One entry of an order's metadata.")
class MetadataInput:
    key: str = strawberry.field(description="1 to 40 printable characters, without brackets.")
    value: str = strawberry.field(description="1 to 500 printable characters.")


@strawberry.input(
    description=(
        "An order that the shop's own system placed. The same reference again with the same content is the same order."
    )
)
class ImportOrderInput:
    reference: str = strawberry.field(
        description=(
            "The shop's own number of the order, 1 to 255 printable characters; unique, compared exactly as written, "
            "and what Stripe's dashboard and receipts show."
        )
    )
    currency: CurrencyCode = strawberry.field(description="The currency of all amounts.")
    lines: list[OrderLineInput] = strawberry.field(description="All lines: between 1 and 500.")
    total: MinorUnits = strawberry.field(
        description=(
            "The total that the customer was shown. It must be the sum of the lines: a difference is refused, never "
            "rounded away."
        )
    )
    user_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Who may pay it with a token of their own; nobody when left out (see `createCheckoutToken`).",
    )
    receipt_email: str | None = strawberry.field(default=UNSET, description="Where Stripe sends its receipt.")
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When the order is canceled if it is not paid by then. With a time zone."
    )
    metadata: list[MetadataInput] | None = strawberry.field(
        default=UNSET, description="What the shop wants to find in Stripe's dashboard: up to 40 entries."
    )


ImportOrderResult = Annotated[
    IdempotencyKeyReused | InvalidOrder | Order | OrderTotalMismatch | RateLimited,
    strawberry.union("ImportOrderResult", description="The order, or why there is none. See `UserError`."),
]


@strawberry.input(
    description=(
        "All lines anew, such as after another shipping rate or a voucher. `expectedVersion` makes a lost update "
        "impossible."
    )
)
class UpdateOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order to change.")
    expected_version: int = strawberry.field(description="Its `version` as the shop last saw it.")
    lines: list[OrderLineInput] = strawberry.field(description="All lines: between 1 and 500.")
    total: MinorUnits = strawberry.field(description="The new total that the customer was shown.")
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When it expires; null for never. As it was when left out."
    )


@strawberry.type(
    description="The order has changed since its version was the expected one. Nothing was changed."
)
class OrderChangedMeanwhile(UserError):
    order: Order = strawberry.field(description="How it stands now.")


UpdateOrderResult = Annotated[
    InvalidOrder
    | Order
    | OrderChangedMeanwhile
    | OrderNotFound
    | OrderNotPayable
    | OrderTotalMismatch
    | PaymentInProgress
    | PaymentProviderUnavailable
    | RateLimited,
    strawberry.union(
        "UpdateOrderResult", description="The order as it is now, or why it is as it was. See `UserError`."
    ),
]


@strawberry.input(description="What orders are looked for: all that is given must hold.")
class OrderFilter:
    statuses: list[OrderStatus] | None = strawberry.field(
        default=UNSET, description="Those that stand like one of these; all for an empty list."
    )
    created_from: datetime | None = strawberry.field(default=UNSET, description="Placed then or later.")
    created_before: datetime | None = strawberry.field(default=UNSET, description="Placed before.")
    updated_from: datetime | None = strawberry.field(default=UNSET, description="Changed then or later.")
    user_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Whose they are.")
    receipt_email: str | None = strawberry.field(
        default=UNSET, description="Where Stripe sends the receipt, exactly as written."
    )
    reference: str | None = strawberry.field(default=UNSET, description="The shop's own number.")
    payment_intent_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The id of one of its PaymentIntents at Stripe."
    )
    id_prefix: str | None = strawberry.field(
        default=UNSET,
        description="The first digits of its id, 8 or more: people say and type no more of it.",
    )
    disputed: bool | None = strawberry.field(
        default=UNSET, description="Whether a bank ever asked money of it back."
    )
    processing: bool | None = strawberry.field(
        default=UNSET, description="Whether a payment of it is confirmed, and the bank takes its time."
    )


@strawberry.type
class ShopOrderQuery:
    @strawberry.field(
        description="Everybody's orders, newest first. For merchants and service keys with ORDERS_READ."
    )
    async def all_orders(
        self,
        info: Info,
        first: First = 20,
        after: After = UNSET,
        filter: Annotated[  # noqa: A002  the schema's word
            OrderFilter | None, strawberry.argument(description="Only those that are looked for.")
        ] = UNSET,
    ) -> OrderConnection:
        info.context.require(Permission.LIST_ORDERS)
        place = place_after(info.context, first, after)
        wanted = filter_of(filter or OrderFilter())
        read = partial(info.context.use_cases.orders.search, wanted, first=first, after=place)
        return connection_of(await read_orders(info, read), place)

    @strawberry.field(
        description=(
            "The order with this number of the shop's own, if the caller may see it; null otherwise. Needs a token. "
            "It shows what is recorded: `order` also asks Stripe while a webhook is late."
        )
    )
    async def order_by_reference(
        self,
        info: Info,
        reference: Annotated[str, strawberry.argument(description="The shop's own number of the order.")],
    ) -> Order | None:
        principal = info.context.require_principal()
        if not principal.may(Permission.READ_ORDERS):
            info.context.limits.check_read(principal.id)
        by_reference = info.context.use_cases.order_imports.by_reference
        placed = await read_order(info, partial(by_reference, principal, reference))
        return order_from(placed) if placed else None


@strawberry.type
class ShopOrderMutation:
    @strawberry.mutation(
        description=(
            "Brings in an order of the shop's own system, with lines of every kind and the total as the customer was "
            "shown it. For merchants and service keys with ORDERS_WRITE. Safe to repeat: `reference` is the key."
        )
    )
    async def import_order(
        self,
        info: Info,
        input: Annotated[ImportOrderInput, strawberry.argument(description="The order.")],  # noqa: A002  the schema's word
    ) -> ImportOrderResult | None:
        principal = info.context.require(Permission.WRITE_ORDERS)
        info.context.limits.check_import(principal.id)
        check_answer_of_new(info, len(input.lines))
        placed = await info.context.use_cases.order_imports.take(imported_order(input))
        return order_from(placed)

    @strawberry.mutation(
        description=(
            "Gives a pending order other lines and its PaymentIntent the new amount; its client secret stays valid. "
            "For merchants and service keys with ORDERS_WRITE. Refused while the customer is confirming: the order "
            "ends with the old lines and the old amount, or with the new ones."
        )
    )
    async def update_order(
        self,
        info: Info,
        input: Annotated[UpdateOrderInput, strawberry.argument(description="The change.")],  # noqa: A002  the schema's word
    ) -> UpdateOrderResult | None:
        principal = info.context.require(Permission.WRITE_ORDERS)
        order_id = read_id(input.order_id)
        if order_id is None:
            raise refusals.OrderNotFound
        info.context.limits.check_update(principal.id, order_id)
        wanted = wanted_change(principal.id, order_id, input)
        await check_answer_of_update(info, order_id, len(input.lines))
        return order_from(await info.context.use_cases.order_changes.change(wanted))


def wanted_change(principal_id: str, order_id: UUID, given: UpdateOrderInput) -> WantedChange:
    expires_at = given_or_none(given.expires_at)
    check_zone(expires_at)
    check_expiry(expires_at)
    return WantedChange(
        order_id=order_id,
        requested_by=principal_id,
        expected_version=given.expected_version,
        lines=[line_of(line) for line in given.lines],
        total=given.total,
        sets_expiry=given.expires_at is not UNSET,
        expires_at=expires_at,
    )


def order_changed_meanwhile(refusal: payments_refusals.OrderChangedMeanwhile) -> OrderChangedMeanwhile:
    return OrderChangedMeanwhile(
        message="The order has changed since: look at it again.",
        code=ErrorCode.ORDER_CHANGED_MEANWHILE,
        retryable=refusal.retryable,
        order=order_from(refusal.order),
    )


HANDLERS = (
    RefusalHandler(payments_refusals.OrderChangedMeanwhile, OrderChangedMeanwhile, order_changed_meanwhile),
)


def given_or_none(value: Given | None) -> Given | None:
    """What was given; None for what was left out."""
    return None if value is UNSET else value


def filter_of(given: OrderFilter) -> search.OrderFilter:
    statuses = [Status[status.name] for status in given.statuses or ()]
    return search.OrderFilter(
        statuses=statuses,
        created_from=in_utc(given.created_from) if given.created_from else None,
        created_before=in_utc(given.created_before) if given.created_before else None,
        updated_from=in_utc(given.updated_from) if given.updated_from else None,
        # An empty text is one that no order has, and not a filter that was left out: that would show everybody's.
        user_id=given_or_none(given.user_id),
        receipt_email=given_or_none(given.receipt_email),
        reference=given_or_none(given.reference),
        intent_id=given_or_none(given.payment_intent_id),
        id_prefix=given_or_none(given.id_prefix),
        disputed=given_or_none(given.disputed),
        processing=given_or_none(given.processing),
    )


def imported_order(given: ImportOrderInput) -> ImportedOrder:
    entries = given.metadata or []
    metadata = {entry.key: entry.value for entry in entries}
    if len(metadata) != len(entries):
        raise refusals.InvalidOrder("a key of metadata stands twice")
    return ImportedOrder(
        reference=given.reference,
        user_id=given.user_id or None,
        receipt_email=given.receipt_email or None,
        currency=given.currency,
        lines=[line_of(line) for line in given.lines],
        total=given.total,
        expires_at=given.expires_at or None,
        metadata=metadata,
    )
