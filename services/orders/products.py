"""The catalogue as everybody may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.products.tables import (
    PRODUCTS,
    PRODUCTS_AFTER,
    PRODUCTS_WITH_IDS,
    PRODUCTS_WITH_IDS_AFTER,
)
from runtime.database.database import Database
from runtime.ids import read_id
from runtime.pages import Cursor, Page, check_size, page_of


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """`unit_amount` is minor units of `currency`."""

    id: UUID
    name: str
    description: str
    image: str | None
    unit_amount: int
    currency: str
    cursor: Cursor


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
        items = [
            CatalogueItem(
                row.id,
                row.name,
                row.description,
                row.image,
                row.unit_amount,
                row.currency,
                Cursor(row.created_at, row.id),
            )
            for row in rows
        ]
        return page_of(items, first)
