"""New texts are read one after the other, in turns of who sent them, with pauses that belong to everybody else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import pytest
from graphql import GraphQLError, build_schema

from graph.schema import sdl
from graph.serving.bounds import checked_operation
from graph.serving.documents import Documents
from graph.serving.spending import Spending
from graph.serving.text_turns import MOST_OF_SENDER, MOST_SENDERS, REST, Sender, TextTurns
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


def stranger(address: str, limits: WorkLimits) -> Asking:
    return Asking(None, limits, address)


def nothing() -> None:
    """Is found."""


@asynccontextmanager
async def busy(queue: TextTurns, sender: Sender | None = None) -> AsyncIterator[None]:
    """A queue whose turn is taken until the block ends."""
    ends = asyncio.Event()
    taken = asyncio.create_task(queue.checked(sender or Sender(), "taken", nothing, ends.wait))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        ends.set()
        await taken


async def refusal_of(context: Asking) -> GraphQLError:
    """Of who waits for nothing: it comes in the next rounds of the loop."""
    asked = asyncio.create_task(ask(text_of(), context))
    for _ in range(10):
        await asyncio.sleep(0)
    assert asked.done()
    refused = asked.exception()
    assert isinstance(refused, GraphQLError)
    return refused


def text_of(fields: int = 3) -> str:
    """Fits no schema, which the log tells each time that it is checked."""
    return "{" + " ".join(f"f{uuid4().hex}" for _ in range(fields)) + "}"


async def test_a_text_that_everybody_sends_at_once_is_checked_until_it_is_remembered() -> None:
    """As after a frontend's deployment; those who waited for the others get back what they were charged."""
    limits, text = WorkLimits(), text_of()
    with written_as("json") as lines:
        await asyncio.gather(*(ask(text, caller(f"u{n}", limits)) for n in range(3 * MOST_SENDERS)))
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


async def test_who_has_signed_in_does_not_wait_behind_strangers() -> None:
    limits, done = WorkLimits(), list[str]()

    async def ask_as(name: str, context: Asking) -> None:
        await ask(text_of(), context)
        done.append(name)

    strangers = [ask_as("stranger", stranger(f"10.0.{n}.1", limits)) for n in range(5)]
    await asyncio.gather(*strangers, ask_as("ada", caller("ada", limits)))
    assert "ada" in done[:2]


async def test_a_trusted_document_waits_behind_no_other_text_and_is_remembered_at_once() -> None:
    limits, text = WorkLimits(), text_of()
    visitor = stranger("10.0.0.1", limits)
    visitor.documents = Documents({"hash": text})
    async with busy(limits.texts.strangers, limits.account_of(None, visitor.address).texts):
        with written_as("json") as lines:
            await ask(text, visitor)
            await ask(text, visitor)
    assert lines.getvalue().count("operation unfit") == 1


async def test_a_queue_that_is_full_takes_no_more_texts_and_charges_nothing() -> None:
    limits = WorkLimits(pause=0.0)
    async with busy(limits.texts.strangers):
        waiting = [
            asyncio.create_task(ask(text_of(), stranger(f"10.0.{n}.1", limits)))
            for n in range(MOST_SENDERS - 1)
        ]
        await asyncio.sleep(0)
        refused = await refusal_of(stranger("10.1.0.1", limits))
        await ask(text_of(), caller("ada", limits))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert refused.extensions == {"code": "RATE_LIMITED", "retryAfter": 5}
    assert limits.account_of(None, "10.1.0.1").left == limits.of_address * SAVED_SECONDS
    await ask(text_of(), stranger("10.1.0.1", limits))


async def test_one_caller_keeps_so_many_texts_waiting() -> None:
    limits = WorkLimits(pause=0.0)
    async with busy(limits.texts.callers):
        waiting = [asyncio.create_task(ask(text_of(), caller("eve", limits))) for _ in range(MOST_OF_SENDER)]
        await asyncio.sleep(0)
        assert "Too many new operations" in (await refusal_of(caller("eve", limits))).message
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_after_a_text_others_have_several_times_as_long() -> None:
    turns, began = TextTurns(), time.perf_counter()
    await turns.checked(Sender(), "one", nothing, partial(asyncio.sleep, 0.01, "checked"))
    worked = time.perf_counter() - began
    await turns.checked(Sender(), "another", nothing, partial(asyncio.sleep, 0, "checked"))
    pauses = time.perf_counter() - began - worked
    assert pauses >= REST * 0.01


async def test_a_crowd_does_not_wait_for_the_other_texts_of_one_of_it() -> None:
    limits, text = WorkLimits(), text_of()
    async with limits.account_of("eve", "").texts.sending:  # which stand in the queue
        hers = asyncio.create_task(ask(text, caller("eve", limits)))
        await asyncio.sleep(0)
        await asyncio.wait_for(ask(text, caller("ada", limits)), 60)
        assert not hers.done()
    await hers


async def test_a_text_that_fails_or_is_given_up_leaves_its_turn_to_the_next() -> None:
    limits = WorkLimits()
    eve = asyncio.create_task(ask(text_of(fields=30), caller("eve", limits)))
    waiting = asyncio.create_task(ask(text_of(), caller("ada", limits)))
    await asyncio.sleep(0)
    eve.cancel()
    await waiting
    with pytest.raises(asyncio.CancelledError):
        await eve
