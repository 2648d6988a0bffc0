"""What is asked of every resolver: each list is charged before its entries are executed, and gives others a turn while
they are; a wait is no work; a root field keeps what was selected in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from inspect import isawaitable
from operator import attrgetter
from typing import Any

from graphql import GraphQLSchema, get_nullable_type, is_list_type, is_object_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.serving.plain_entries import Make, Reading, entry_maker
from graph.serving.selections import ResolveInfo, fields_of_entry
from graph.serving.spending import ENTRY, Place, Spending

SHORT = 10  # entries that are completed at once
FEW = 40  # units of work that the executor does as quickly

Resolver = Callable[..., Any]


def charge_lists(schema: GraphQLSchema) -> None:
    """Have each field that answers a list charge it. For introspection's see introspection.py."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or not is_object_type(kind):
            continue
        for field in kind.fields.values():
            if is_list_type(get_nullable_type(field.type)) and field.resolve is not None:
                field.resolve = _charged(field.resolve)


def begin_turns_after_waits(schema: GraphQLSchema) -> None:
    """Have each field that may wait say when it goes on. Before `charge_lists`, whose work comes after the wait."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or not is_object_type(kind):
            continue
        for field in kind.fields.values():
            definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            may_wait = definition.is_async if isinstance(definition, StrawberryField) else True
            if may_wait and field.resolve is not None:
                field.resolve = _going_on(field.resolve)


def _going_on(resolve: Resolver) -> Resolver:
    async def awaited(answer: Awaitable[Any], spending: Spending) -> Any:
        try:
            return await answer
        finally:
            spending.go_on()

    def resolve_going_on(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        answer = resolve(source, info, **arguments)
        return awaited(answer, info.context.spending) if isawaitable(answer) else answer

    return resolve_going_on


def read_attributes(schema: GraphQLSchema) -> None:
    """Have each field that asks nothing but its object be read of it, without the calls that Strawberry makes."""
    for kind in schema.type_map.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            read = _reader_of(definition) if isinstance(definition, StrawberryField) else None
            if read is not None:
                field.resolve = Reading(read)


def _reader_of(definition: StrawberryField) -> Make | None:
    """Of an attribute, or of a method without arguments; None for what needs `info`, awaits or is extended."""
    if definition.is_basic_field:
        return attrgetter(definition.python_name)
    method = definition.base_resolver
    if method is None or definition.extensions or method.is_async or method.self_parameter is None:
        return None
    read = method.wrapped_func
    return read if callable(read) and len(method.signature.parameters) == 1 else None


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
        entries = _charge(await answer, info)
        return await entries if isawaitable(entries) else entries

    def resolve_charged(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        answer = resolve(source, info, **arguments)
        return awaited(answer, info) if isawaitable(answer) else _charge(answer, info)

    return resolve_charged


def _charge(entries: Any, info: ResolveInfo) -> Any:
    if not entries or not isinstance(entries, Sequence):
        return entries
    spending: Spending = info.context.spending
    place = place_of(info)
    work = len(entries) * weight_of_entry(info, place, spending)
    spending.charge(work)
    spending.charge_caller(work)
    make = maker_of_entry(info, place, spending) if work >= FEW else None
    if make is not None:
        return made_in_turns(entries, make, info, spending)
    return entries if len(entries) <= SHORT else in_turns(entries, spending)


def place_of(info: ResolveInfo) -> Place:
    """Where a list stands in its operation: one node may stand in several places, beside others."""
    return (info.parent_type.name, *map(id, info.field_nodes))


def weight_of_entry(info: ResolveInfo, place: Place, spending: Spending) -> int:
    """Units of work; counted once for each place in the operation, whose nodes live as long as it does."""
    weight = spending.weights.get(place)
    if weight is None:
        weight = spending.weights[place] = ENTRY + fields_of_entry(info)
    return weight


def maker_of_entry(info: ResolveInfo, place: Place, spending: Spending) -> Make | None:
    """Found out once for each place, too."""
    if place not in spending.makers:
        spending.makers[place] = entry_maker(info)
    return spending.makers[place]


async def made_in_turns(entries: Sequence[Any], make: Make, info: ResolveInfo, spending: Spending) -> Any:
    """An empty list, whose entries are made and put in when the answer is done."""
    made: list[Any] = []
    try:
        for entry in entries:
            if spending.is_turn_over():
                await spending.rest()
            made.append(make(entry))
    except Exception:  # the executor finds it too, and tells the client
        return in_turns(entries, spending)
    spending.filled.append((info.path.as_list(), made))
    return []


async def in_turns(entries: Sequence[Any], spending: Spending) -> AsyncIterator[Any]:
    """The entries, completed one after the other, with a turn for others whenever ours has been long enough."""
    for entry in entries:
        if spending.is_turn_over():
            await spending.rest()
        yield entry
