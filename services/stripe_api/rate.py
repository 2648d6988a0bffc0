"""A fair, bounded wait in front of Stripe's limit of requests a second: https://docs.stripe.com/rate-limits

Callers take turns in the order in which they came; those who could not be served in time are told so at once instead
of waiting in vain, and nothing has been sent for them. Work in the background (sweeps, webhook events) goes when no
customer waits. A 429 all the same means that somebody else uses the account too: then we go slower for a while.
"""

import asyncio
import re
from collections import defaultdict, deque

from services.payments.call_priority import IN_BACKGROUND
from services.payments.intents import TooManyRequests

LONGEST_WAIT = (
    5.0  # seconds of a customer: leaves the call its time within the deadline of createPaymentIntent
)
LONGEST_WAIT_BEHIND = 20.0  # seconds in the background: less than the lease of an event
MARGIN = 1.05  # calls that left us a second apart may arrive a little closer
SLOWEST = 8.0
RECOVERY = 0.97  # for each call that goes out: two dozen halve the slowness
IDS = re.compile(r"(?<=/)[a-z]+_[A-Za-z0-9]+")


class StripeRate:
    """At most `per_second` calls to each endpoint in any second, of this process."""

    def __init__(self, per_second: float, *, longest_wait: float = LONGEST_WAIT) -> None:
        self._endpoints: defaultdict[str, _Turns] = defaultdict(lambda: _Turns(per_second, longest_wait))

    def of(self, method: str, path: str) -> "_Turns":
        """The turns of an endpoint, whichever object it is asked about."""
        return self._endpoints[f"{method} {IDS.sub('*', path)}"]


class _Turns:
    def __init__(self, per_second: float, longest_wait: float) -> None:
        self._most = max(1, int(per_second))  # in each window; less than one a second makes the window longer
        self._window = self._most / per_second * MARGIN
        self._longest_wait = longest_wait
        self._slowness = 1.0
        self._made: deque[float] = deque([float("-inf")] * self._most, self._most)
        self._customers: deque[asyncio.Future[None]] = deque()
        self._behind: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def turn(self) -> None:
        """Return when a call may go out; `TooManyRequests` when that would be too late."""
        behind = IN_BACKGROUND.get()
        now = self._loop.time()
        if not self._customers and self._free_at(behind) <= now and not (behind and self._behind):
            self._go(now)
            return
        await self._wait(now, behind)

    def _free_at(self, behind: bool) -> float:
        """When the next call may go. Work in the background leaves half of the calls to customers."""
        place = self._most // 2 if behind else 0
        return self._made[place] + self._window * self._slowness

    def _go(self, now: float) -> None:
        self._made.append(now)
        self._slowness = max(1.0, self._slowness * RECOVERY)

    async def _wait(self, now: float, behind: bool) -> None:
        queue, longest = (
            (self._behind, LONGEST_WAIT_BEHIND) if behind else (self._customers, self._longest_wait)
        )
        if not behind and self._turn_of_the_last() - now > longest:
            raise TooManyRequests("too many are waiting for their turn")
        turn: asyncio.Future[None] = self._loop.create_future()
        queue.append(turn)
        self._wake_when_free()
        patience = (
            longest + self._window * self._slowness
        )  # the reckoning was exact, the clock of the loop is not
        try:
            async with asyncio.timeout(patience):
                await turn
        except TimeoutError:
            raise TooManyRequests("no turn in time") from None
        finally:
            if turn in queue:
                queue.remove(turn)

    def _turn_of_the_last(self) -> float:
        """When a customer who came now would go, behind all who wait."""
        windows, place = divmod(len(self._customers), self._most)
        return self._made[place] + self._window * self._slowness * (windows + 1)

    def _wake_when_free(self) -> None:
        waiting = self._customers or self._behind
        if not waiting:
            return
        at = self._free_at(behind=not self._customers)
        if self._timer is None or self._timer.when() > at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(at, self._next)

    def _next(self) -> None:
        self._timer = None
        for queue in (self._customers, self._behind):
            while queue and self._free_at(queue is self._behind) <= self._loop.time():
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    self._go(self._loop.time())
        self._wake_when_free()

    def slow_down(self) -> None:
        """After a 429: a pause, then half as fast as before, and slowly back."""
        self._slowness = min(SLOWEST, self._slowness * 2)
        self._made.extend([self._loop.time()] * self._most)
