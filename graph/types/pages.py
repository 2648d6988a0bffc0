"""Relay-style pages: https://relay.dev/graphql/connections.htm"""

from collections.abc import Sequence
from typing import Annotated, Protocol

import strawberry
from graphql import GraphQLError

from graph.context import Context
from runtime.pages import Cursor, InvalidPage, check_size, read_cursor

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


class Edge(Protocol):
    cursor: str


def page_info(edges: Sequence[Edge], *, has_next: bool, after: Cursor | None) -> PageInfo:
    return PageInfo(
        has_previous_page=after is not None,
        has_next_page=has_next,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )


def place_after(context: Context, first: int, after: str | None) -> Cursor | None:
    """The place to start behind; a `BAD_USER_INPUT` error for a page that can't be."""
    try:
        context.spending.list_entries(check_size(first))
        return read_cursor(after) if isinstance(after, str) else None
    except InvalidPage as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_USER_INPUT"}) from None
