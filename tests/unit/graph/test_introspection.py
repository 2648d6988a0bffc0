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

MOST_AT_A_STRETCH = 200  # fields, of some 4 µs each
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
    """Whose turn is over at each list: so much is done at a stretch at least, however fast the machine is."""

    fields: int = 0
    longest: int = 0
    turns: int = 0

    def is_turn_over(self) -> bool:
        return True

    async def rest(self) -> None:
        self.turns += 1
        self.fields = 0
        await asyncio.sleep(0)

    def resolve(self, resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
        self.fields += 1
        self.longest = max(self.longest, self.fields)
        return resolve(source, info, **arguments)


async def answer_to(text: str, spending: Spending, *middleware: Any, served: Any = schema) -> ExecutionResult:
    context = SimpleNamespace(spending=spending)
    answer = execute(served.core, parse(text), context_value=context, middleware=middleware or None)
    done = await answer if isawaitable(answer) else answer
    assert isinstance(done, ExecutionResult)
    return done


@pytest.mark.parametrize("text", [USUAL, GRAPHIQL, NESTED], ids=["usual", "graphiql", "nested"])
async def test_introspection_gives_others_turns_and_answers_the_same(text: str) -> None:
    spending = Counting()

    answer = await answer_to(text, spending, spending)

    assert answer == graphql_sync(schema.core, text)
    assert spending.turns > 100
    assert spending.longest <= MOST_AT_A_STRETCH


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
