"""Orders: placing them at the catalogue's prices, and showing them to their owner."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models.currencies.currencies import CURRENCIES
from models.orders.placing import ADD_ORDER, PLACED_AS
from models.orders.rows import LineJson, OrderRow
from models.orders.searches import orders_search
from models.orders.statements import (
    ADD_LINES,
    EVERY_PART,
    LINES_OF_ORDERS,
    ORDER,
    ORDER_BY_KEY,
    PRICES,
    LinesOfOrder,
    OrderParts,
    order_reading,
    orders_by_keys,
    orders_reading,
)
from models.orders.tables import LARGEST_QUANTITY, OrderStatus
from runtime.database.database import Database, Transaction
from runtime.database.statements import Query
from runtime.encoding import to_json
from runtime.ids import read_id
from runtime.pages import Cursor, Page, check_size, page_of
from services.identity.principal import Permission, Principal
from services.orders.lines import (
    LARGEST_TOTAL,
    LONGEST_REFERENCE,
    OrderLine,
    check_total,
    line_from,
    lines_as_json,
    total_of,
)
from services.orders.refusals import (
    IdempotencyKeyReused,
    InvalidOrder,
    ProductNotAvailable,
)
from services.orders.search import OrderFilter
from services.orders.texts import LONGEST_KEY, is_key, is_text
from services.orders.views import PlacedOrder, order_from

MOST_ITEMS = 500
MOST_LINES_OF_PAGE = 50_000  # what a hundred of the largest orders have
LINES_AT_ONCE = 100


class TooManyLines(Exception):
    """The orders of a page have more lines than may be read; the only argument is how many may."""


@dataclass(frozen=True, slots=True)
class WantedItem:
    """What a customer puts into an order. The price is not theirs to say."""

    product_id: str
    quantity: int


async def _lines_from(rows: Sequence[LineJson]) -> tuple[OrderLine, ...]:
    """Others get a turn in between: hundreds take milliseconds."""
    lines: list[OrderLine] = []
    for start in range(0, len(rows), LINES_AT_ONCE):
        lines += map(line_from, rows[start : start + LINES_AT_ONCE])
        await asyncio.sleep(0)
    return tuple(lines)


class Orders:
    def __init__(self, database: Database, *, lifetime: timedelta | None = None) -> None:
        """`lifetime` is how long an order that is placed here may stay unpaid; None is for ever."""
        self._database = database
        self._lifetime = lifetime

    async def find(
        self, principal: Principal, order_id: UUID, parts: OrderParts = EVERY_PART
    ) -> PlacedOrder | None:
        """An order that is the caller's, or that they may read; None for all others, whether they exist or not.

        What is not in `parts` is empty in it.
        """
        parameters = {
            "order_id": order_id,
            "user_id": principal.user_id,
            "may_any": principal.may(Permission.READ_ORDERS, order_id),
        }
        row = await self._database.row(order_reading(parts), parameters)
        return order_from(row) if row else None

    async def of_the_shop(
        self,
        order_ids: Sequence[UUID],
        parts: OrderParts = EVERY_PART,
        most_lines: int = MOST_LINES_OF_PAGE,
    ) -> list[PlacedOrder | None]:
        """Any user's orders by their ids, in the order of the ids; None for one that is not there.

        What is not in `parts` is empty in them; `TooManyLines` as `page`.
        """
        of_anybody = {"user_id": None, "may_any": True, "only": None}
        parameters = {"ids": list(order_ids), "references": [], **of_anybody}
        orders = await self._named(parameters, parts, most_lines)
        found = {order.id: order for order in orders}
        return [found.get(order_id) for order_id in order_ids]

    async def visible(
        self,
        principal: Principal,
        *,
        ids: Sequence[UUID],
        references: Sequence[str] = (),
        parts: OrderParts = EVERY_PART,
        most_lines: int = MOST_LINES_OF_PAGE,
    ) -> Sequence[PlacedOrder]:
        """Of these orders, those that the caller may see, in no order; `TooManyLines` as `page`."""
        may_any = principal.may(Permission.READ_ORDERS, principal.order_id)
        parameters = {
            "ids": list(ids),
            "references": [each for each in references if is_text(each, LONGEST_REFERENCE)],
            "user_id": principal.user_id,
            "may_any": may_any,
            "only": principal.order_id,  # a checkout token sees its own order alone
        }
        return await self._named(parameters, parts, most_lines)

    async def page(
        self,
        user_id: str,
        *,
        first: int,
        after: Cursor | None,
        status: OrderStatus | None,
        parts: OrderParts = EVERY_PART,
        most_lines: int = MOST_LINES_OF_PAGE,
    ) -> Page[PlacedOrder]:
        """The user's orders, newest first; `InvalidPage` when `first` is out of bounds.

        The lines of all of them are read at once, and at most `most_lines`: `TooManyLines` when there are more.
        """
        parameters: dict[str, Any] = {"user_id": user_id, "limit": check_size(first) + 1}
        if after is not None:
            parameters |= {"before": after.created_at, "before_id": after.id}
        if status is not None:
            parameters["status"] = status
        statement = orders_reading(
            parts & ~OrderParts.LINES, with_status=status is not None, after=after is not None
        )
        return await self._page(statement, parameters, first, parts, most_lines)

    async def search(
        self,
        wanted: OrderFilter,
        *,
        first: int,
        after: Cursor | None,
        parts: OrderParts = EVERY_PART,
        most_lines: int = MOST_LINES_OF_PAGE,
    ) -> Page[PlacedOrder]:
        """Everybody's orders that pass the filter, newest first; bounded as `page` is."""
        parameters: dict[str, Any] = {**wanted.parameters, "limit": check_size(first) + 1}
        if wanted.finds_nothing:
            return Page([], has_next=False)
        if after is not None:
            parameters |= {"before": after.created_at, "before_id": after.id}
        statement = orders_search(
            parts & ~OrderParts.LINES,
            wanted.names,
            statuses=len(wanted.distinct_statuses),
            after=after is not None,
        )
        return await self._page(statement, parameters, first, parts, most_lines)

    async def _page(
        self,
        statement: Query[OrderRow],
        parameters: dict[str, Any],
        first: int,
        parts: OrderParts,
        most_lines: int,
    ) -> Page[PlacedOrder]:
        orders = await self._read(statement, parameters, parts, most_lines, first)
        return page_of(orders, first)

    async def _named(
        self, parameters: dict[str, Any], parts: OrderParts, most_lines: int
    ) -> Sequence[PlacedOrder]:
        return await self._read(orders_by_keys(parts & ~OrderParts.LINES), parameters, parts, most_lines)

    async def _read(
        self,
        statement: Query[OrderRow],
        parameters: Mapping[str, Any],
        parts: OrderParts,
        most_lines: int,
        first: int | None = None,
    ) -> list[PlacedOrder]:
        """The orders of the statement, the first of them with their lines where those are among the parts.

        Both are of one moment, so that an order's lines are what its total and its revision say.
        """
        if OrderParts.LINES not in parts:
            return [order_from(row) for row in await self._database.rows(statement, parameters)]

        async def read(snapshot: Transaction) -> tuple[Sequence[OrderRow], Sequence[LinesOfOrder]]:
            rows = await snapshot.rows(statement, parameters)
            wanted = {"ids": [row.id for row in rows[:first]], "most": most_lines + 1}
            return rows, await snapshot.rows(LINES_OF_ORDERS, wanted) if rows else []

        rows, found = await self._database.snapshot(read)
        if sum(len(row.lines) for row in found) > most_lines:
            raise TooManyLines(most_lines)
        lines: dict[UUID, tuple[OrderLine, ...]] = {}
        for row in found:
            lines[row.order_id] = await _lines_from(row.lines)
        return [replace(order_from(row), lines=lines.get(row.id, ())) for row in rows]

    async def place(
        self,
        user_id: str,
        items: Sequence[WantedItem],
        currency: str | None,
        idempotency_key: str | None,
        *,
        total: int | None = None,
    ) -> PlacedOrder:
        """Place an order at today's prices. The same key and items again give the same order, not a second one,
        whatever became of its products, prices and lines meanwhile.

        `total`, in minor units, is what the customer was shown. Raises `InvalidOrder`, `ProductNotAvailable`,
        `OrderTotalMismatch` or `IdempotencyKeyReused`.
        """
        wanted = _merged(items)
        _check_key(idempotency_key)
        order_id = uuid4()  # of all tries: one whose answer was lost may have been committed

        async def write(transaction: Transaction) -> PlacedOrder:
            async def earlier() -> PlacedOrder | None:
                return await _earlier_order(transaction, user_id, idempotency_key, wanted, currency)

            if order := await earlier():
                return order
            lines, priced_in = await _priced(transaction, wanted, currency)
            _check_total(lines, priced_in, total)
            added = {
                "id": order_id,
                "user_id": user_id,
                "currency": priced_in,
                "idempotency_key": idempotency_key,
                "asked": _asked_for(wanted, priced_in) if idempotency_key is not None else None,
            }
            order = await _add_order(transaction, {**added, "lifetime": self._lifetime}, lines)
            if order := order or await _same_order(transaction, user_id, order_id) or await earlier():
                return order
            raise RuntimeError("the order that held this key was deleted while another was placed with it")

        return await self._database.transaction(write)


def _merged(items: Sequence[WantedItem]) -> dict[UUID, int]:
    """Quantity by product; the same product twice is one line."""
    if not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidOrder(f"an order has between 1 and {MOST_ITEMS} items")
    wanted: dict[UUID, int] = {}
    for item in items:
        product_id = read_id(item.product_id)
        if product_id is None:
            raise ProductNotAvailable(item.product_id)
        wanted[product_id] = wanted.get(product_id, 0) + item.quantity
        if item.quantity < 1 or wanted[product_id] > LARGEST_QUANTITY:
            raise InvalidOrder(f"a quantity is between 1 and {LARGEST_QUANTITY}")
    return wanted


def _check_key(key: str | None) -> None:
    if key is not None and not is_key(key):
        raise InvalidOrder(f"an idempotency key has between 1 and {LONGEST_KEY} printable characters")


async def _priced(
    transaction: Transaction, wanted: Mapping[UUID, int], currency: str | None
) -> tuple[list[OrderLine], str]:
    """The lines at the catalogue's prices, and the one currency they are in."""
    rows = await transaction.rows(PRICES, {"ids": list(wanted)})
    products = {row.id: row for row in rows if row.active}
    for product_id in wanted:
        if product_id not in products:
            raise ProductNotAvailable(str(product_id))
    lines = [
        OrderLine(
            product_id=product_id,
            name=products[product_id].name,
            unit_amount=products[product_id].unit_amount,
            quantity=quantity,
        )
        for product_id, quantity in wanted.items()
    ]
    return lines, _one_currency({product.currency for product in products.values()}, currency)


def _one_currency(priced_in: set[str], asked: str | None) -> str:
    if asked is not None and asked not in CURRENCIES:
        raise InvalidOrder(f"{asked} is not a currency that can be charged")
    if len(priced_in) > 1 or (asked is not None and priced_in != {asked}):
        raise InvalidOrder(
            f"these products are priced in {', '.join(sorted(priced_in))}; an order has one currency"
        )
    return priced_in.pop()


def _check_total(lines: Sequence[OrderLine], currency: str, shown: int | None) -> None:
    """Before anything is written: a customer who was shown another total has not agreed to this one."""
    if total_of(lines) > LARGEST_TOTAL:
        raise InvalidOrder("the total is larger than any charge can be")
    if shown is not None:
        check_total(lines, currency, shown)


async def _add_order(
    transaction: Transaction,
    values: Mapping[str, Any],
    lines: Sequence[OrderLine],
) -> PlacedOrder | None:
    """The order just placed; None when this user used the key before, or the order is there already."""
    row = await transaction.row(ADD_ORDER, values)
    if row is None:
        return None
    await transaction.rows(ADD_LINES, {"order_id": row.id, "lines": lines_as_json(lines)})
    return PlacedOrder(
        row.id,
        OrderStatus.PENDING,
        values["currency"],
        total_of(lines),
        tuple(lines),
        (),
        row.created_at,
        row.updated_at,
        row.version + 1,  # adding the lines is a change
        values["user_id"],
        expires_at=row.expires_at,
        revision=row.revision + 1,
    )


async def _same_order(transaction: Transaction, user_id: str, order_id: UUID) -> PlacedOrder | None:
    row = await transaction.row(ORDER, {"order_id": order_id, "user_id": user_id, "may_any": False})
    return order_from(row) if row else None


async def _earlier_order(
    transaction: Transaction,
    user_id: str,
    key: str | None,
    wanted: Mapping[UUID, int],
    currency: str | None,
) -> PlacedOrder | None:
    if key is None:
        return None
    row = await transaction.row(ORDER_BY_KEY, {"user_id": user_id, "idempotency_key": key})
    if row is None:
        return None
    order = order_from(row)
    placed_as = (await transaction.one(PLACED_AS, {"order_id": order.id})).import_digest
    if not _is_as_placed(order, placed_as, wanted, currency):
        raise IdempotencyKeyReused(order.id)
    return order


def _is_as_placed(
    order: PlacedOrder, placed_as: str | None, wanted: Mapping[UUID, int], currency: str | None
) -> bool:
    """Whether the order was placed for these items. A server of an earlier version left only its lines to tell."""
    if placed_as is None:
        same_items = {line.product_id: line.quantity for line in order.items} == wanted
        return same_items and currency in (None, order.currency)
    priced_in, _, _ = placed_as.partition(":")
    return placed_as == _asked_for(wanted, currency or priced_in)


def _asked_for(wanted: Mapping[UUID, int], currency: str) -> str:
    """What was asked at placing, alike for what is alike: an order's lines may be others by the next try."""
    items = sorted((str(product_id), quantity) for product_id, quantity in wanted.items())
    return f"{currency}:{hashlib.sha256(to_json(items)).hexdigest()}"
