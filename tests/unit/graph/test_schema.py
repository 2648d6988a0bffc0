"""The schema is what the file says, described in full, and breaks no client unannounced."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    is_introspection_type,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    print_ast,
    print_schema,
)

from graph.schema import sdl

ROOT = Path(__file__).parents[3]
SCHEMA = build_schema(sdl())
ROOT_FIELDS = {
    "Query.me": "User",
    "Query.products": "ProductConnection!",
    "Query.order": "Order",
    "Query.orders": "OrderConnection!",
    "Query.paymentConfig": "PaymentConfig!",
    "Mutation.createOrder": "CreateOrderResult",
    "Mutation.createPaymentIntent": "CreatePaymentIntentResult",
    "Mutation.cancelOrder": "CancelOrderResult",
    "Mutation.refundOrder": "RefundOrderResult",
    "Mutation.resolveReview": "ResolveReviewResult",
    "Mutation.closeAttention": "CloseAttentionResult",
    "Query.attention": "AttentionConnection!",
    "Subscription.orderUpdated": "Order!",
}
ARGUMENTS = {
    "Query.products": {"after": "String", "first": "Int! = 20", "ids": "[ID!]"},
    "Query.order": {"id": "ID!"},
    "Query.orders": {"first": "Int! = 20", "after": "String", "status": "OrderStatus"},
    "Mutation.createOrder": {"input": "CreateOrderInput!"},
    "Mutation.createPaymentIntent": {"orderId": "ID!"},
    "Mutation.cancelOrder": {"orderId": "ID!"},
    "Mutation.refundOrder": {"input": "RefundOrderInput!"},
    "Mutation.resolveReview": {"input": "ResolveReviewInput!"},
    "Mutation.closeAttention": {"id": "ID!", "note": "String!"},
    "Query.attention": {"first": "Int! = 20", "after": "String", "open": "Boolean! = true"},
    "Subscription.orderUpdated": {"orderId": "ID!"},
}
FIELDS = {
    "PaymentIntent": {
        "id": "ID!",
        "clientSecret": "String!",
        "status": "PaymentIntentStatus!",
        "amount": "Money!",
    },
    "Money": {"minorUnits": "MinorUnits!", "currency": "CurrencyCode!", "amount": "String!"},
    "UserError": {"message": "String!", "code": "ErrorCode!", "retryable": "Boolean!"},
}


def test_the_file_is_the_schema() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(), "schema.graphql is out of date: run `make schema`"


def test_the_file_is_sorted_so_that_a_difference_is_a_change() -> None:
    assert print_schema(lexicographic_sort_schema(SCHEMA)) == print_schema(SCHEMA)


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{word}" for word, value in kind.values.items() if not value.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from (f"{name}.{word}" for word, field in kind.fields.items() if not field.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for word, field in kind.fields.items():
                yield from (
                    f"{name}.{word}({a}:)" for a, given in field.args.items() if not given.description
                )


def test_everything_in_the_schema_is_described() -> None:
    assert not list(undescribed(SCHEMA))


def test_what_is_not_described_is_noticed() -> None:
    bare = "enum E { A } input I { f: Int } interface N { f(a: I): E } type Query implements N { f(a: I): E }"
    wanted = {"E", "E.A", "I", "I.f", "N", "N.f", "N.f(a:)", "Query", "Query.f", "Query.f(a:)"}
    assert set(undescribed(build_schema(bare))) == wanted


def type_of(place: str) -> str:
    kind, _, field = place.partition(".")
    return str(object_named(kind).fields[field].type)


def object_named(name: str) -> GraphQLObjectType | GraphQLInterfaceType:
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return kind


def members(name: str) -> list[GraphQLObjectType]:
    union = SCHEMA.type_map[name]
    assert isinstance(union, GraphQLUnionType)
    return list(union.types)


@pytest.mark.parametrize("place", ROOT_FIELDS)
def test_a_root_field_has_its_fixed_name_and_type(place: str) -> None:
    assert type_of(place) == ROOT_FIELDS[place]


@pytest.mark.parametrize("place", ARGUMENTS)
def test_a_root_field_takes_its_fixed_arguments(place: str) -> None:
    kind, _, field = place.partition(".")
    arguments = object_named(kind).fields[field].args
    assert {name: shown(argument) for name, argument in arguments.items()} == ARGUMENTS[place]


def shown(argument: GraphQLArgument) -> str:
    node = argument.ast_node
    default = f" = {print_ast(node.default_value)}" if node and node.default_value else ""
    return f"{argument.type}{default}"


@pytest.mark.parametrize("name", FIELDS)
def test_a_type_has_its_fixed_fields(name: str) -> None:
    fields = {word: str(field.type) for word, field in object_named(name).fields.items()}
    assert {word: fields.get(word) for word in FIELDS[name]} == FIELDS[name]


def test_an_order_has_one_of_six_states() -> None:
    states = SCHEMA.type_map["OrderStatus"]
    assert isinstance(states, GraphQLEnumType)
    assert {*states.values} == {"PENDING", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "CANCELED", "REVIEW"}


def test_create_payment_intent_answers_with_an_intent_or_one_of_six_refusals() -> None:
    assert {kind.name for kind in members("CreatePaymentIntentResult")} == {
        "PaymentIntent", "OrderNotFound", "OrderNotPayable", "AmountNotChargeable", "PaymentInProgress",
        "PaymentProviderUnavailable", "RateLimited",
    }  # fmt: skip


def test_every_mutation_is_nullable_and_its_refusals_are_user_errors() -> None:
    for name, field in object_named("Mutation").fields.items():
        union = field.type
        assert isinstance(union, GraphQLUnionType), name
        things = [k.name for k in union.types if "UserError" not in {i.name for i in k.interfaces}]
        assert len(things) == 1, f"{name} answers with one thing, or with refusals that implement UserError"


RELEASED = Path(__file__).with_name("released.graphql")
AT_A_RELEASE = "(echo '# Released: {version}'; cat schema.graphql) > tests/unit/graph/released.graphql"
WHAT_TO_DO = """breaks clients of the last released schema:
{broken}
Keep the old beside the new, with a `deprecation_reason`, until the next major version. If it must go now, name its
`Type` or `Type.field` in backquotes under "### Breaking" of CHANGELOG.md's [Unreleased], and what to do instead."""


def announced(changelog: str) -> str:
    """What the changelog's Unreleased section says under Breaking."""
    unreleased = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    assert unreleased.startswith("[Unreleased]")
    sections = dict(s.split("\n", 1) for s in re.split(r"^### ", unreleased, flags=re.MULTILINE)[1:])
    return sections.get("Breaking", "")


def unannounced(old: GraphQLSchema, new: GraphQLSchema, changelog: str) -> list[str]:
    """Breaking changes whose type or field (`Type` or `Type.field`) is not named in backquotes."""
    named = set(re.findall(r"`([^`]+)`", announced(changelog)))
    changes = [change.description for change in find_breaking_changes(old, new)]
    return [
        text for text in changes if not named & {word.rstrip(".") for word in re.split(r"[\s'()]+", text)}
    ]


def test_a_breaking_change_since_the_last_release_is_announced() -> None:
    old = build_schema(RELEASED.read_text())
    dangerous = [change.description for change in find_dangerous_changes(old, SCHEMA)]
    if dangerous:
        print("Clients may be surprised by:", *dangerous, sep="\n  ")  # noqa: T201  pytest shows it with -rP
    broken = unannounced(old, SCHEMA, (ROOT / "CHANGELOG.md").read_text())
    assert not broken, WHAT_TO_DO.format(broken="\n".join(f"  {text}" for text in broken))


def test_the_released_schema_is_that_of_the_last_release() -> None:
    releases = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    last = releases[0] if releases else "nothing yet"
    said = RELEASED.read_text().splitlines()[0]
    assert said.startswith(f"# Released: {last}"), f"run {AT_A_RELEASE.format(version=last)}"


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("type Query { a: Int b: Int }", "type Query { b: Int }", "Field Query.a was removed."),
        ("type Query { a: Int! }", "type Query { a: Int }", "Field Query.a changed type from Int! to Int."),
        (
            "type Query { a: Int }",
            "type Query { a(b: Int!): Int }",
            "A required argument Query.a(b:) was added.",
        ),
        (
            "type Query { a: E } enum E { A B }",
            "type Query { a: E } enum E { A }",
            "Enum value E.B was removed.",
        ),
        (
            "type Query { a: U } union U = A | B type A { a: Int } type B { a: Int }",
            "type Query { a: U b: B } union U = A type A { a: Int } type B { a: Int }",
            "B was removed from union type U.",
        ),
        (
            "type Query { a(i: I): Int } input I { a: Int }",
            "type Query { a(i: I): Int } input I { a: Int b: Int! }",
            "A required field I.b was added.",
        ),
    ],
)
def test_a_breaking_change_is_noticed(old: str, new: str, broken: str) -> None:
    heads = "# Changelog\n\n## [Unreleased]\n\n"
    assert unannounced(build_schema(old), build_schema(new), heads) == [broken]


def test_a_breaking_change_passes_when_it_is_announced_for_the_next_release() -> None:
    old, new = build_schema("type Query { a: Int b: Int }"), build_schema("type Query { b: Int }")
    heads = "# Changelog\n\n## [Unreleased]\n\n"
    assert unannounced(old, new, f"{heads}### Added\n\n- `Query.a`\n")
    assert unannounced(old, new, f"{heads}## [1.0.0]\n\n### Breaking\n\n- `Query.a`\n")
    assert not unannounced(old, new, f"{heads}### Breaking\n\n- `Query.a` is gone; ask for `b`.\n")
