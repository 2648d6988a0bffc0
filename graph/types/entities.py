"""Entities that other subgraphs of a federation name by their keys (see graph/subgraph.py)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NewType
from uuid import UUID

import strawberry

from graph.context import Info
from graph.serving.spending import bad_input
from graph.types.order_parts import read_orders
from graph.types.orders import Order, order_from
from graph.types.products import Product, product_from
from graph.types.users import User, user_of
from runtime.ids import read_id
from runtime.pages import LARGEST_PAGE

ID, REFERENCE = "id", "reference"
KEYS = {"Order": (ID, REFERENCE), "Product": (ID,), "User": (ID,)}
LONGEST_VALUE = 255

Representation = NewType("Representation", object)


def _representation(value: object) -> Representation:
    if not isinstance(value, dict) or not isinstance(value.get("__typename"), str):
        raise ValueError("_Any is an object with a __typename")
    return Representation(value)


ANY = strawberry.scalar(
    name="_Any",
    description="An entity as another subgraph names it: its `__typename` and one of its keys.",
    serialize=lambda value: value,
    parse_value=_representation,
)
ANY_REPRESENTATION: Any = {Representation: ANY}

Entity = Annotated[
    Order | Product | User, strawberry.union("_Entity", description="What other subgraphs may name.")
]


@dataclass(frozen=True, slots=True)
class Reference:
    """What one representation names: `key` is one of the type's."""

    type_name: str
    key: str
    value: str


@strawberry.type
class EntityQuery:
    @strawberry.field(
        name="_entities",
        description=(
            "For the gateway: entities by their keys, at most 100, in the order in which they were named. Null for "
            "what the caller may not see, as for what is not there."
        ),
    )
    async def entities(
        self,
        info: Info,
        representations: Annotated[list[Representation], strawberry.argument(description="What is wanted.")],
    ) -> list[Entity | None]:
        if len(representations) > LARGEST_PAGE:
            raise bad_input(f"At most {LARGEST_PAGE} entities are resolved at once.")
        wanted = [reference_of(each) for each in representations]
        info.context.spending.list_entries(len(wanted))
        found: dict[Reference, Order | Product | User] = {
            **await _orders(info, [each for each in wanted if each.type_name == "Order"]),
            **await _products(info, [each for each in wanted if each.type_name == "Product"]),
            **_users(info, wanted),
        }
        return [found.get(each) for each in wanted]


def reference_of(representation: Any) -> Reference:
    named: Mapping[str, object] = representation
    type_name = str(named["__typename"])
    for key in KEYS.get(type_name, ()):
        value = named.get(key)
        if isinstance(value, str) and len(value) <= LONGEST_VALUE:
            return Reference(type_name, key, value)
    raise bad_input(f"An entity is one of {', '.join(KEYS)}, named by one of its keys.")


async def _orders(info: Info, wanted: Sequence[Reference]) -> dict[Reference, Order]:
    principal = info.context.caller()
    if principal is None or not wanted:
        return {}
    references = [each.value for each in wanted if each.key == REFERENCE]
    visible = info.context.use_cases.orders.visible
    placed = await read_orders(info, partial(visible, principal, ids=_ids(wanted), references=references))
    by_id = {str(order.id): order_from(order) for order in placed}
    by_reference = {order.reference: by_id[str(order.id)] for order in placed if order.reference}
    found = {
        each: by_reference.get(each.value) if each.key == REFERENCE else by_id.get(_canonical(each.value))
        for each in wanted
    }
    return {each: order for each, order in found.items() if order is not None}


async def _products(info: Info, wanted: Sequence[Reference]) -> dict[Reference, Product]:
    if not wanted:
        return {}
    ids = [str(each) for each in _ids(wanted)]
    page = await info.context.use_cases.catalogue.page(first=LARGEST_PAGE, after=None, ids=ids)
    by_id = {str(item.id): product_from(item) for item in page.items}
    found = {each: by_id.get(_canonical(each.value)) for each in wanted}
    return {each: product for each, product in found.items() if product is not None}


def _users(info: Info, wanted: Iterable[Reference]) -> dict[Reference, User]:
    caller = info.context.caller()
    found = {each: user_of(caller, each.value) for each in wanted if each.type_name == "User"}
    return {each: user for each, user in found.items() if user is not None}


def _ids(wanted: Iterable[Reference]) -> list[UUID]:
    return [found for each in wanted if each.key == ID and (found := read_id(each.value))]


def _canonical(value: str) -> str:
    return str(read_id(value))
