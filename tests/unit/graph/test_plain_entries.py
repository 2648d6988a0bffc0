"""Lists that are made without graphql-core's executor are what it would have made."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.schema import ServedSchema
from graph.serving.documents import Documents
from graph.serving.lists import charge_lists, read_attributes
from graph.serving.spending import Spending
from graph.serving.work_limits import WorkLimits
from graph.types.lists import Made


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.type
class Price:
    amount: int
    words: str | None


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    colour: Colour
    price: Price
    old_price: Price | None
    tags: list[str]

    @strawberry.field
    def shouted(self) -> str:
        return self.name.upper()


THINGS = [
    Thing(
        name=f"thing {number}",
        colour=Colour.RED if number % 2 else Colour.BLUE,
        price=Price(amount=number, words=None if number % 3 else "three"),
        old_price=None if number % 5 else Price(amount=5, words="five"),
        tags=["a"] * (number % 3),
    )
    for number in range(20)
]


@strawberry.type
class Shelf:
    things: list[Thing]
    nothing: str | None = None


@strawberry.type
class Query:
    @strawberry.field
    def things(self) -> list[Thing]:
        return THINGS

    @strawberry.field
    def shelves(self) -> list[Shelf | None]:
        return [Shelf(things=THINGS[:12]), None, Shelf(things=THINGS[:2]), Shelf(things=[])]

    @strawberry.field
    def broken(self) -> list[Price]:
        """One entry is not what the schema promises."""
        return [Price(amount=number if number != 7 else None, words="") for number in range(30)]  # type: ignore[arg-type]

    @strawberry.field
    def fails(self) -> str:
        raise GraphQLError("It fails.", extensions={"code": "BAD_USER_INPUT"})


def served(*, by_executor: bool = False) -> ServedSchema:
    made = ServedSchema(Query)
    if not by_executor:
        read_attributes(made.core)
        charge_lists(made.core)
    return made


@dataclass
class Asking:
    principal: Any = None
    address: str = "127.0.0.1"
    introspection: bool = True
    documents: Any = None
    work_limits: Any = None
    spending: Any = None


def answer(schema: ServedSchema, text: str, **variables: Any) -> tuple[Any, list[str]]:
    asking = Asking(documents=Documents(), work_limits=WorkLimits(of_address=1e9), spending=Spending())

    async def ask() -> Any:
        return await schema.execute(text, variable_values=variables, context_value=asking)

    result = asyncio.run(ask())
    return result.data, [f"{error.message} {error.path}" for error in result.errors or ()]


OURS, EXECUTOR = served(), served(by_executor=True)
LEAVES = ["name", "colour", "shouted", "__typename", "alias: name", "tags"]
PRICES = ["amount", "words", "__typename", "minor: amount"]


@st.composite
def selections(draw: st.DrawFn) -> str:
    """Of a thing: plain ones mostly, some with what only the executor can do."""
    parts = draw(st.lists(st.sampled_from(LEAVES[:4] if draw(st.booleans()) else LEAVES), max_size=4))
    for name in draw(st.lists(st.sampled_from(["price", "oldPrice", "p2: price"]), max_size=3)):
        inner = draw(st.lists(st.sampled_from(PRICES), min_size=1, max_size=3))
        parts.append(f"{name} {{ {' '.join(inner)} }}")
    condition = draw(st.sampled_from(["", " @include(if: $yes)", " @skip(if: $yes)", " @skip(if: false)"]))
    parts.append(draw(st.sampled_from(["name", f"... on Named{condition} {{ name }}", f"...F{condition}"])))
    return " ".join(draw(st.permutations(parts)))


@settings(max_examples=100)
@given(selections(), selections(), st.booleans())
def test_the_answer_is_the_executors_own(one: str, other: str, yes: bool) -> None:
    text = (
        f"query($yes: Boolean! = true) {{ things {{ {one} ...F }} shelves {{ nothing things {{ {other} ...F }} }}"
        " yes: __typename @include(if: $yes) } fragment F on Thing { colour price { amount } }"
    )
    ours, wanted = answer(OURS, text, yes=yes), answer(EXECUTOR, text, yes=yes)
    assert ours == wanted
    assert str(ours[0]) == str(wanted[0]), "the order of the fields"


@pytest.mark.parametrize(
    "text",
    [
        "{ broken { amount } }",
        "{ things { name } broken { amount } }",
        "{ things { name } fails }",
        "{ a: things { price { amount } } b: things { price { words } } }",
        "{ shelves { a: things { ...F colour } b: things { ...F } } } fragment F on Thing { name }",
        "{ a: shelves { ...F } b: shelves { ...F things { colour } } } fragment F on Shelf { things { name } }",
    ],
)
def test_errors_and_merged_places_are_the_executors_own(text: str) -> None:
    assert answer(OURS, text) == answer(EXECUTOR, text)


def test_plain_entries_never_meet_the_executor() -> None:
    asking = Asking(documents=Documents(), work_limits=WorkLimits(of_address=1e9), spending=Spending())
    text = "{ plain: things { name colour price { amount words } } other: things { name tags } }"
    asyncio.run(OURS.execute(text, context_value=asking))
    assert sorted(make is not None for make in asking.spending.makers.values()) == [False, True]
    assert not asking.spending.filled


def test_made_values_are_a_sequence() -> None:
    made = Made(lambda value: value * 2, [1, 2, 3])
    assert (list(made), len(made), made[1], list(made[1:])) == ([2, 4, 6], 3, 4, [4, 6])
