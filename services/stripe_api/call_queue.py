"""The one queue in front of Stripe: who may call next. Each of Stripe's endpoints has its own line.

    customers   first, in the order in which they came; users with several orders take turns with the others
    webhooks    every second turn while customers wait too, and all of them when no customer pays
    repairs     what is left, and at least one turn in ten
    readers     what is left, and at least one turn in 25

It is asked before anything is recorded. A customer whose turn would come too late is refused at once, is told when to
come back, and finds their place kept then (kept_places.py). How fast turns come, pace.py decides.
"""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Hashable
from contextvars import ContextVar
from contextvars import Token as ContextToken
from enum import Enum, auto
from types import TracebackType
from typing import Self

from services.identity.refusals import Refusal
from services.payments.call_priority import Caller, Rank
from services.payments.intents import NotSent
from services.stripe_api.kept_places import KeptPlaces
from services.stripe_api.pace import Pace

# Of the turns, that nobody takes who goes before them.
SHARES = {Rank.WEBHOOK: 1 / 2, Rank.REPAIR: 1 / 10, Rank.READER: 1 / 25}
# Seconds of a customer: leaves the call its time within the deadline of createPaymentIntent.
LONGEST_WAIT = 5.0
LONGEST_WAIT_BEHIND = 20.0  # seconds of all others: less than the lease of an event
MOST_BEHIND = {Rank.WEBHOOK: 1_000, Rank.REPAIR: 1_000, Rank.READER: 100}  # who wait at once
EARLY = 2.5  # seconds before their turn, customers are told to come back, so that no turn is wasted
SHORTEST_RETRY = 1
LONGEST_RETRY = 600


class CallQueue:
    """At most `per_second` calls to each endpoint in any second, of this process."""

    def __init__(self, per_second: float, *, longest_wait: float = LONGEST_WAIT) -> None:
        self._lines: defaultdict[str, Line] = defaultdict(lambda: Line(Pace(per_second), longest_wait))

    def line(self, endpoint: str) -> "Line":
        """`GET /v1/payment_intents/:id`: a few names, whichever object is asked about."""
        return self._lines[endpoint]


class _Is(Enum):
    WAITING = auto()
    REFUSED = auto()
    HERE = auto()
    OVER = auto()  # used, given back or left


class Line:
    """Who waits for one endpoint."""

    def __init__(self, pace: Pace, longest_wait: float = LONGEST_WAIT) -> None:
        self._pace = pace
        self._longest_wait = longest_wait
        self._customers: KeptPlaces[CallTurn] = KeptPlaces()
        self._behind: dict[Rank, deque[CallTurn]] = {rank: deque() for rank in SHARES}
        self._owed = dict.fromkeys(SHARES, 0.0)  # turns that a rank has earned by letting others go first
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = math.inf  # kept here: uvloop's handles for the nearest moments don't tell it
        self._loop = asyncio.get_running_loop()

    def ask(self, caller: Caller, about: Hashable = None) -> "CallTurn":
        """A place in the line, or a refusal; it never waits. Use it as `with line.ask(…) as turn:`."""
        turn = CallTurn(self, caller, about)
        self._serve()
        if self._is_free and not self._is_anyone_waiting:
            self._customers.forget(turn.name, turn.about)
            turn.ticket = self._customers.new_ticket()
            self._lend(turn)
        elif caller.rank is Rank.CUSTOMER:
            self._queue_or_refuse(turn)
        elif len(self._behind[caller.rank]) < MOST_BEHIND[caller.rank]:
            self._behind[caller.rank].append(turn)
            turn.is_waiting(LONGEST_WAIT_BEHIND)
        else:
            turn.is_refused_for(LONGEST_WAIT_BEHIND)
        self._wake_in_time()
        return turn

    def slow_down(self, turn: "CallTurn") -> int:
        """After a 429 about the rate; the caller's place is kept for as many seconds as this returns."""
        now = self._loop.time()
        self._pace.slow_down(now)
        self._wake_in_time()
        retry_after = max(SHORTEST_RETRY, math.ceil(self._seconds_until_free()))
        self._keep_ticket(turn, retry_after)
        return retry_after

    def _keep_ticket(self, turn: "CallTurn", retry_after: int) -> None:
        if turn.caller.rank is Rank.CUSTOMER and turn.caller.user is not None:
            due = self._loop.time() + retry_after
            self._customers.keep(turn.name, turn.about, due, turn.ticket)

    # ---- who goes next -----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._customers.expire(self._loop.time())
        while self._is_free and (turn := self._next()) is not None:
            self._lend(turn)

    def _next(self) -> "CallTurn | None":
        waiting = [rank for rank in SHARES if self._behind[rank]]
        for rank in SHARES:
            self._owed[rank] = self._owed[rank] + SHARES[rank] if rank in waiting else 0.0
        for rank in waiting:
            if self._owed[rank] >= 1:
                return self._next_behind(rank)
        if (first := self._customers.next()) is not None:
            first[0].ticket = first[1]
            return first[0]
        return self._next_behind(waiting[0]) if waiting else None

    def _next_behind(self, rank: Rank) -> "CallTurn":
        self._owed[rank] = max(0.0, self._owed[rank] - 1)
        return self._behind[rank].popleft()

    @property
    def _is_anyone_waiting(self) -> bool:
        return self._customers.is_anyone_here or any(self._behind.values())

    # ---- customers who have to wait ----------------------------------------------------------------------------

    def _queue_or_refuse(self, turn: "CallTurn") -> None:
        wait = self._wait_of(turn)
        if wait <= self._longest_wait:
            self._customers.join(turn.name, turn.about, turn)
            turn.is_waiting(self._longest_wait)
        else:
            turn.is_refused_for(self._keep(turn, wait))

    def _wait_of(self, turn: "CallTurn") -> float:
        """Seconds until this customer's turn."""
        taken = sum(SHARES[rank] for rank, turns in self._behind.items() if turns)
        before = self._customers.turns_before(turn.name, turn.about)
        return self._seconds_until_free() + before / (self._pace.per_second * (1 - taken))

    def _seconds_until_free(self) -> float:
        """0 while it depends on the end of a turn that is out."""
        now = self._loop.time()
        at = self._pace.free_at(now)
        return at - now if at < math.inf else 0.0

    def _keep(self, turn: "CallTurn", wait: float) -> int:
        """Seconds after which they may come back."""
        retry_after = min(LONGEST_RETRY, max(SHORTEST_RETRY, round(wait - EARLY)))
        if turn.caller.user is not None:  # others can't be recognised when they return
            self._customers.keep(turn.name, turn.about, self._loop.time() + retry_after)
        return retry_after

    # ---- what becomes of a turn --------------------------------------------------------------------------------

    @property
    def _is_free(self) -> bool:
        now = self._loop.time()
        return self._pace.free_at(now) <= now

    def _lend(self, turn: "CallTurn") -> None:
        now = self._loop.time()
        self._pace.lend(now)
        turn.is_lent(now)

    def use(self, turn: "CallTurn") -> None:
        self._pace.send(self._loop.time(), turn.lent_at)
        self._wake_in_time()

    def give_back(self, turn: "CallTurn", *, comes_back: bool) -> None:
        """The turn was not used; a customer's place is kept if they come back."""
        self._pace.give_back()
        if comes_back:
            self._keep_ticket(turn, SHORTEST_RETRY)
        self._serve()
        self._wake_in_time()

    def leave(self, turn: "CallTurn", *, comes_back: bool) -> int:
        """Wait no longer; a customer's place is kept if they come back, in as many seconds as this returns."""
        rank = turn.caller.rank
        if rank is not Rank.CUSTOMER:
            self._behind[rank].remove(turn)
            return SHORTEST_RETRY
        retry_after = max(SHORTEST_RETRY, round(self._wait_of(turn) - EARLY))
        due = self._loop.time() + retry_after if comes_back and turn.caller.user is not None else None
        self._customers.leave(turn.name, turn.about, turn, due=due)
        return retry_after

    def _wake_in_time(self) -> None:
        """Look again when the next turn is free; while that depends on a turn that is out, its end looks again."""
        if not self._is_anyone_waiting:
            return
        now = self._loop.time()
        at = self._pace.free_at(now)
        if at == math.inf or (self._timer is not None and self._wakes_at <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at = at
        self._timer = self._loop.call_later(max(0.0, at - now), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._serve()
        self._wake_in_time()


HELD: ContextVar["CallTurn | None"] = ContextVar("held_turn", default=None)


class CallTurn:
    """One caller's place in a line, then a turn (see `Turn` in services/payments/call_priority.py)."""

    def __init__(self, line: Line, caller: Caller, about: Hashable) -> None:
        self.caller = caller
        self.name: Hashable = self if caller.user is None else caller.user
        self.about = about
        self.ticket = 0  # the customer's place in the order of arrival
        self.lent_at = 0.0
        self._line = line
        self._is = _Is.OVER
        self._wakes: asyncio.Future[None] | None = None
        self._patience = 0.0
        self._retry_after = 0.0
        self._token: ContextToken[CallTurn | None] | None = None

    @property
    def is_here(self) -> bool:
        return self._is is _Is.HERE

    @property
    def is_refused(self) -> bool:
        return self._is is _Is.REFUSED

    def is_lent(self, now: float) -> None:
        self._is, self.lent_at = _Is.HERE, now
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)

    def is_waiting(self, patience: float) -> None:
        self._is, self._patience = _Is.WAITING, patience

    def is_refused_for(self, seconds: float) -> None:
        self._is, self._retry_after = _Is.REFUSED, seconds

    def is_for(self, line: Line) -> bool:
        """Whether a call to this endpoint may go out with it."""
        return self._line is line and self.is_here

    async def wait(self) -> None:
        if self._is is _Is.WAITING:
            self._wakes = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._patience):
                    await self._wakes
            except TimeoutError:
                if self._is is _Is.WAITING:  # otherwise it came at the last moment
                    self.is_refused_for(self._line.leave(self, comes_back=True))
            except asyncio.CancelledError:
                if self._is is _Is.WAITING:  # who hung up, or was cut off, may come back
                    self._is = _Is.OVER
                    self._line.leave(self, comes_back=True)
                raise
        if self.is_refused:
            raise NotSent("too many are waiting for their turn", retry_after=math.ceil(self._retry_after))

    def use(self) -> None:
        """The call goes out now."""
        self._is = _Is.OVER
        self._line.use(self)

    def slow_down(self) -> int:
        return self._line.slow_down(self)

    def __enter__(self) -> Self:
        self._token = HELD.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            HELD.reset(self._token)
        was, self._is = self._is, _Is.OVER
        if was is _Is.HERE:
            # They hung up, or the database is away.
            failed = error is not None and not isinstance(error, Refusal)
            self._line.give_back(self, comes_back=failed)
        elif was is _Is.WAITING:
            self._line.leave(self, comes_back=False)
