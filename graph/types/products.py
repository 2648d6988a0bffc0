"""The catalogue."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.serving.answer_work import check_answer
from graph.serving.spending import bad_input
from graph.types.errors import ErrorCode, RateLimited, RefusalHandler, UserError
from graph.types.money import CurrencyCode, MinorUnits, Money, money
from graph.types.node import Node
from graph.types.pages import CURSOR, EDGES, NODES, PAGE_INFO, After, First, PageInfo, page_info, place_after
from runtime.pages import LARGEST_PAGE
from services.identity.principal import Permission
from services.orders import refusals as orders_refusals
from services.orders.products import CatalogueItem, WantedProduct


@strawberry.type(description="Something the shop sells.")
class Product(Node):
    id: strawberry.ID = strawberry.field(description="The product's id: what `createOrder` takes.")
    reference: str | None = strawberry.field(description="The shop's own id of it, such as a SKU.")
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


@strawberry.input(description="A product as the shop has it.")
class ProductInput:
    reference: str = strawberry.field(
        description="The shop's own id of it, such as a SKU: the same again is the same product."
    )
    name: str = strawberry.field(description="What customers read: up to 250 characters.")
    unit_amount: MinorUnits = strawberry.field(description="What one of it costs from now on, minor units.")
    currency: CurrencyCode = strawberry.field(description="The currency of its price.")
    description: str | None = strawberry.field(
        default=UNSET, description="A sentence or two: up to 5000 characters. None when left out."
    )
    active: bool = strawberry.field(default=True, description="Whether it is for sale.")


@strawberry.type(description="A product can't be saved like this. None of them was saved.")
class InvalidProduct(UserError):
    reference: str = strawberry.field(description="The first product that is wrong.")


@strawberry.type(description="The products as they are now, in the order in which they were given.")
class SavedProducts:
    products: list[Product] = strawberry.field(description="The products.")


SaveProductsResult = Annotated[
    InvalidProduct | RateLimited | SavedProducts,
    strawberry.union(
        "SaveProductsResult", description="What was saved, or why nothing was. See `UserError`."
    ),
]


@strawberry.type
class ProductMutation:
    @strawberry.mutation(
        description=(
            "Adds products to the catalogue here, or brings them up to date: up to 100 at once, all or none. For "
            "merchants and service keys with PRODUCTS_WRITE. Safe to repeat; orders keep the names and prices they "
            "were placed with."
        )
    )
    async def save_products(
        self,
        info: Info,
        input: Annotated[list[ProductInput], strawberry.argument(description="The products.")],  # noqa: A002  the schema's word
    ) -> SaveProductsResult | None:
        principal = info.context.require(Permission.WRITE_PRODUCTS)
        info.context.limits.check_product_save(principal.id)
        check_answer(info.context.spending, str(info.path.key), {"SavedProducts.products": len(input)})
        saved = await info.context.use_cases.catalogue.save([wanted_product(each) for each in input])
        return SavedProducts(products=[product_from(item) for item in saved])


def wanted_product(given: ProductInput) -> WantedProduct:
    return WantedProduct(
        reference=given.reference,
        name=given.name,
        description=given.description or "",
        unit_amount=given.unit_amount,
        currency=given.currency,
        active=given.active,
    )


def invalid_product(refusal: orders_refusals.InvalidProduct) -> InvalidProduct:
    whose = f". {refusal.reference[:255]}" if refusal.reference else ""
    return InvalidProduct(
        message=f"Nothing was saved{whose}: {refusal.reason}.",
        code=ErrorCode.INVALID_PRODUCT,
        retryable=refusal.retryable,
        reference=refusal.reference,
    )


HANDLERS = (RefusalHandler(orders_refusals.InvalidProduct, InvalidProduct, invalid_product),)


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
        return ProductConnection(edges=edges, page_info=page_info(page, place))


def wanted_ids(ids: list[strawberry.ID] | None) -> list[strawberry.ID] | None:
    if ids is UNSET or ids is None:
        return None
    if len(ids) > LARGEST_PAGE:
        raise bad_input(f"`ids` has at most {LARGEST_PAGE} entries")
    return ids


def product_from(item: CatalogueItem) -> Product:
    return Product(
        id=strawberry.ID(str(item.id)),
        reference=item.reference,
        name=item.name,
        description=item.description,
        image=item.image,
        price=money(item.unit_amount, item.currency),
    )
