"""The catalogue as everybody may see it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from models.base import LARGEST_AMOUNT
from models.currencies.currencies import CURRENCIES
from models.products.statements import SAVE_PRODUCTS
from models.products.tables import (
    PRODUCTS,
    PRODUCTS_AFTER,
    PRODUCTS_WITH_IDS,
    PRODUCTS_WITH_IDS_AFTER,
    ProductRow,
)
from runtime.database.database import Database
from runtime.encoding import to_json
from runtime.ids import read_id
from runtime.pages import Cursor, Page, check_size, page_of
from services.orders.lines import LONGEST_NAME, LONGEST_REFERENCE
from services.orders.refusals import InvalidProduct
from services.orders.texts import is_name, is_text

MOST_PRODUCTS = 100
LONGEST_DESCRIPTION = 5_000


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """`unit_amount` is minor units of `currency`."""

    id: UUID
    reference: str | None
    name: str
    description: str
    image: str | None
    unit_amount: int
    currency: str
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedProduct:
    """A product as the shop has it. `unit_amount` is minor units of `currency`."""

    reference: str
    name: str
    description: str
    unit_amount: int
    currency: str
    active: bool


class Catalogue:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, *, first: int, after: Cursor | None, ids: Sequence[str] | None = None
    ) -> Page[CatalogueItem]:
        """Active products, oldest first, of `ids` alone when there are some: those off sale or unknown are left out.

        `InvalidPage` when `first` is out of bounds.
        """
        parameters: dict[str, Any] = {"limit": check_size(first) + 1}
        if after is not None:
            parameters |= {"after": after.created_at, "after_id": after.id}
        if ids is not None:
            parameters["ids"] = [found for each in ids if (found := read_id(each))]
        statement = {
            (False, False): PRODUCTS,
            (False, True): PRODUCTS_AFTER,
            (True, False): PRODUCTS_WITH_IDS,
            (True, True): PRODUCTS_WITH_IDS_AFTER,
        }[ids is not None, after is not None]
        rows = await self._database.rows(statement, parameters)
        items = [item_from(row) for row in rows]
        return page_of(items, first)

    async def save(self, products: Sequence[WantedProduct]) -> list[CatalogueItem]:
        """Add these products, or bring them up to date, by their references; in the order in which they were given.

        All or none of them; raises `InvalidProduct`. Repeating it changes nothing, nor does it change placed orders.
        """
        check_products(products)
        wanted = to_json([{"id": uuid4(), **asdict(product)} for product in products]).decode()
        rows = await self._database.rows(SAVE_PRODUCTS, {"products": wanted})
        saved = {row.reference: item_from(row) for row in rows}
        return [saved[product.reference] for product in products]


def item_from(row: ProductRow) -> CatalogueItem:
    return CatalogueItem(
        row.id,
        row.reference,
        row.name,
        row.description,
        row.image,
        row.unit_amount,
        row.currency,
        Cursor(row.created_at, row.id),
    )


def check_products(products: Sequence[WantedProduct]) -> None:
    seen: set[str] = set()
    for product in products:
        wrong = "it stands twice" if product.reference in seen else _what_is_wrong(product)
        if wrong is not None:
            raise InvalidProduct(product.reference, wrong)
        seen.add(product.reference)
    if not 1 <= len(products) <= MOST_PRODUCTS:
        raise InvalidProduct("", f"between 1 and {MOST_PRODUCTS} products are saved at once")


def _what_is_wrong(product: WantedProduct) -> str | None:
    if not is_text(product.reference, LONGEST_REFERENCE):
        return f"a reference has between 1 and {LONGEST_REFERENCE} printable characters"
    if not is_name(product.name, LONGEST_NAME):
        return f"a name has between 1 and {LONGEST_NAME} printable characters"
    if len(product.description) > LONGEST_DESCRIPTION or not is_storable(product.description):
        return f"a description has at most {LONGEST_DESCRIPTION} characters, which all can be stored"
    if product.currency not in CURRENCIES:
        return f"{product.currency} is not a currency that can be charged"
    if not 0 <= product.unit_amount <= LARGEST_AMOUNT:
        return f"an amount is between 0 and {LARGEST_AMOUNT} minor units"
    return None


def is_storable(text: str) -> bool:
    """Neither NUL nor half a character, which PostgreSQL doesn't take."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
