"""What resolvers read of orders: only what is selected, and within what an operation may cost."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from graph.context import Info
from graph.serving.answer_work import Lengths, check_answer
from graph.serving.selections import names_within
from graph.serving.spending import too_costly
from models.orders.statements import OrderParts
from runtime.pages import Page
from services.orders.imports import MOST_METADATA
from services.orders.orders import TooManyLines
from services.orders.views import PaymentView, PlacedOrder

ADDED = 5  # transitions of a payment that one mutation may add
PARTS = {
    "items": OrderParts.LINES,
    "lines": OrderParts.LINES,
    "payments": OrderParts.PAYMENTS,
    "refunds": OrderParts.RETURNS,
    "disputes": OrderParts.RETURNS,
    "revision": OrderParts.REVISION,
    "reviews": OrderParts.REVIEWS,
    "openReview": OrderParts.PAYMENTS | OrderParts.RETURNS,
    "history": OrderParts.PAYMENTS | OrderParts.HISTORY,
}
Found = TypeVar("Found", bound=Page[PlacedOrder] | Sequence[PlacedOrder | None])
OrderLoader: TypeAlias = "DataLoader[UUID, PlacedOrder | None]"


async def read_orders(info: Info, read: Callable[..., Awaitable[Found]]) -> Found:
    """What `read` finds, given the parts that are selected within this field, and how many lines may be read.

    An operation's lists of orders read their lines one after the other: what one has read is not left to the next.
    """
    parts, spending = parts_of(info), info.context.spending
    if OrderParts.LINES not in parts:
        return await read(parts=parts)
    async with spending.reading_lines:
        try:
            found = await read(parts=parts, most_lines=spending.lines_left)
        except TooManyLines:
            raise too_costly() from None
        orders = found.items if isinstance(found, Page) else found
        spending.lines_read += sum(len(order.lines) for order in orders if order)
    return found


async def read_order(
    info: Info, find: Callable[[OrderParts], Awaitable[PlacedOrder | None]]
) -> PlacedOrder | None:
    """The one order that `find` finds, given the parts that are selected within this field.

    Where it is not the only root field, its lines are read as those of a list: twenty aliases don't read the lines of
    twenty orders before the first of them is charged.
    """
    parts, spending = parts_of(info), info.context.spending
    if OrderParts.LINES not in parts or len(spending.roots) == 1:
        return await find(parts)
    order = await find(OrderParts.NONE)  # whether it is there, and may be read
    if order is None:
        return None
    [whole] = await read_orders(info, partial(info.context.use_cases.orders.of_the_shop, [order.id]))
    return whole


def shop_orders(info: Info) -> OrderLoader:
    """Orders that the entries of this field's answer name: all that are asked for at once in one statement, and one
    more for their lines."""
    of_the_shop = info.context.use_cases.orders.of_the_shop

    async def load(order_ids: list[UUID]) -> Sequence[PlacedOrder | None]:
        return await read_orders(info, partial(of_the_shop, order_ids))

    return DataLoader(load_fn=load)


def parts_of(info: Info) -> OrderParts:
    """What has to be read for the fields that are selected within this field."""
    root, *path = (key for key in info.path.as_list() if isinstance(key, str))
    names = names_within(info.context.spending.roots[root], path)
    parts = OrderParts.NONE
    for name, part in PARTS.items():
        if name in names:
            parts |= part
    return parts


def check_answer_of_new(info: Info, lines: int) -> None:
    """Before a mutation writes a new order of so many lines: an answer that is refused afterwards would hide it."""
    check_answer(info.context.spending, str(info.path.key), lengths_of_lists(lines))


def check_answer_of_order(info: Info, order: PlacedOrder | None, lines: int | None = None) -> None:
    """Before a mutation changes an order that is there: the same, for its lists, or with so many new lines."""
    if order is not None:
        after = len(order.lines) + 1 if lines is None else lines  # a review adds one
        lengths = lengths_of_lists(after, order.payments, len(order.reviews))
        check_answer(info.context.spending, str(info.path.key), lengths)


async def check_answer_for_shop(info: Info, order_id: UUID) -> None:
    """The same for any order of the shop, which is read only if its lists are selected."""
    if parts := parts_of(info):
        [order] = await info.context.use_cases.orders.of_the_shop([order_id], parts)
        check_answer_of_order(info, order)


async def check_answer_of_update(info: Info, order_id: UUID, lines: int) -> None:
    """The same for an order that gets so many new lines."""
    check_answer_of_new(info, lines)
    if parts := parts_of(info) & ~OrderParts.LINES:
        [order] = await info.context.use_cases.orders.of_the_shop([order_id], parts)
        check_answer_of_order(info, order, lines)


def lengths_of_lists(lines: int, payments: Sequence[PaymentView] = (), reviews: int = 0) -> Lengths:
    """The most entries that the lists of an order have once a mutation is done, given what there was before."""
    return {
        "Order.items": lines,
        "Order.lines": lines,
        "Order.metadata": MOST_METADATA,
        "Order.payments": len(payments),
        "Payment.history": max((len(payment.history) for payment in payments), default=0) + ADDED,
        "Order.refunds": sum(len(payment.refunds) for payment in payments) + len(payments),
        "Order.reviews": reviews + 1,
        "OpenReview.here": len(payments),
        "ReviewOutcome.givesBack": len(payments),
        "ReviewOutcome.keeps": len(payments),
        "Order.disputes": sum(len(payment.disputes) for payment in payments),
    }
