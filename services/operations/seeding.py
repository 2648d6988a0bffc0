"""A catalogue and orders to try things with. Never part of `serve`."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from models.products.seed_statements import ADD_ORDER_ITEMS, ADD_ORDERS, ADD_PRODUCTS
from runtime.database.database import Database, Transaction, build_database

BATCH = 1_000
SEEDED_USERS = 1_000
OPENING_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SeededProduct:
    """`unit_amount` is minor units of `currency`."""

    slug: str
    name: str
    description: str
    unit_amount: int
    currency: str = "USD"

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"https://paygraph.example/products/{self.slug}")


CATALOGUE = (
    SeededProduct("mug", "Stoneware mug", "Holds 300 ml and keeps tea warm through a code review.", 1_999),
    SeededProduct(
        "notebook", "Dotted notebook", "160 pages that lie flat, for drawing state machines.", 1_250
    ),
    SeededProduct("lamp", "Desk lamp", "Warm light with a dimmer; the switch debounces itself.", 6_490),
    SeededProduct(
        "backpack", "Canvas backpack", "20 litres, with a pocket for a laptop of 16 inches.", 8_900
    ),
    SeededProduct("pen", "Fountain pen", "A steel nib, and a cartridge of blue-black ink.", 3_400),
    SeededProduct("plant", "Pothos in a pot", "Forgives weeks without water, and any on-call rota.", 2_200),
    SeededProduct(
        "poster", "Poster: HTTP status codes", "50 × 70 cm on heavy paper; 402 is printed in gold.", 2_800
    ),
    SeededProduct(
        "sticker", "One sticker", "Costs less than any card charge may: put two into the cart.", 30
    ),
    SeededProduct(
        "teapot", "Cast-iron teapot (Japan)", "Priced in yen, a currency without decimals.", 8_800, "JPY"
    ),
    SeededProduct(
        "coffee", "Coffee set (Kuwait)", "Priced in dinars, a currency with three decimals.", 12_750, "KWD"
    ),
)
ORDERED = CATALOGUE[:3]


async def seed_shop(url: str, orders: int, token_for: Callable[[str, str | None], str] | None) -> list[str]:
    """The catalogue, and `orders` pending orders; returns a line of order id and token for each."""
    database = build_database(url, pool_size=1)
    try:
        await seed_catalogue(database)
        return [
            f"{order_id} {token_for(user_id, None) if token_for else ''}"
            async for order_id, user_id in seed_orders(database, orders)
        ]
    finally:
        await database.close()


async def seed_catalogue(database: Database) -> int:
    """Add what is missing of the catalogue; how many products it has."""
    rows = [_product_row(number, product) for number, product in enumerate(CATALOGUE)]
    await database.rows(ADD_PRODUCTS, rows)
    return len(rows)


async def seed_orders(
    database: Database, count: int, *, user_id: str | None = None
) -> AsyncIterator[tuple[UUID, str]]:
    """Add pending orders of three items each; yields the id and the user of each order."""
    for start in range(0, count, BATCH):
        users = [user_id or f"user-{n % SEEDED_USERS}" for n in range(start, min(start + BATCH, count))]
        owners = {uuid4(): user for user in users}
        await database.transaction(partial(_add_orders, owners))
        for order_id, owner in owners.items():
            yield order_id, owner


async def _add_orders(owners: dict[UUID, str], transaction: Transaction) -> None:
    orders = [{"id": order_id, "user_id": user, "currency": "USD"} for order_id, user in owners.items()]
    await transaction.rows(ADD_ORDERS, orders)
    items = [
        {
            "order_id": order_id,
            "position": position,
            "product_id": product.id,
            "product_name": product.name,
            "unit_amount": product.unit_amount,
            "quantity": position + 1,
        }
        for order_id in owners
        for position, product in enumerate(ORDERED)
    ]
    await transaction.rows(ADD_ORDER_ITEMS, items)


def _product_row(number: int, product: SeededProduct) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "unit_amount": product.unit_amount,
        "currency": product.currency,
        "active": True,
        "created_at": OPENING_DAY + timedelta(days=number),
    }
