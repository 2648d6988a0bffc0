"""What an operation may cost: the limit passes, one more is refused, and refusing is cheap."""

import sys
from collections.abc import Callable
from uuid import uuid4

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, parse

from graph.schema import sdl
from graph.serving.bounds import (
    DEEPEST,
    LONGEST_REMEMBERED,
    LONGEST_TEXT,
    MOST_ALIASES,
    MOST_DIRECTIVES,
    MOST_FRAGMENTS,
    MOST_LINES,
    MOST_MISTAKES,
    MOST_OPERATIONS,
    MOST_REPEATED,
    REMEMBERED,
    UNFIT,
    CheckedText,
    check_text,
    exceeded,
    is_seen_again,
    known,
    remember,
)
from graph.serving.spending import ANONYMOUS, SIGNED_IN, STRETCH, Allowance, Turns
from graph.serving.variables import check_values

SCHEMA = build_schema(sdl())
GRAPHIQL = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)


def checked(text: str, *, introspection: bool = True, allowance: Allowance = SIGNED_IN) -> CheckedText:
    found = known(SCHEMA, text, allowance, introspection=introspection)
    if found is None:
        found = check_text(SCHEMA, text, allowance, introspection=introspection)
        remember(SCHEMA, text, allowance, found, introspection=introspection)
    return found


def refusals(text: str, *, introspection: bool = True, allowance: Allowance = SIGNED_IN) -> list[str]:
    return [error.message for error in checked(text, introspection=introspection, allowance=allowance).errors]


def bounds_exceeded(text: str, allowance: Allowance = SIGNED_IN) -> list[str]:
    return list(exceeded(parse(text), allowance))


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
    """Two of each, so that none stands there often."""
    return "{" + " ".join(f"a{n} a{n}" for n in range(count)) + "}"


def repeated_in_inline_fragments(count: int) -> str:
    return "{" + " ".join(f"a{n} ... {{ a{n} }}" for n in range(count)) + "}"


def repeated_within(count: int) -> str:
    """What stands under one name is one selection, wherever its parts are."""
    parts = " ".join(f"b{n}" for n in range(count - 1))
    return f"{{ a {{ {parts} }} ... {{ a {{ {parts} }} }} }}"


def fragments(count: int) -> str:
    return "{ a } " + " ".join(f"fragment F{n} on A {{ a }}" for n in range(count))


def operations(count: int) -> str:
    return " ".join(f"query Q{n} {{ a }}" for n in range(count))


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
        (repeated_in_inline_fragments, MOST_REPEATED),
        (repeated_within, MOST_REPEATED),
        (fragments, MOST_FRAGMENTS),
        (operations, MOST_OPERATIONS),
        (directives, MOST_DIRECTIVES),
        (directives_everywhere, MOST_DIRECTIVES),
    ],
)
def test_the_limit_passes_and_one_more_is_refused(make: Callable[[int], str], limit: int) -> None:
    assert not bounds_exceeded(make(limit))
    assert len(bounds_exceeded(make(limit + 1))) == 1


def test_aliases_in_a_fragment_count_each_time_it_is_spread() -> None:
    assert not bounds_exceeded(aliases_in_a_fragment(MOST_ALIASES - 1))
    assert bounds_exceeded(aliases_in_a_fragment(MOST_ALIASES + 1))


@pytest.mark.parametrize("allowance", [SIGNED_IN, ANONYMOUS])
def test_what_stands_often_under_one_name_is_refused_before_it_is_compared(allowance: Allowance) -> None:
    often = "{" + " ...{ me { id email isMerchant __typename } }" * 94 + "}"
    assert bounds_exceeded(often, allowance)
    assert bounds_exceeded("{" + " ...{ me { id } }" * 61 + "}", allowance)
    assert not bounds_exceeded("{" + " ...{ me { id } }" * 15 + "}", allowance)


@pytest.mark.parametrize("allowance", [SIGNED_IN, ANONYMOUS])
def test_a_text_selects_as_many_fields_as_are_allowed_those_of_fragments_each_time(
    allowance: Allowance,
) -> None:
    each = allowance.selected // 4 - 2
    spread = "{ a { ...F } b { ...F } c { ...F } d { ...F } } fragment F on A {"
    fields = " ".join(f"f{n}" for n in range(each + 1))
    assert not bounds_exceeded(spread + fields + "}", allowance)
    assert bounds_exceeded(spread + fields + " g h}", allowance)


def test_a_field_that_each_member_of_a_union_has_is_not_repeated() -> None:
    members = " ".join(f"... on T{n} {{ message code retryable }}" for n in range(12))
    assert not bounds_exceeded(f"{{ a {{ {members} }} }}")


def test_components_may_each_ask_for_what_others_ask_for() -> None:
    parts = [f"fragment F{n} on Order {{ id __typename total {{ amount currency }} }}" for n in range(10)]
    spread = " ".join(f"...F{n}" for n in range(10))
    assert not refusals(f'{{ order(id: "x") {{ {spread} }} }} ' + " ".join(parts))


@pytest.mark.parametrize("allowance", [SIGNED_IN, ANONYMOUS])
def test_a_text_has_as_many_tokens_as_are_allowed(allowance: Allowance) -> None:
    fits = "{ me {" + " id" * (allowance.tokens - 5) + "} }"
    checked(fits, allowance=allowance)
    with pytest.raises(GraphQLError, match=f"{allowance.tokens} tokens"):
        checked(fits.replace("id", "id id", 1), allowance=allowance)


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


def test_fragments_that_spread_each_other_twice_are_not_followed_to_their_end() -> None:
    """2^40 fields, were they followed one by one."""
    links = [f"fragment F{n} on A {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(40)]
    [message] = bounds_exceeded("{ ...F0 } " + " ".join(links) + " fragment F40 on A { x }")
    assert message.startswith(f"A document selects at most {SIGNED_IN.selected} fields")


def test_an_unknown_fragment_is_the_clients_mistake() -> None:
    assert refusals("{ me { ...Missing } }") == ["Unknown fragment 'Missing'."]


def test_what_exceeds_a_bound_is_not_validated_besides() -> None:
    assert refusals("{ nonsense " + "@nonsense " * (MOST_DIRECTIVES + 1) + "}") == [
        f"An operation has at most {MOST_DIRECTIVES} directives."
    ]


@pytest.mark.parametrize("line", ["\n", "\r", "\r\n", ",\n"])
def test_a_text_has_so_many_lines_since_each_mistake_counts_those_before_it(line: str) -> None:
    lines = line * (MOST_LINES // len(line.strip(",")))
    assert not refusals(lines + "{ me { id } }", introspection=True)
    with pytest.raises(GraphQLError, match="at most 2000 lines"):
        refusals(lines + line + "{ me { id } }", introspection=True)


def test_a_text_is_not_longer_than_its_tokens_need() -> None:
    start = '{ order(id: "'
    refusals(start + "x" * (LONGEST_TEXT - 100) + '") { id } }')
    with pytest.raises(GraphQLError, match="at most 30000 characters"):
        refusals(start + "\\n" * (LONGEST_TEXT // 2) + '") { id } }')


def test_variables_have_so_many_values_whatever_they_are() -> None:
    within: dict[str, object] = {"ids": ["x"] * 10, "input": {"lines": [{"name": "a", "unitAmount": 1}] * 10}}
    assert check_values(within, 43) == 43
    with pytest.raises(GraphQLError, match="at most 42 values"):
        check_values(within, 42)
    assert check_values(None, 0) == 0
    with pytest.raises(GraphQLError, match="at most 100 values"):
        check_values({"deep": [[[[]] * 50] * 50] * 50}, 100)


def test_long_operations_take_turns_with_rests_between_them() -> None:
    turns = Turns()
    begin = [turns.book(100.0, 0.002) for _ in range(6)]
    assert begin == pytest.approx([0.002 + n * (STRETCH + 0.002) for n in range(6)])
    assert turns.book(200.0, 0.03) == pytest.approx(0.03)


def test_so_many_mistakes_are_told_and_no_more() -> None:
    told = refusals("{" + " ".join(f"x{n}" for n in range(90)) + "}", introspection=True)
    assert len(told) == MOST_MISTAKES + 1
    assert told[-1].startswith("Too many validation errors")


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


def test_the_schema_is_asked_for_few_times_and_paid_for() -> None:
    fields = "__schema { types { name fields { name args { name } } } }"
    few = "{ " + " ".join(f"a{n}: {fields}" for n in range(3)) + " }"
    assert checked(few).introspections == 3
    assert not refusals(few)
    assert refusals(few[:-1] + ' ...F } fragment F on Query { more: __type(name: "Order") { name } }') == [
        "A document asks for the schema at most 3 times."
    ]


def test_a_text_that_was_checked_is_freed_without_the_garbage_collector() -> None:
    """Finding circles among what strangers sent stops everybody."""
    found = check_text(
        SCHEMA, "{ me { id ...F } } fragment F on User { email }", SIGNED_IN, introspection=False
    )
    tokens = [node.loc.start_token for node in found.document.definitions if node.loc]
    assert tokens
    assert not any(token.next or token.prev for token in tokens)


def test_a_text_is_remembered_when_it_comes_again() -> None:
    text = f"{{ me {{ a{uuid4().hex}: id }} }}"
    assert [is_seen_again(text), is_seen_again(text), is_seen_again(text)] == [False, True, True]


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
    [error] = checked(query, introspection=False).errors

    assert (error.message, error.locations) == (UNFIT, None)


def test_what_was_wrong_with_a_guess_stands_in_the_log_and_not_at_length(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        checked(f"{{ me {{ {'long' * 1_000} }} other {'wrong ' * 9} }}", introspection=False)

    [record] = caplog.records
    assert isinstance(record.msg, dict)
    first, *others = record.msg["mistakes"]
    assert (first[:24], len(first), len(others)) == ("Cannot query field 'long", 200, 2)


def test_a_text_is_parsed_and_validated_once() -> None:
    first, second = [checked("query Once { me { id } }") for _ in range(2)]
    assert first is second


def test_what_a_stranger_asked_first_is_known_for_a_customer_too() -> None:
    text = "query Shared { products { nodes { id } } }"
    assert checked(text, allowance=ANONYMOUS) is checked(text)


def test_what_is_too_large_for_a_stranger_may_not_be_for_a_customer() -> None:
    often = "query Often {" + " me { id }" * 30 + "}"
    assert refusals(often, allowance=ANONYMOUS)
    assert not refusals(often)


def test_what_was_refused_once_is_refused_at_no_cost() -> None:
    first, second = [checked("query Refused { nonsense }", introspection=True) for _ in range(2)]

    assert first is second
    assert first.errors


def test_a_stranger_can_not_push_out_what_customers_use() -> None:
    text = "query Kept { me { id } }"
    kept = checked(text)
    for number in range(500):
        checked(f"query Other{number} {{ paymentConfig {{ apiVersion }} }}", allowance=ANONYMOUS)
    assert checked(text) is kept


def test_what_is_remembered_is_bounded_by_bytes() -> None:
    """Texts never seen before, up to the longest, each with a character that makes Python keep four bytes for all."""
    for number in range(60):
        checked(f'{{ order(id: "{number} \U0001f600{"x" * 19_000}") {{ id }} }}')
        checked(f'{{ order(id: "{number} \U0001f600{"x" * 29_000}") {{ id }} }}', allowance=ANONYMOUS)
    assert 0 < REMEMBERED[SIGNED_IN].bytes <= 16_000_000
    assert REMEMBERED[ANONYMOUS].bytes <= 4_000_000
    held = [question[2] for cache in REMEMBERED.values() for question in cache]
    assert sum(map(sys.getsizeof, held)) <= 20_000_000
    assert max(map(len, held)) <= LONGEST_REMEMBERED
