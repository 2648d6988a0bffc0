"""Introspection, where it is on: its lists are charged before they are made, and give others a turn, as all lists do.

graphql-core executes it in one go, field by field, and the whole schema has 28,000. Here each list is made from plain
Python, which takes a third of the time or less. All schemas of a process share the types that are changed for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_list_type,
    is_object_type,
)

from graph.serving.lists import SHORT, in_turns, maker_of_entry, place_of, weight_of_entry
from graph.serving.plain_entries import Make, Reading
from graph.serving.selections import ResolveInfo, arguments_of, fields_executed
from graph.serving.spending import ENTRY, Spending, too_costly

LIST = 8  # fields, as which a list counts beside its entries: its arguments are read


@dataclass(frozen=True, slots=True)
class InTurns:
    """The resolver of a list of introspection. Without a `spending` in the context it is graphql-core's own."""

    resolve: Callable[..., Any]

    def __call__(self, source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        entries: Sequence[Any] | None = self.resolve(source, info, **arguments)
        spending: Spending | None = getattr(info.context, "spending", None)
        if spending is None:
            return entries
        place = place_of(info)
        fields = LIST + len(entries or ()) * weight_of_entry(info, place, spending)
        if not spending.introspect(fields):
            return []  # most lists may be null, and each would tell the same error
        if not entries:
            return entries
        make = maker_of_entry(info, place, spending)
        if make is not None:
            return made_in_turns(entries, make, info, spending)
        is_short = len(entries) <= SHORT and not spending.is_turn_over()
        return entries if is_short else in_turns(entries, spending)

    def reader(self, info: ResolveInfo, field: GraphQLField, nodes: Sequence[FieldNode]) -> Make:
        """What reads this list within an entry that is made, and charges it."""
        arguments = arguments_of(info, field, nodes[0])
        spending: Spending = info.context.spending
        weight = ENTRY + fields_executed(info, nodes, get_named_type(field.type))

        def read(source: Any) -> Any:
            entries = self.resolve(source, info, **arguments)
            if not spending.introspect(LIST + len(entries or ()) * weight):
                raise too_costly()
            return entries

        return read


async def made_in_turns(entries: Sequence[Any], make: Make, info: ResolveInfo, spending: Spending) -> Any:
    """An empty list, whose entries are put in when the answer is done. What a schema says of itself always fits."""
    made: list[Any] = []
    for entry in entries:
        if spending.is_turn_over():
            await spending.rest()
        made.append(make(entry))
    spending.filled.append((info.path.as_list(), made))
    return []


def introspect_in_turns() -> None:
    """Have each list of introspection do so, in this process; saying it again changes nothing."""
    for kind in introspection_types.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            if field.resolve is None or isinstance(field.resolve, InTurns | Reading):
                continue
            if is_list_type(get_nullable_type(field.type)):
                field.resolve = InTurns(field.resolve)
            elif not field.args:
                field.resolve = Reading(partial(_without_info, field.resolve))


def _without_info(resolve: Callable[..., Any], source: Any) -> Any:
    """Of what is no list graphql-core asks the object alone."""
    return resolve(source, None)
