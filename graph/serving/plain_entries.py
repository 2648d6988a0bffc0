"""Lists whose entries are only read, as most are: made here in one go, and put into the answer when it is done.

graphql-core's executor takes 6 to 12 µs for a field, whatever it does; reading an attribute takes a tenth of that. So
the executor gets an empty list, which is filled afterwards. What can't be made so (a resolver, a list within an entry
that can't be read with it, a value that does not fit its type) is left to the executor, which also knows how to tell
it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from graph.serving.selections import ResolveInfo, fields_of_type

Make: TypeAlias = Callable[[Any], Any]
Filled: TypeAlias = tuple[list[str | int], list[Any]]  # a list's place in the answer, and its entries


class Unfit(Exception):
    """A value that is not of its field's type."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The resolver of a field that asks nothing but its object: an attribute, or a method without arguments."""

    read: Make

    def __call__(self, source: Any, info: ResolveInfo) -> Any:
        return self.read(source)


@runtime_checkable
class ReadingList(Protocol):
    """The resolver of a list that can be read with the entry in which it stands."""

    def reader(self, info: ResolveInfo, field: GraphQLField, nodes: Sequence[FieldNode]) -> Make:
        """What reads it, and charges it."""


def entry_maker(info: ResolveInfo) -> Make | None:
    """What makes an entry of this list as it stands in the answer; None when that needs the executor.

    It raises whatever goes wrong: then the executor is to do it again.
    """
    listed = get_nullable_type(info.return_type)
    return _maker(info, info.field_nodes, listed.of_type) if is_list_type(listed) else None


def fill(data: Any, filled: list[Filled]) -> None:
    """Put the entries where they belong; an error may have made null of what stood around them."""
    for path, entries in filled:
        place = data
        for key in path:
            if place is None:
                break
            place = place[key]
        if place is not None:
            place.extend(entries)
    filled.clear()


def _maker(info: ResolveInfo, nodes: Sequence[FieldNode], kind: GraphQLOutputType) -> Make | None:
    named = get_nullable_type(kind)
    if is_leaf_type(named):
        make: Make | None = _leaf_maker(named)
    elif is_list_type(named):
        make = _list_maker(_maker(info, nodes, named.of_type))
    else:
        make = _object_maker(info, nodes, named) if is_object_type(named) else None
    if make is None:
        return None
    return _never_null(make) if is_non_null_type(kind) else _or_null(make)


def _never_null(make: Make) -> Make:
    def make_something(value: Any) -> Any:
        if value is None:
            raise Unfit
        return make(value)

    return make_something


def _or_null(make: Make) -> Make:
    return lambda value: None if value is None else make(value)


def _leaf_maker(kind: GraphQLLeafType) -> Make:
    coerce = kind.coerce_output_value

    def make_leaf(value: Any) -> Any:
        made = coerce(value)
        if made is None or made is Undefined:
            raise Unfit
        return made

    return make_leaf


def _list_maker(make: Make | None) -> Make | None:
    return None if make is None else lambda entries: [make(entry) for entry in entries]


def _object_maker(info: ResolveInfo, nodes: Sequence[FieldNode], kind: GraphQLObjectType) -> Make | None:
    parts: list[tuple[str, Make, Make]] = []
    for key, group in fields_of_type(info, nodes, kind).items():
        name = group[0].name.value
        if name == "__typename":
            parts.append((key, lambda _: kind.name, lambda value: value))
            continue
        field = kind.fields[name]
        read = _reader(info, field, group)
        make = _maker(info, group, field.type) if read else None
        if read is None or make is None:
            return None
        parts.append((key, read, make))
    return _checked(info, kind, lambda source: {key: make(read(source)) for key, read, make in parts})


def _reader(info: ResolveInfo, field: GraphQLField, nodes: Sequence[FieldNode]) -> Make | None:
    resolve: Any = field.resolve
    if isinstance(resolve, Reading):
        is_list = is_list_type(get_nullable_type(field.type))  # which would not be charged
        return None if is_list else resolve.read
    return resolve.reader(info, field, nodes) if isinstance(resolve, ReadingList) else None


def _checked(info: ResolveInfo, kind: GraphQLObjectType, make: Make) -> Make:
    """The executor asks whether a value is of its type, where the type may be one of several."""
    is_type_of = kind.is_type_of
    if is_type_of is None:
        return make

    def make_checked(source: Any) -> Any:
        if not is_type_of(source, info):
            raise Unfit
        return make(source)

    return make_checked
