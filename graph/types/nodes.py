"""`node(id:)`: by an id alone, without a type.

Ids stay what they are. Orders and products have UUIDs (random, or made of an order's reference), which no two of them
share, so an id is looked for among both; all else is a user's own id. A client keeps one id for a thing, whichever
field it came from.
"""

from typing import Annotated

import strawberry

from graph.context import Info
from graph.types.node import Node
from graph.types.orders import Order, current_order
from graph.types.products import Product, product_from
from graph.types.users import user_of
from runtime.ids import read_id


@strawberry.type
class NodeQuery:
    @strawberry.field(
        description=(
            "The order, product or user with this id, as far as the caller may see it; null for all others alike. For "
            "Relay, which refetches by it. An order needs a token, as `order` does, and a user finds nobody but "
            "themselves."
        )
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of a node.")],  # noqa: A002  Relay's word
    ) -> Node | None:
        return await _order(info, id) or await _product(info, id) or user_of(info.context.caller(), id)


async def _order(info: Info, node_id: str) -> Order | None:
    principal, order_id = info.context.caller(), read_id(node_id)
    return await current_order(info, principal, order_id) if principal and order_id else None


async def _product(info: Info, node_id: str) -> Product | None:
    if read_id(node_id) is None:
        return None
    page = await info.context.use_cases.catalogue.page(first=1, after=None, ids=[node_id])
    return product_from(page.items[0]) if page.items else None
