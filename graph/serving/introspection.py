"""Introspection, where it is on: its lists are charged, and give others a turn, as all lists do.

graphql-core executes it in one go, and has one set of types for it, that all schemas of a process share.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import get_nullable_type, introspection_types, is_list_type, is_object_type

from graph.serving.lists import SHORT, in_turns, place_of, weight_of_entry
from graph.serving.selections import ResolveInfo
from graph.serving.spending import Spending

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
        fields = LIST + len(entries or ()) * weight_of_entry(info, place_of(info), spending)
        if not spending.introspect(fields):
            return []  # most lists may be null, and each would tell the same error
        if not entries:
            return entries
        is_short = len(entries) <= SHORT and not spending.is_turn_over()
        return entries if is_short else in_turns(entries, spending)


def introspect_in_turns() -> None:
    """Have each list of introspection do so, in this process; saying it again changes nothing."""
    for kind in introspection_types.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            is_list = is_list_type(get_nullable_type(field.type))
            if is_list and field.resolve is not None and not isinstance(field.resolve, InTurns):
                field.resolve = InTurns(field.resolve)
