"""What an operation selects: how large its text is with fragments put in, and which fields a resolver will be asked."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_interface_type,
    is_list_type,
)

ResolveInfo: TypeAlias = "GraphQLResolveInfo[Any]"

IS_INCLUDED = {"include": True, "skip": False}
DEEPEST_WALK = 40  # introspection with its nested types has 14


@dataclass(slots=True)
class Size:
    """Of one operation, selections of one name merged as execution merges them.

    `repeated` counts fields that stand beside themselves under one type; `pairs` the comparisons that validation makes
    of what stands under one name, which grow with the square.
    """

    depth: int = 0
    aliases: int = 0
    repeated: int = 0
    selected: int = 0
    pairs: int = 0


class TooManySelected(Exception):
    """More fields are selected than are counted: fragments that spread each other twice grow exponentially."""


def size_of(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], most: int) -> Size:
    """Raises `TooManySelected` beyond `most` fields."""
    measuring = _Measuring(fragments, most)
    measuring.merge([selections])
    return measuring.size


class _Measuring:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], most: int) -> None:
        self._fragments = fragments
        self._most = most
        self.size = Size()

    def merge(self, sets: Iterable[SelectionSetNode], level: int = 0, *, introspects: bool = False) -> None:
        """Count what stands `level` fields deep. Introspection goes deep; graphql-core bounds it."""
        if level > DEEPEST_WALK:
            raise TooManySelected
        size = self.size
        groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
        places: Counter[tuple[str, str]] = Counter()
        spread: set[str] = set()
        for each in sets:
            for node, condition in self._fields(each.selections, "", spread):
                key = key_of(node)
                groups[key].append(node)
                places[condition, key] += 1
        size.repeated += sum(count - 1 for count in places.values())
        for nodes in groups.values():
            size.pairs += len(nodes) * (len(nodes) - 1) // 2
            is_deep = introspects or nodes[0].name.value.startswith("__")
            if not is_deep:
                size.depth = max(size.depth, level + 1)
            nested = [node.selection_set for node in nodes if node.selection_set]
            if nested:
                self.merge(nested, level + 1, introspects=is_deep)

    def _fields(
        self, selections: Iterable[SelectionNode], condition: str, spread: set[str]
    ) -> Iterator[tuple[FieldNode, str]]:
        for node in selections:
            if isinstance(node, FieldNode):
                self.size.selected += 1
                self.size.aliases += node.alias is not None
                if self.size.selected > self._most:
                    raise TooManySelected
                yield node, condition
            elif isinstance(node, InlineFragmentNode):
                inner = node.type_condition.name.value if node.type_condition else condition
                yield from self._fields(node.selection_set.selections, inner, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._fragments.get(node.name.value)
                if fragment:
                    inner = fragment.type_condition.name.value
                    yield from self._fields(fragment.selection_set.selections, inner, spread)


def names_within(info: ResolveInfo, path: Iterable[str] = ()) -> frozenset[str]:
    """The names of all fields that are selected under this one, at any depth; with `path`, under what stands there.

    `path` has the names that lead from this field to another, as they stand in the answer, without places in lists.
    """
    sets = [node.selection_set for node in info.field_nodes if node.selection_set]
    for key in path:
        nodes = [node for node in _included(info, sets, set()) if key_of(node) == key]
        sets = [node.selection_set for node in nodes if node.selection_set]
    names: set[str] = set()
    while sets:
        nodes = list(_included(info, sets, set()))
        names.update(node.name.value for node in nodes)
        sets = [node.selection_set for node in nodes if node.selection_set]
    return frozenset(names)


def fields_of_entry(info: ResolveInfo) -> int:
    """How many fields are executed for an entry of this list: lists in it count as one, and for themselves later."""
    return fields_executed(info, info.field_nodes, get_named_type(info.return_type))


def fields_executed(info: ResolveInfo, nodes: Iterable[FieldNode], kind: GraphQLNamedType | None) -> int:
    """How many fields are executed for one value of this type, that these nodes select from."""
    return _fields_executed(info, [node.selection_set for node in nodes if node.selection_set], kind)


def fields_of_type(
    info: ResolveInfo, nodes: Iterable[FieldNode], kind: GraphQLObjectType
) -> Mapping[str, list[FieldNode]]:
    """What these nodes select of a value of this type, by the names in the answer."""
    groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
    sets = [node.selection_set for node in nodes if node.selection_set]
    for node in _included(info, sets, set(), kind):
        groups[key_of(node)].append(node)
    return groups


def arguments_of(info: ResolveInfo, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
    """What this node passes to the field, by literals and by variables, and the defaults of the rest."""
    variables: Any = info.variable_values
    # Strawberry's executor has the coerced values there, graphql-core's own has them within.
    known = variables if isinstance(variables, VariableValues) else VariableValues({}, {**variables})
    return get_argument_values(field, node, known)


def _fields_executed(info: ResolveInfo, sets: list[SelectionSetNode], parent: GraphQLNamedType | None) -> int:
    groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
    for node in _included(info, sets, set()):
        groups[key_of(node)].append(node)
    count = 0
    for nodes in groups.values():
        count += 1
        nested = [node.selection_set for node in nodes if node.selection_set]
        kind = _type_of(parent, nodes[0].name.value)
        if nested and not is_list_type(get_nullable_type(kind)):
            count += _fields_executed(info, nested, get_named_type(kind))
    return count


def _type_of(parent: GraphQLNamedType | None, name: str) -> GraphQLOutputType | None:
    """None for a field of a union, whose type a fragment decides; it counts with all that stands in it."""
    if isinstance(parent, GraphQLObjectType) or is_interface_type(parent):
        found = parent.fields.get(name)
        return found.type if found else None
    return None


def _included(
    info: ResolveInfo,
    sets: Iterable[SelectionSetNode],
    spread: set[str],
    kind: GraphQLObjectType | None = None,
) -> Iterator[FieldNode]:
    """The fields that directives let stand; with a type, those that its values have."""
    for each in sets:
        for node in each.selections:
            if node.directives and not _is_included(info, node):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment = _fragment(info, node, spread)
            if fragment is not None and _is_of(info, kind, fragment.type_condition):
                yield from _included(info, [fragment.selection_set], spread, kind)


def _fragment(
    info: ResolveInfo, node: SelectionNode, spread: set[str]
) -> InlineFragmentNode | FragmentDefinitionNode | None:
    """What is spread there; None for a fragment that was spread before."""
    if isinstance(node, InlineFragmentNode):
        return node
    if not isinstance(node, FragmentSpreadNode) or node.name.value in spread:
        return None
    spread.add(node.name.value)
    return info.fragments[node.name.value]


def _is_of(info: ResolveInfo, kind: GraphQLObjectType | None, condition: NamedTypeNode | None) -> bool:
    """Whether a fragment with this condition is about values of this type; always without a type."""
    if kind is None or condition is None or condition.name.value == kind.name:
        return True
    wanted = info.schema.get_type(condition.name.value)
    return is_abstract_type(wanted) and info.schema.is_sub_type(wanted, kind)


def _is_included(info: ResolveInfo, node: SelectionNode) -> bool:
    """Whether @skip and @include let it stand, as graphql-core decides it again when it executes."""
    return all(
        directive.name.value not in IS_INCLUDED
        or IS_INCLUDED[directive.name.value] is _condition_of(info, directive)
        for directive in node.directives or ()
    )


def _condition_of(info: ResolveInfo, directive: DirectiveNode) -> bool:
    value = next(argument.value for argument in directive.arguments or () if argument.name.value == "if")
    if isinstance(value, VariableNode):
        # Strawberry's executor has the coerced values there, graphql-core's own has them within.
        coerced: Any = getattr(info.variable_values, "coerced", info.variable_values)
        return bool(coerced.get(value.name.value))
    return bool(getattr(value, "value", False))


def key_of(field: FieldNode) -> str:
    """Under which name the field stands in the answer."""
    return (field.alias or field.name).value
