"""New texts are checked one after the other, and for a bounded part of the time: however many callers send some, those
who send known ones hardly notice.

Who has signed in does not wait behind strangers, and trusted documents wait behind nobody's texts. Whoever waits holds
memory, so that a queue which is full takes no more.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from runtime.turns import Turns

# Times as long as the last text took. Callers' texts have a sixth of the time, strangers' a twelfth: a quarter in all.
REST_OF_CALLERS, REST_OF_STRANGERS = 5, 11
REST = 3  # of trusted documents, of which there are only so many
MOST_SENDERS = 100  # that wait in one queue, each with one text
MOST_OF_SENDER = 30  # texts; strangers may share an address
SECONDS_OF_QUEUE = 5  # until a full one has moved on, about

T = TypeVar("T")


class TooManyTexts(Exception):
    """More wait than may."""


@dataclass(slots=True)
class Sender:
    """Whoever sends new texts has one place in the queue, whatever they send at once."""

    waiting: int = 0
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class TextTurns:
    """One queue of this process."""

    rest: int = REST
    free_at: float = 0.0
    waiting: int = 0
    _alike: Turns = field(default_factory=Turns)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def checked(
        self, sender: Sender, text: str, find: Callable[[], T | None], check: Callable[[], Awaitable[T]]
    ) -> tuple[T, bool]:
        """What `find` finds once others who sent the same are done; else, and True, what `check` answers in a turn.

        Raises `TooManyTexts` instead of waiting behind too many. A crowd with one text takes one place, and waits for
        nobody whose own other texts come first.
        """
        async with self._alike.of((id(sender), text)):
            if (found := find()) is not None:
                return found, False
            async with self._one_of(sender), self._alike.of(text):
                if (found := find()) is not None:
                    return found, False
                async with self._place():
                    return await check(), True

    @asynccontextmanager
    async def _one_of(self, sender: Sender) -> AsyncIterator[None]:
        if sender.waiting >= MOST_OF_SENDER:
            raise TooManyTexts
        sender.waiting += 1
        try:
            async with sender.sending:
                yield
        finally:
            sender.waiting -= 1

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self.waiting >= MOST_SENDERS:
            raise TooManyTexts
        self.waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(max(0.0, self.free_at - time.perf_counter()))
                began = time.perf_counter()
                try:
                    yield
                finally:
                    ended = time.perf_counter()
                    self.free_at = ended + self.rest * (ended - began)
        finally:
            self.waiting -= 1


@dataclass(slots=True)
class TextQueues:
    """Those of this process."""

    callers: TextTurns = field(default_factory=lambda: TextTurns(REST_OF_CALLERS))
    strangers: TextTurns = field(default_factory=lambda: TextTurns(REST_OF_STRANGERS))
    trusted: TextTurns = field(default_factory=TextTurns)
