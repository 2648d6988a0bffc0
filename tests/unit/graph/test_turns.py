"""Long operations give others turns, and rest as long as they worked. What they waited for was no work."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry

from graph.schema import ServedSchema
from graph.serving.documents import Documents
from graph.serving.lists import begin_turns_after_waits, charge_lists
from graph.serving.spending import LONGEST_REST, STRETCH, Spending, Turns
from graph.serving.work_limits import WorkLimits


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@dataclass(slots=True)
class Counting(Spending):
    """Whose clock goes on only where the schema says so."""

    clock: Callable[[], float] = field(default_factory=lambda: CLOCK)
    rests: int = 0

    async def rest(self) -> None:
        self.rests += 1
        await asyncio.sleep(0)
        self.turn_began = self.clock()


@dataclass
class Asking:
    """What an operation's context has of its caller; who asks is given what `spending` makes."""

    principal: Any = None
    address: str = "127.0.0.1"
    introspection: bool = True
    documents: Documents = field(default_factory=Documents)
    work_limits: WorkLimits = field(default_factory=lambda: WorkLimits(of_address=1e9))
    counted: Counting = field(default_factory=Counting)

    @property
    def spending(self) -> Counting:
        return self.counted

    @spending.setter
    def spending(self, made: Spending) -> None:
        """Ours is kept."""


@strawberry.type
class Thing:
    name: str

    @strawberry.field
    def dear(self) -> str:
        """Takes three quarters of a stretch."""
        CLOCK.now += STRETCH * 0.75
        return self.name


THINGS = [Thing(name=f"thing {number}") for number in range(20)]


@strawberry.type
class Page:
    nodes: list[Thing]

    @strawberry.field
    async def waits_again(self) -> list[Thing]:
        await asyncio.sleep(0)
        CLOCK.now += 5
        return THINGS


@strawberry.type
class Query:
    @strawberry.field
    async def waits(self) -> Page:
        await asyncio.sleep(0)
        CLOCK.now += 5
        return Page(nodes=THINGS)


SCHEMA = ServedSchema(Query)
begin_turns_after_waits(SCHEMA.core)
charge_lists(SCHEMA.core)


async def rests_of(text: str) -> int:
    asking = Asking()
    asking.counted.turn_began = CLOCK.now
    result = await SCHEMA.execute(text, context_value=asking)
    assert result.errors is None
    return asking.counted.rests


@pytest.mark.parametrize(
    "text",
    [
        "{ waits { nodes { name } } }",
        "{ waits { waitsAgain { name } } }",
        "{ a: waits { nodes { name } waitsAgain { name } } }",
    ],
)
async def test_a_list_that_waited_for_its_entries_has_not_worked(text: str) -> None:
    assert await rests_of(text) == 0


async def test_each_stretch_of_work_is_followed_by_a_rest() -> None:
    assert await rests_of("{ waits { nodes { dear } } }") in range(9, 11)


async def test_what_goes_on_at_once_is_one_turn() -> None:
    """Twenty fields that waited side by side don't have a stretch each before others have any."""
    spending = Counting()
    spending.go_on()
    CLOCK.now += STRETCH
    spending.go_on()
    assert spending.is_turn_over()
    await asyncio.sleep(0)
    spending.go_on()
    assert not spending.is_turn_over()


async def test_a_turn_that_was_counted_wrongly_keeps_nobody_waiting_for_long() -> None:
    turns = Turns()
    spending = Spending(queue=turns, clock=CLOCK)
    CLOCK.now += 5
    await spending.rest()
    assert turns.free_at <= CLOCK.now + LONGEST_REST + STRETCH
