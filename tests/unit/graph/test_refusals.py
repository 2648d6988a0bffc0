"""Each refusal that a mutation may end with stands in its union: one that doesn't reaches clients as an internal error.

The refusals are found in the source: from the resolver along the functions and methods that it calls, as far as their
classes are told by annotations and `__init__`.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType
from typing import Any, get_type_hints

import pytest
from graphql import GraphQLUnionType, build_schema

from graph import schema
from graph.context import UseCases
from graph.types.errors import as_sentence
from services.identity.rate_limits import RateLimits
from services.identity.refusals import Refusal

ROOMS = ("graph.types.", "services.")
OF_CONTEXT = {"limits": RateLimits}
HANDLED = {handler.exception_type: handler.error_type.__name__ for handler in schema.HANDLERS}
CORE = build_schema(schema.sdl())


def resolvers() -> dict[str, FunctionType]:
    """By the mutation's name."""
    found = {}
    for field in schema.Mutation.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        name = field.graphql_name or schema.schema.config.name_converter.get_graphql_name(field)
        found[name] = field.base_resolver.wrapped_func
    return found


def types_in_union(mutation: str) -> set[str]:
    assert CORE.mutation_type
    union = CORE.mutation_type.fields[mutation].type
    assert isinstance(union, GraphQLUnionType)
    return {member.name for member in union.types}


@cache
def tree_of(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


@cache
def attributes_of(owner: type) -> dict[str, type]:
    """The classes of what `__init__` keeps in attributes of `self`."""
    begin = owner.__dict__.get("__init__")
    if not isinstance(begin, FunctionType):
        return {}
    hints, found = get_type_hints(begin), {}
    for node in ast.walk(tree_of(begin)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            value = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(value, ast.Name):
                kind = hints.get(value.id) or begin.__globals__.get(value.id)
                if isinstance(kind, type):
                    found[node.targets[0].attr] = kind
    return found


def class_of(value: ast.expr, owner: type | None) -> type | None:
    """Of `self._thing`, `….use_cases.thing` and `….limits`."""
    if not isinstance(value, ast.Attribute):
        return None
    if isinstance(value.value, ast.Name) and value.value.id == "self" and owner:
        return attributes_of(owner).get(value.attr)
    if isinstance(value.value, ast.Attribute) and value.value.attr == "use_cases":
        kind = get_type_hints(UseCases)[value.attr]
        return kind if isinstance(kind, type) else None
    return OF_CONTEXT.get(value.attr)


def known(expression: ast.expr, function: FunctionType) -> Any:
    """What a name stands for, or a name in a module."""
    if isinstance(expression, ast.Name):
        return function.__globals__.get(expression.id)
    if isinstance(expression, ast.Attribute):
        return getattr(known(expression.value, function), expression.attr, None)
    return None


@cache
def called_by(function: FunctionType, owner: type | None) -> frozenset[tuple[FunctionType, type | None]]:
    """Functions and methods, with the class of the methods."""
    return frozenset(_called_by(function, owner))


def _called_by(function: FunctionType, owner: type | None) -> Iterator[tuple[FunctionType, type | None]]:
    for node in ast.walk(tree_of(function)):
        if isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            kind = owner if is_own else class_of(node.value, owner)
            method = getattr(kind, node.attr, None) if kind else None
            if isinstance(method, FunctionType):
                yield method, kind
        target = known(node, function) if isinstance(node, ast.Name | ast.Attribute) else None
        if isinstance(target, FunctionType) and target.__module__.startswith(ROOMS):
            yield target, None


def refusals_named(nodes: Iterable[ast.expr | None], function: FunctionType) -> set[type[Refusal]]:
    """Those among classes and calls of classes."""
    kinds = (known(node.func if isinstance(node, ast.Call) else node, function) for node in nodes if node)
    return {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Refusal)}


def refusals_within(
    function: FunctionType, owner: type | None = None, seen: frozenset[object] = frozenset()
) -> set[type[Refusal]]:
    """What it raises, or returns for a caller to raise, and does not catch itself."""
    nodes = list(ast.walk(tree_of(function)))
    raised = [node.exc for node in nodes if isinstance(node, ast.Raise)]
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    caught = [node.type for node in nodes if isinstance(node, ast.ExceptHandler)]
    found = set()
    for method, kind in called_by(function, owner):
        if (method, kind) not in seen:
            found |= refusals_within(method, kind, seen | {(method, kind)})
    return (found - refusals_named(caught, function)) | refusals_named([*raised, *returned], function)


def types_of(mutation: str) -> set[str]:
    """The types of the schema that stand for what the mutation may be refused with."""
    return {HANDLED[each] for each in refusals_within(resolvers()[mutation])}


@pytest.mark.parametrize("mutation", resolvers())
def test_what_a_mutation_may_refuse_stands_in_its_union(mutation: str) -> None:
    assert types_of(mutation) <= types_in_union(mutation)


def test_refusals_are_found_in_the_source() -> None:
    found = {mutation: types_of(mutation) for mutation in resolvers()}

    assert {"OrderNotFound", "PaymentInProgress", "RateLimited"} <= found["createPaymentIntent"]
    assert {"InvalidOrder", "OrderTotalMismatch", "ProductNotAvailable"} <= found["createOrder"]
    assert {"OrderNotCancelable", "RateLimited"} <= found["cancelOrder"]


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("a name has 1 to 100 characters", "A name has 1 to 100 characters."),
        ("expiresAt needs a time zone", "expiresAt needs a time zone."),
        ("fd00::7 is a private address", "fd00::7 is a private address."),
    ],
)
def test_a_reason_is_told_as_a_sentence_and_names_keep_their_letters(reason: str, sentence: str) -> None:
    assert as_sentence(reason) == sentence
