"""Keyset pages: a cursor is the place of a row in (creation time, id), so no page slows as the tables grow."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

LARGEST_PAGE = 100

T = TypeVar("T")


class InvalidPage(ValueError):
    """The page asked for does not exist; the message is for the client's developer."""


@dataclass(frozen=True, slots=True)
class Cursor:
    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.created_at.isoformat()}|{self.id}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    has_next: bool


def read_cursor(text: str) -> Cursor:
    try:
        created_at, row_id = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split("|")
        cursor = Cursor(datetime.fromisoformat(created_at), UUID(row_id))
    except (ValueError, binascii.Error):
        raise InvalidPage("`after` is not a cursor of this API") from None
    if cursor.created_at.tzinfo is None:
        raise InvalidPage("`after` is not a cursor of this API")
    return cursor


def check_size(first: int) -> int:
    if not 1 <= first <= LARGEST_PAGE:
        raise InvalidPage(f"`first` must be between 1 and {LARGEST_PAGE}")
    return first


def page_of(rows: Sequence[T], first: int) -> Page[T]:
    """From a query that asked for one row more than the page holds."""
    return Page(rows[:first], len(rows) > first)
