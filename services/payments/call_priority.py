"""Who asks Stripe, and for whom. The queue in front of it (services/stripe_api/call_queue.py) decides by that."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import IntEnum
from types import TracebackType
from typing import Protocol, Self


class Rank(IntEnum):
    """In the order in which callers go."""

    CUSTOMER = 0  # somebody pays, cancels or refunds
    WEBHOOK = 1  # an event of Stripe's is finished
    REPAIR = 2  # the sweep
    READER = 3  # somebody looks at an order


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` shares turns with other users; without one, a call stands for itself."""

    rank: Rank = Rank.CUSTOMER
    user: str | None = None


CALLER: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039  it is frozen


@contextmanager
def asking_as(rank: Rank) -> Iterator[None]:
    """What is asked of Stripe within the block has this rank."""
    token = CALLER.set(replace(CALLER.get(), rank=rank))
    try:
        yield
    finally:
        CALLER.reset(token)


@contextmanager
def on_behalf_of(user: str) -> Iterator[None]:
    """What is asked of Stripe within the block is asked for this user; the rank stays."""
    token = CALLER.set(replace(CALLER.get(), user=user))
    try:
        yield
    finally:
        CALLER.reset(token)


class Turn(Protocol):
    """A caller's way through the queue, and then the right to make one call.

    `with turn:` gives back what was not used, whatever ends the block. Within it, the next call of that kind uses it.
    """

    @property
    def is_here(self) -> bool:
        """Whether the call may go out now, without waiting."""

    @property
    def is_refused(self) -> bool:
        """Whether waiting is pointless: `wait` raises `NotSent` at once."""

    async def wait(self) -> None:
        """Return when the call may go out; `NotSent` when that would be too late."""

    def use(self) -> None:
        """The call goes out now."""

    def slow_down(self) -> int:
        """Stripe answered that there were too many calls: those that follow take longer.

        Returns the seconds after which this one may be tried again.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class AlwaysMyTurn:
    """The turn where there is no limit."""

    is_here = True
    is_refused = False

    async def wait(self) -> None: ...

    def use(self) -> None: ...

    def slow_down(self) -> int:
        return 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
