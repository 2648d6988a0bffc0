"""Whether an answer is what the schema promises for an operation: every field asked for, of its type, and no other."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    is_abstract_type,
)


class Conformance:
    """Judges answers to operations without named fragments, which is how generated ones look."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    def holds(self, document: DocumentNode, data: object) -> bool:
        [operation] = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self._schema.get_root_type(operation.operation)
        return self._fits(root, operation.selection_set.selections, data)

    def _fits(self, type_: Any, selections: Sequence[SelectionNode], value: Any) -> bool:
        match type_:
            case GraphQLNonNull():
                return value is not None and self._fits(type_.of_type, selections, value)
            case _ if value is None:
                return True
            case GraphQLList():
                return isinstance(value, list) and all(
                    self._fits(type_.of_type, selections, v) for v in value
                )
            case GraphQLEnumType():
                return value in type_.values
            case GraphQLScalarType():
                return _is_scalar(type_, value)
            case GraphQLObjectType():
                return isinstance(value, dict) and self._is_object(type_, selections, value)
        return any(
            self._fits(possible, selections, value) for possible in self._schema.get_possible_types(type_)
        )

    def _is_object(
        self, type_: GraphQLObjectType, selections: Sequence[SelectionNode], value: dict[str, Any]
    ) -> bool:
        asked: dict[str, list[FieldNode]] = {}
        for node in self._fields(type_, selections):
            asked.setdefault((node.alias or node.name).value, []).append(node)
        return asked.keys() == value.keys() and all(
            self._is_field(type_, nodes, value[key]) for key, nodes in asked.items()
        )

    def _is_field(self, type_: GraphQLObjectType, nodes: list[FieldNode], value: Any) -> bool:
        name = nodes[0].name.value
        if name == "__typename":
            return bool(value == type_.name)
        inner = [
            selection for node in nodes if node.selection_set for selection in node.selection_set.selections
        ]
        return self._fits(type_.fields[name].type, inner, value)

    def _fields(self, type_: GraphQLObjectType, selections: Sequence[SelectionNode]) -> Iterator[FieldNode]:
        for node in selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode) and self._applies(node, type_):
                yield from self._fields(type_, node.selection_set.selections)

    def _applies(self, fragment: InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        if fragment.type_condition is None or fragment.type_condition.name.value == type_.name:
            return True
        condition = self._schema.get_type(fragment.type_condition.name.value)
        return _is_abstract(condition) and self._schema.is_sub_type(condition, type_)


def _is_abstract(type_: object) -> TypeGuard[GraphQLAbstractType]:
    return is_abstract_type(type_)


def _is_scalar(type_: GraphQLScalarType, value: object) -> bool:
    kinds: dict[str, type] = {"Int": int, "MinorUnits": int, "Boolean": bool}
    wanted = kinds.get(type_.name, str)
    return isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)
