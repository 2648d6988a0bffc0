"""What is asked of every resolver: each list is charged before its entries are executed, and gives others a turn while
they are; a root field keeps what was selected in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from inspect import isawaitable
from operator import attrgetter
from typing import Any

from graphql import GraphQLSchema, get_nullable_type, is_list_type, is_object_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.serving.selections import ResolveInfo, fields_of_entry
from graph.serving.spending import ENTRY, Spending

SHORT = 10  # entries that are completed at once

Resolver = Callable[..., Any]


def charge_lists(schema: GraphQLSchema) -> None:
    """Have each field that answers a list charge it. Introspection's are bounded by graphql-core and the schema."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or not is_object_type(kind):
            continue
        for field in kind.fields.values():
            if is_list_type(get_nullable_type(field.type)) and field.resolve is not None:
                field.resolve = _charged(field.resolve)


def read_attributes(schema: GraphQLSchema) -> None:
    """Have each field that is an attribute read it, without the two calls that Strawberry makes for it: a tenth of
    what a list of 500 items costs."""
    for kind in schema.type_map.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if isinstance(definition, StrawberryField) and definition.is_basic_field:
                field.resolve = _attribute(definition.python_name)


def _attribute(name: str) -> Resolver:
    read = attrgetter(name)

    def read_attribute(source: Any, info: ResolveInfo) -> Any:
        return read(source)

    return read_attribute


def remember_roots(schema: GraphQLSchema) -> None:
    """Have the fields of Query and Mutation keep what was selected in them, for who loads only that."""
    for root in (schema.query_type, schema.mutation_type):
        for field in root.fields.values() if root else ():
            if field.resolve is not None:
                field.resolve = _remembered(field.resolve)


def _remembered(resolve: Resolver) -> Resolver:
    def resolve_remembered(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        info.context.spending.roots[str(info.path.key)] = info
        return resolve(source, info, **arguments)

    return resolve_remembered


def _charged(resolve: Resolver) -> Resolver:
    async def awaited(answer: Awaitable[Any], info: ResolveInfo) -> Any:
        return _charge(await answer, info)

    def resolve_charged(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        answer = resolve(source, info, **arguments)
        return awaited(answer, info) if isawaitable(answer) else _charge(answer, info)

    return resolve_charged


def _charge(entries: Any, info: ResolveInfo) -> Any:
    if not entries or not isinstance(entries, Sequence):
        return entries
    spending: Spending = info.context.spending
    work = len(entries) * weight_of_entry(info, spending)
    spending.charge(work)
    spending.charge_caller(work)
    return entries if len(entries) <= SHORT else in_turns(entries, spending)


def weight_of_entry(info: ResolveInfo, spending: Spending) -> int:
    """Units of work; counted once for each place in the operation, whose nodes live as long as it does."""
    place = id(info.field_nodes[0])
    weight = spending.weights.get(place)
    if weight is None:
        weight = spending.weights[place] = ENTRY + fields_of_entry(info)
    return weight


async def in_turns(entries: Sequence[Any], spending: Spending) -> AsyncIterator[Any]:
    """The entries, completed one after the other, with a turn for others whenever ours has been long enough."""
    for entry in entries:
        if spending.is_turn_over():
            await spending.rest()
        yield entry
