"""A crowd in front of Stripe, in virtual time, around the real queue.

Customers have patience and come back as they are told; webhooks, sweeps and readers call too; other applications use
the account.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from services.payments.call_priority import Caller, Rank
from services.payments.intents import NotSent
from services.stripe_api.call_queue import Line
from services.stripe_api.pace import Pace


@dataclass
class StripeModel:
    """A bucket of one second's calls, as the sandbox has it. `others` take so many a second of it."""

    per_second: float
    latency: tuple[float, float] = (0.1, 0.3)
    others: float = 0.0
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311  it must be repeatable
    calls: list[float] = field(default_factory=list)
    refused: int = 0
    _left: float = 0.0
    _since: float = 0.0

    def __post_init__(self) -> None:
        self._left = self.per_second

    async def call(self) -> bool:
        """Whether it was taken; False is a 429 about the rate."""
        now = asyncio.get_running_loop().time()
        refill = (self.per_second - self.others) * (now - self._since)
        self._left, self._since = min(self.per_second, self._left + refill), now
        taken = self._left >= 1
        self._left -= taken
        self.calls.append(now)
        self.refused += not taken
        await asyncio.sleep(self.random.uniform(*self.latency) if taken else 0.05)
        return taken


@dataclass
class Crowd:
    """`refusals` counts those of each customer, `others` the calls of each other rank that Stripe took."""

    stripe: StripeModel
    random: Random
    preparation: float = 0.01  # seconds between a turn and its call: the payment is recorded
    line: Line = field(init=False)
    calls: list[tuple[int, str]] = field(default_factory=list)
    served_at: list[float] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    others: Counter[Rank] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.line = Line(Pace(self.stripe.per_second))

    @property
    def served(self) -> list[str]:
        """Customers in the order in which their calls went out."""
        return [name for _, name in sorted(self.calls)]

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def customer(self, name: str, at: float, patience: float, *, orders: int = 1) -> None:
        await asyncio.sleep(at)
        if orders == 1:
            self.came.append(name)
        await asyncio.gather(*(self._pay(name, f"{name}/{each}", patience) for each in range(orders)))

    async def _pay(self, user: str, order: str, patience: float) -> None:
        ends = self.now + patience
        while self.now < ends:
            try:
                pause = await self._try(Caller(user=user), order)
                if not pause:
                    return
            except NotSent as refused:
                self.refusals[order] += 1
                pause = refused.retry_after
            await asyncio.sleep(pause + self.random.uniform(0, 1))
        self.gave_up.append(order)

    async def _try(self, caller: Caller, about: str) -> int:
        """Seconds to wait before trying again; 0 when Stripe took the call."""
        with self.line.ask(caller, about) as turn:
            await turn.wait()
            await asyncio.sleep(self.preparation)
            turn.use()
            number = len(self.stripe.calls)
            if not await self.stripe.call():
                return turn.slow_down()
            if caller.rank is Rank.CUSTOMER:
                self.calls.append((number, about))
                self.served_at.append(self.now)
            return 0

    async def in_a_row(self, rank: Rank, count: int, *, at_once: int = 20) -> None:
        """Work of another rank, some of it at once, until `count` calls were taken."""
        left = count

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                try:
                    taken = not await self._try(Caller(rank), str(left))
                except NotSent:
                    taken = False
                self.others[rank] += taken
                left += not taken

        await asyncio.gather(*(work() for _ in range(at_once)))


def rank_correlation(came: list[str], served: list[str]) -> float:
    """Spearman's, of the order of arrival and the order of service: 1 is the same order."""
    place = {name: number for number, name in enumerate(came)}
    both = [place[name] for name in served]
    count = len(both)
    order = {place: number for number, place in enumerate(sorted(both))}
    differences = sum((order[place] - number) ** 2 for number, place in enumerate(both))
    return 1 - 6 * differences / (count * (count**2 - 1))
