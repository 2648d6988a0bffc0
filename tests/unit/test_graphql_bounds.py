"""What an operation may cost: the limit passes, one more is refused, and refusing is cheap."""

from collections.abc import Callable

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, parse

from graph.schema import sdl
from graph.serving.bounds import (
    DEEPEST,
    MOST_ALIASES,
    MOST_DIRECTIVES,
    MOST_REMEMBERED,
    MOST_REPEATED,
    MOST_TOKENS,
    UNFIT,
    exceeded,
    judge,
)

SCHEMA = build_schema(sdl())
GRAPHIQL = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)


def refusals(text: str, *, introspection: bool = True) -> list[str]:
    return [error.message for error in judge(SCHEMA, text, introspection=introspection).errors]


def nested(depth: int) -> str:
    return "{ a " * depth + "}" * depth


def nested_in_fragments(depth: int) -> str:
    links = [f"fragment F{n} on A {{ a {{ ...F{n + 1} }} }}" for n in range(depth - 1)]
    return "{ ...F0 } " + " ".join(links) + f" fragment F{depth - 1} on A {{ a }}"


def nested_in_inline_fragments(depth: int) -> str:
    return "{ ... on A { a " * depth + "}}" * depth


def aliases(count: int) -> str:
    return "{" + " ".join(f"a{n}: a" for n in range(count)) + "}"


def aliases_in_a_fragment(count: int) -> str:
    return "{ one: a { ...F } a { ...F } } fragment F on A {" + aliases((count - 1) // 2)[1:]


def repeated(count: int) -> str:
    return "{" + " a" * (count + 1) + "}"


def directives(count: int) -> str:
    return "{ a " + "@skip " * count + "}"


def directives_everywhere(count: int) -> str:
    rest = "@x " * (count - 5)
    return f"query($v: Int @x) @x {{ ...F @x ... @x {{ a }} }} fragment F on A @x {{ a {rest} }}"


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (nested, DEEPEST),
        (nested_in_fragments, DEEPEST),
        (nested_in_inline_fragments, DEEPEST),
        (aliases, MOST_ALIASES),
        (repeated, MOST_REPEATED),
        (directives, MOST_DIRECTIVES),
        (directives_everywhere, MOST_DIRECTIVES),
    ],
)
def test_the_limit_passes_and_one_more_is_refused(make: Callable[[int], str], limit: int) -> None:
    assert not list(exceeded(parse(make(limit))))
    assert len(list(exceeded(parse(make(limit + 1))))) == 1


def test_aliases_in_a_fragment_count_each_time_it_is_spread() -> None:
    assert not list(exceeded(parse(aliases_in_a_fragment(MOST_ALIASES - 1))))
    assert list(exceeded(parse(aliases_in_a_fragment(MOST_ALIASES + 1))))


def test_repeated_fields_of_a_fragment_count_each_time_it_is_spread() -> None:
    spread_twice = "{ a { ...F } b { ...F } } fragment F on A {" + " a" * (MOST_REPEATED // 2 + 1) + "}"
    assert not list(exceeded(parse(spread_twice)))
    assert list(exceeded(parse(spread_twice.replace("a}", "a a}"))))


def test_a_field_that_each_member_of_a_union_has_is_not_repeated() -> None:
    members = " ".join(f"... on T{n} {{ message code }}" for n in range(MOST_REPEATED + 1))
    assert not list(exceeded(parse(f"{{ a {{ {members} }} }}")))


def test_a_text_has_as_many_tokens_as_are_allowed() -> None:
    fits = "{ me {" + " id" * (MOST_TOKENS - 5) + "} }"
    judge(SCHEMA, fits, introspection=True)
    with pytest.raises(GraphQLError, match=f"{MOST_TOKENS} tokens"):
        judge(SCHEMA, fits.replace("id", "id id", 1), introspection=True)


@pytest.mark.parametrize(
    "document",
    [
        'mutation { a: cancelOrder(orderId: "1") { __typename } b: cancelOrder(orderId: "2") { __typename } }',
        'mutation { cancelOrder(orderId: "1") { __typename } ...F } '
        'fragment F on Mutation { createPaymentIntent(orderId: "2") { __typename } }',
        'mutation { ... on Mutation { a: cancelOrder(orderId: "1") { __typename } } }',
        "mutation { ...F } fragment F on Mutation { __typename }",
        "mutation { __typename }",
        'query Q { me { id } } mutation M { a: cancelOrder(orderId: "1") { __typename } ... { __typename } }',
    ],
)
def test_a_mutation_has_one_root_field_also_by_way_of_fragments(document: str) -> None:
    assert refusals(document) == ["A mutation has one root field, outside of fragments."]


def test_a_mutation_may_ask_for_its_typename_besides() -> None:
    assert not refusals('mutation { __typename cancelOrder(orderId: "1") { __typename } }')


def test_several_mutations_of_one_document_have_one_root_field_each() -> None:
    document = "mutation {} mutation {}"
    one = 'cancelOrder(orderId: "1") { __typename }'
    assert not refusals(document.replace("mutation {}", f"mutation A {{ {one} }}", 1).replace(
        "mutation {}", f"mutation B {{ {one} }}"
    ))  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        "{ me { ...F } } fragment F on User { id ...F }",
        "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
        "{ me { ...A } } fragment A on User { x: id ...B } fragment B on User { ... { ...A } }",
    ],
)
def test_a_cycle_of_fragments_is_refused_by_name(document: str) -> None:
    assert any("within itself" in message for message in refusals(document))


def test_fragments_that_spread_each_other_twice_are_looked_at_once() -> None:
    """2^110 fields, were they followed one by one."""
    links = [f"fragment F{n} on User {{ ...F{n + 1} ... {{ ...F{n + 1} }} }}" for n in range(70)]
    text = "{ me { ...F0 } } " + " ".join(links) + " fragment F70 on User { x: id }"
    assert refusals(text) == [
        f"An operation has at most {MOST_ALIASES} aliases, those in fragments counted each time."
    ]


def test_an_unknown_fragment_is_the_clients_mistake() -> None:
    assert refusals("{ me { ...Missing } }") == ["Unknown fragment 'Missing'."]


def test_what_exceeds_a_bound_is_not_validated_besides() -> None:
    assert refusals("{ nonsense " + "@nonsense " * (MOST_DIRECTIVES + 1) + "}") == [
        f"An operation has at most {MOST_DIRECTIVES} directives."
    ]


def test_graphiqls_introspection_passes_where_introspection_is_on() -> None:
    assert not refusals(GRAPHIQL, introspection=True)
    assert refusals(GRAPHIQL, introspection=False) == [UNFIT]


@pytest.mark.parametrize("query", ["{ __schema { __typename } }", '{ __type(name: "Query") { name } }'])
def test_no_introspection_field_is_left_where_it_is_off(query: str) -> None:
    assert refusals(query, introspection=False)
    assert not refusals(query, introspection=True)
    assert not refusals("{ __typename me { __typename } }", introspection=False)


def test_introspection_can_not_be_made_to_explode() -> None:
    fields = "fields { type { " * 5 + "name" + " } }" * 5
    assert refusals(f"{{ __schema {{ types {{ {fields} }} }} }}")


GUESSES = [
    "{ mee { id } }",
    "{ me { idd } }",
    "{ products(frst: 1) { nodes { id } } }",
    "{ me @skp { id } }",
    "query($s: OrderStatu) { orders(status: $s) { nodes { id } } }",
    "{ orders(status: PAI) { nodes { id } } }",
    "mutation { createOrder(input: {itms: []}) { __typename } }",
    "{ me }",
]


@pytest.mark.parametrize("query", GUESSES)
def test_no_name_is_suggested_to_those_who_guess(query: str) -> None:
    assert refusals(query)
    assert not [message for message in refusals(query) if "Did you mean" in message]


@pytest.mark.parametrize("query", GUESSES)
def test_where_introspection_is_off_all_guesses_are_answered_alike(query: str) -> None:
    [error] = judge(SCHEMA, query, introspection=False).errors

    assert (error.message, error.locations) == (UNFIT, None)


def test_what_was_wrong_with_a_guess_stands_in_the_log_and_not_at_length(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        judge(SCHEMA, f"{{ me {{ {'long' * 1_000} }} other {'wrong ' * 9} }}", introspection=False)

    [record] = caplog.records
    assert isinstance(record.msg, dict)
    first, *others = record.msg["mistakes"]
    assert (first[:24], len(first), len(others)) == ("Cannot query field 'long", 200, 2)


def test_a_text_is_parsed_and_validated_once() -> None:
    text = "query Once { me { id } }"
    before = judge.cache_info()

    first, second = [judge(SCHEMA, text, introspection=True) for _ in range(2)]

    after = judge.cache_info()
    assert first is second
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


def test_what_was_refused_once_is_refused_at_no_cost() -> None:
    first, second = [judge(SCHEMA, "query Refused { nonsense }", introspection=True) for _ in range(2)]

    assert first is second
    assert first.errors


def test_what_is_remembered_is_bounded() -> None:
    assert judge.cache_info().maxsize == MOST_REMEMBERED
