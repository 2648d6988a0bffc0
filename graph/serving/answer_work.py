"""What a mutation's answer will cost, reckoned before the mutation does anything: an answer that is refused afterwards
would hide what was done."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)

from graph.serving.selections import ResolveInfo, arguments_of, fields_executed, fields_of_type
from graph.serving.spending import ENTRY, Spending, bad_input, too_costly
from runtime.pages import InvalidPage, check_size, read_cursor

LONGEST = 500  # entries of a list whose length is not known before
ENTRIES_OF_PAGE = ("edges", "nodes")

Lengths: TypeAlias = Mapping[str, int]  # of lists, by type and field: {"Order.lines": 3}


def check_answer(spending: Spending, field: str, lengths: Lengths) -> None:
    """Raises what this root field's answer would raise when the mutation is done, with lists of these lengths."""
    root = spending.roots[field]
    reckoning = _Reckoning(root, lengths)
    try:
        work = reckoning.work(root.field_nodes, get_named_type(root.return_type))
    except InvalidPage as error:
        raise bad_input(str(error)) from None
    if work and spending.work + work > spending.allowance.work:
        raise too_costly()
    spending.check_entries(reckoning.entries)


class _Reckoning:
    def __init__(self, info: ResolveInfo, lengths: Lengths) -> None:
        self._info = info
        self._lengths = lengths
        self.entries = 0  # of pages

    def work(self, nodes: Sequence[FieldNode], kind: GraphQLNamedType, page: int = LONGEST) -> int:
        """Of all lists within what these nodes select of a value of this type; of a union, the dearest member's."""
        if is_abstract_type(kind):
            members = self._info.schema.get_possible_types(kind)
            return max(self.work(nodes, member) for member in members)
        if not isinstance(kind, GraphQLObjectType):
            return 0
        groups = fields_of_type(self._info, nodes, kind).values()
        return sum(self._work_of_field(group, kind, page) for group in groups)

    def _work_of_field(self, nodes: Sequence[FieldNode], parent: GraphQLObjectType, page: int) -> int:
        name = nodes[0].name.value
        field = parent.fields.get(name)
        if field is None:  # __typename
            return 0
        kind = get_named_type(field.type)
        within = self.work(nodes, kind, self._page(nodes[0], parent) if "first" in field.args else page)
        if not is_list_type(get_nullable_type(field.type)):
            return within
        unknown = page if name in ENTRIES_OF_PAGE else LONGEST
        length = self._lengths.get(f"{parent.name}.{name}", unknown)
        return length * (ENTRY + fields_executed(self._info, nodes, kind) + within)

    def _page(self, node: FieldNode, parent: GraphQLObjectType) -> int:
        """How many entries this page may have; raises `InvalidPage`."""
        definition = parent.fields[node.name.value]
        arguments = arguments_of(self._info, definition, node)
        first = check_size(arguments["first"])
        if arguments.get("after") is not None:
            read_cursor(arguments["after"])
        self.entries += first
        return first
