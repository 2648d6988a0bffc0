"""Relay-style pages: https://relay.dev/graphql/connections.htm"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import strawberry

from graph.context import Context
from graph.serving.spending import bad_input
from runtime.pages import Cursor, InvalidPage, Page, check_size, read_cursor

Place = TypeVar("Place")
First = Annotated[int, strawberry.argument(description="How many to return at most: between 1 and 100.")]
After = Annotated[
    str | None,
    strawberry.argument(description="`pageInfo.endCursor` of the page before; the first page when left out."),
]

EDGES = "The entries of this page, each with its cursor."
NODES = "The entries of this page, without cursors."
PAGE_INFO = "Where this page begins and ends, and whether another follows."
CURSOR = "The place of this entry; pass it as `after` to go on behind it. Opaque: never take it apart."


@strawberry.type(description="Where a page begins and ends, and whether there are others.")
class PageInfo:
    has_previous_page: bool = strawberry.field(description="Whether there are entries before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first entry. Null for an empty page. Pages go forward only."
    )
    has_next_page: bool = strawberry.field(description="Whether there are more entries behind this page.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last entry; pass it as `after` for the next page. Null for an empty page."
    )


class Entry(Protocol):
    @property
    def cursor(self) -> object:
        """Its place, which is told as text."""


def page_info(page: Page[Any], after: object | None) -> PageInfo:
    """Of a page whose entries have cursors, and that begins behind `after`."""
    entries: Sequence[Entry] = page.items
    return PageInfo(
        has_previous_page=after is not None,
        has_next_page=page.has_next,
        start_cursor=str(entries[0].cursor) if entries else None,
        end_cursor=str(entries[-1].cursor) if entries else None,
    )


def place_after(context: Context, first: int, after: str | None) -> Cursor | None:
    """The place to start behind; a `BAD_USER_INPUT` error for a page that can't be."""
    return place_read_by(read_cursor, context, first, after)


def place_read_by(
    read: Callable[[str], Place], context: Context, first: int, after: str | None
) -> Place | None:
    """The same for lists whose cursors are of another kind; `read` raises `InvalidPage`."""
    try:
        context.spending.list_entries(check_size(first))
        return read(after) if isinstance(after, str) else None
    except InvalidPage as error:
        raise bad_input(str(error)) from None
