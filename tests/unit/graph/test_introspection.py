"""Where introspection is on it costs no caller's patience: fields between two turns of others are counted."""

import asyncio
from dataclasses import dataclass
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import ExecutionResult, execute, get_introspection_query, graphql_sync, parse

from graph.schema import schema
from graph.serving.introspection import introspect_in_turns
from graph.serving.plain_entries import fill
from graph.serving.spending import (
    INTROSPECTED_OF_UNIT,
    INTROSPECTION,
    MOST_INTROSPECTED,
    SIGNED_IN,
    Spending,
)
from graph.serving.work_limits import Account
from graph.subgraph import served_schema
from tests.unit.graph.test_graphql_bounds import GRAPHIQL

MOST_AT_A_STRETCH = 5_000  # fields, of some 0.5 µs each
USUAL = get_introspection_query()
ARGUMENTS = "args { name description type { kind name ofType { kind name ofType { name } } } }"
NESTED = (
    f"{{ __schema {{ types {{ fields {{ {ARGUMENTS} type {{ ofType {{ fields {{ {ARGUMENTS} }} }} "
    f"fields {{ {ARGUMENTS} }} }} }} }} }} }}"
)
WIDE = (
    "{ __schema { " + " ".join(f"a{n}: types {{ fields {{ args {{ name }} }} }}" for n in range(20)) + " } }"
)


@dataclass(slots=True)
class Counting(Spending):
    """Whose turn is over at each entry: so much is done at a stretch at least, however fast the machine is."""

    fields: int = 0
    longest: int = 0
    turns: int = 0

    def is_turn_over(self) -> bool:
        return True

    async def rest(self) -> None:
        self.turns += 1
        self.fields = 0
        await asyncio.sleep(0)

    def introspect(self, fields: int) -> bool:
        self.fields += fields if self.turns else 0  # the first list's own entries have turns
        self.longest = max(self.longest, self.fields)
        return super(Counting, self).introspect(fields)


async def answer_to(
    text: str, spending: Spending, *, served: Any = schema, variables: Any = None, by_executor: Any = None
) -> ExecutionResult:
    context = SimpleNamespace(spending=spending)
    middleware = [by_executor] if by_executor else None
    answer = execute(
        served.core, parse(text), context_value=context, variable_values=variables, middleware=middleware
    )
    done = await answer if isawaitable(answer) else answer
    assert isinstance(done, ExecutionResult)
    fill(done.data, spending.filled)
    return done


@dataclass(slots=True)
class Executed:
    """How many fields graphql-core's executor resolves."""

    fields: int = 0

    def __call__(self, resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
        self.fields += 1
        return resolve(source, info, **arguments)


@pytest.mark.parametrize("text", [USUAL, GRAPHIQL, NESTED], ids=["usual", "graphiql", "nested"])
async def test_introspection_gives_others_turns_and_answers_the_same(text: str) -> None:
    spending = Counting()

    answer = await answer_to(text, spending)

    wanted = graphql_sync(schema.core, text)
    assert answer == wanted
    assert str(answer.data) == str(wanted.data), "the order of the fields"
    assert spending.turns > 100
    assert spending.longest <= MOST_AT_A_STRETCH


@pytest.mark.parametrize("text", [USUAL, GRAPHIQL, NESTED], ids=["usual", "graphiql", "nested"])
async def test_the_executor_which_takes_ten_times_as_long_makes_next_to_nothing_of_it(text: str) -> None:
    executed = Executed()
    await answer_to(text, Spending(), by_executor=executed)
    assert executed.fields < 20


@pytest.mark.parametrize("old", [True, False])
async def test_arguments_directives_and_fragments_mean_what_they_meant(old: bool) -> None:
    text = """
        query ($old: Boolean!, $name: String = "CreatePaymentIntentResult") {
          __schema { directives { name locations args(includeDeprecated: $old) { name defaultValue } } }
          union: __type(name: $name) {
            __typename kind possibleTypes { ...T interfaces { name } }
            fields { name } enumValues { name }
          }
          order: __type(name: "Order") {
            ...T
            a: fields(includeDeprecated: $old) { name type @include(if: $old) { ...T ofType { ...T } } }
            b: fields { isDeprecated deprecationReason args { type { ofType { enumValues { name } } } } }
          }
          none: __type(name: "Nothing") { name fields { name } }
        }
        fragment T on __Type { n: name kind specifiedByURL description @skip(if: $old) }
    """
    variables = {"old": old}
    answer = await answer_to(text, Spending(), variables=variables)
    wanted = graphql_sync(schema.core, text, variable_values=variables)
    assert wanted.errors is None
    assert answer == wanted
    assert str(answer.data) == str(wanted.data), "the order of the fields"


@pytest.mark.parametrize(
    "served", [schema, served_schema(as_subgraph=True)], ids=["the schema", "the subgraph"]
)
async def test_the_whole_schema_may_be_asked_for_and_its_caller_pays(served: Any) -> None:
    account = Account(rate=1.0, left=0.0, seen=0.0)
    spending = Spending(SIGNED_IN, account=account)

    answer = await answer_to(GRAPHIQL, spending, served=served)

    assert answer.errors is None
    assert spending.introspected < MOST_INTROSPECTED
    assert account.left == INTROSPECTION - spending.introspected // INTROSPECTED_OF_UNIT


async def test_the_schema_many_times_over_is_refused() -> None:
    spending = Spending()

    answer = await answer_to(WIDE, spending)

    assert answer.errors is not None
    [error] = answer.errors
    assert (error.extensions or {})["reason"] == "TOO_COSTLY"
    assert spending.introspected < 2 * MOST_INTROSPECTED


def test_other_schemas_of_this_process_are_introspected_as_ever() -> None:
    introspect_in_turns()
    assert graphql_sync(schema.core, USUAL).errors is None
