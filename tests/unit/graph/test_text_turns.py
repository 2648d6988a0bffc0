"""New texts are read one after the other, in turns of who sent them, with pauses that belong to everybody else."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from graphql import build_schema

from graph.schema import sdl
from graph.serving.bounds import checked_operation
from graph.serving.documents import Documents
from graph.serving.spending import Spending
from graph.serving.text_turns import REST, TextTurns
from graph.serving.work_limits import SAVED_SECONDS, WorkLimits
from services.identity.principal import Principal
from tests.lines import written_as

SCHEMA = build_schema(sdl())


@dataclass
class Asking:
    """What an operation's context has of its caller."""

    principal: Principal | None
    work_limits: WorkLimits
    address: str = "10.0.0.7"
    spending: Spending = field(default_factory=Spending)
    documents: Documents = field(default_factory=Documents)
    introspection: bool = False


def caller(name: str, limits: WorkLimits) -> Asking:
    return Asking(Principal(name, None, frozenset()), limits)


async def ask(text: str, context: Asking) -> None:
    await checked_operation(SCHEMA, text, None, context, None, None)


def text_of(fields: int = 3) -> str:
    """Fits no schema, which the log tells each time that it is checked."""
    return "{" + " ".join(f"f{uuid4().hex}" for _ in range(fields)) + "}"


async def test_a_text_that_everybody_sends_at_once_is_checked_until_it_is_remembered() -> None:
    """As after a frontend's deployment; those who waited for the others get back what they were charged."""
    limits, text = WorkLimits(), text_of()
    with written_as("json") as lines:
        await asyncio.gather(*(ask(text, caller(f"u{n}", limits)) for n in range(50)))
    assert lines.getvalue().count("operation unfit") == 2
    full = limits.of_caller * SAVED_SECONDS
    assert sum(account.left < full for account in limits.accounts.values()) == 2


async def test_who_sends_many_texts_waits_for_those_who_send_one() -> None:
    limits, done = WorkLimits(), list[str]()

    async def ask_as(name: str) -> None:
        await ask(text_of(), caller(name, limits))
        done.append(name)

    await asyncio.gather(*(ask_as(name) for name in ["eve"] * 5 + ["ada", "bob"]))
    assert done[:3] == ["eve", "ada", "bob"]


async def test_after_a_text_others_have_several_times_as_long() -> None:
    turns, began = TextTurns(), time.perf_counter()
    async with turns.of(asyncio.Lock()):
        await asyncio.sleep(0.01)
    worked = time.perf_counter() - began
    async with turns.of(asyncio.Lock()):
        pauses = time.perf_counter() - began - worked
    assert pauses >= REST * 0.01


async def test_a_text_that_fails_or_is_given_up_leaves_its_turn_to_the_next() -> None:
    limits = WorkLimits()
    eve = asyncio.create_task(ask(text_of(fields=30), caller("eve", limits)))
    waiting = asyncio.create_task(ask(text_of(), caller("ada", limits)))
    await asyncio.sleep(0)
    eve.cancel()
    await waiting
    with pytest.raises(asyncio.CancelledError):
        await eve
