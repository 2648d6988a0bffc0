"""The catalogue."""

from typing import Annotated

import strawberry
from graphql import GraphQLError
from strawberry import UNSET

from graph.context import Info
from graph.types.money import Money, money
from graph.types.pages import CURSOR, EDGES, NODES, PAGE_INFO, After, First, PageInfo, page_info, place_after
from runtime.pages import LARGEST_PAGE
from services.orders.products import CatalogueItem


@strawberry.type(description="Something the shop sells.")
class Product:
    id: strawberry.ID = strawberry.field(description="The product's id: what `createOrder` takes.")
    name: str = strawberry.field(description="The product's name.")
    description: str = strawberry.field(description="A sentence or two about it; may be empty.")
    image: str | None = strawberry.field(description="Where its picture is, as a path or an address.")
    price: Money = strawberry.field(description="What one of it costs today.")


@strawberry.type(description="A product and its place in the list.")
class ProductEdge:
    cursor: str = strawberry.field(description=CURSOR)
    node: Product = strawberry.field(description="The product.")


@strawberry.type(description="A page of the catalogue.")
class ProductConnection:
    edges: list[ProductEdge] = strawberry.field(description=EDGES)
    page_info: PageInfo = strawberry.field(description=PAGE_INFO)

    @strawberry.field(description=NODES)
    def nodes(self) -> list[Product]:
        return [edge.node for edge in self.edges]


@strawberry.type
class ProductQuery:
    @strawberry.field(description="What the shop sells, in the order it was added. Needs no token.")
    async def products(
        self,
        info: Info,
        first: First = 20,
        after: After = UNSET,
        ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description=(
                    "Only these, at most 100: what of a cart is still for sale, and at which price. Those that are "
                    "not, or no longer, for sale are left out."
                )
            ),
        ] = UNSET,
    ) -> ProductConnection:
        place = place_after(info.context, first, after)
        page = await info.context.use_cases.catalogue.page(first=first, after=place, ids=wanted_ids(ids))
        edges = [ProductEdge(cursor=str(item.cursor), node=product_from(item)) for item in page.items]
        return ProductConnection(edges=edges, page_info=page_info(edges, has_next=page.has_next, after=place))


def wanted_ids(ids: list[strawberry.ID] | None) -> list[strawberry.ID] | None:
    if ids is UNSET or ids is None:
        return None
    if len(ids) > LARGEST_PAGE:
        message = f"`ids` has at most {LARGEST_PAGE} entries"
        raise GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
    return ids


def product_from(item: CatalogueItem) -> Product:
    return Product(
        id=strawberry.ID(str(item.id)),
        name=item.name,
        description=item.description,
        image=item.image,
        price=money(item.unit_amount, item.currency),
    )
