"""What one operation may cost, and what it has cost so far: charged before the work is done."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import GraphQLError

from graph.serving.plain_entries import Filled, Make
from graph.serving.selections import ResolveInfo
from graph.serving.work_limits import Account

Place: TypeAlias = tuple[str | int, ...]  # of a list in its operation

# Units of work: a field that is executed is one (6 to 9 µs), so 7,000 are some 50 ms.
ENTRY = 2  # of a list, beside its fields
TOKEN = 3  # of the text
NEW_TOKEN = 6  # of a text to parse and to validate, which its caller pays for
INTROSPECTION = 5_000  # for the schema or one of its types, which its caller pays for
# Fields of one operation's lists within the schema, of which three are a unit: the whole schema, as tools ask for it,
# has 28,200.
MOST_INTROSPECTED = 40_000
INTROSPECTED_OF_UNIT = 3
VALUE = 1  # of the variables, which its caller pays for
STRETCH = 0.001  # seconds of work after which others get a turn
LONGEST_REST = 10 * STRETCH  # for one turn: whatever was counted wrongly can't keep everybody waiting


@dataclass(frozen=True, slots=True)
class Allowance:
    """The bounds of one operation: `tokens` and `selected` fields in its text with fragments put in, `values` of its
    variables, `entries` of its pages together, and `work` in all."""

    tokens: int
    selected: int
    pairs: int
    values: int
    entries: int
    work: int


SIGNED_IN = Allowance(tokens=1_000, selected=500, pairs=1_000, values=4_000, entries=200, work=7_000)
# Enough for a catalogue's page and for the schema; strangers cost nothing to make.
ANONYMOUS = Allowance(tokens=400, selected=300, pairs=400, values=300, entries=200, work=2_000)


def allowance_of(principal: object | None) -> Allowance:
    return ANONYMOUS if principal is None else SIGNED_IN


@dataclass(slots=True)
class Turns:
    """Long operations go on one after the other, and each rests as long as it has worked: however many there are,
    they have half of the time, and a short one meets at most every second stretch."""

    free_at: float = 0.0

    def book(self, now: float, worked: float) -> float:
        """Seconds until the next free turn, for who has `worked` so many seconds until now."""
        start = max(now, self.free_at) + worked
        self.free_at = start + STRETCH
        return start - now


TURNS = Turns()  # of this process


@dataclass(slots=True)
class Spending:
    """What one operation has asked for so far, all its aliases together."""

    allowance: Allowance = SIGNED_IN
    entries: int = 0
    work: int = 0
    weights: dict[Place, int] = field(default_factory=dict)  # of an entry's fields
    makers: dict[Place, Make | None] = field(default_factory=dict)
    filled: list[Filled] = field(default_factory=list)  # lists that are put into the answer when it is done
    account: Account | None = None  # of the caller, whom all their operations together may cost so much
    roots: dict[str, ResolveInfo] = field(default_factory=dict)  # by their names in the answer
    introspected: int = 0  # fields of lists within the schema
    lines_read: int = 0  # of orders, whether they are charged already or not
    reading_lines: asyncio.Lock = field(default_factory=asyncio.Lock)  # by one list at a time
    queue: Turns = field(default_factory=lambda: TURNS)
    clock: Callable[[], float] = time.perf_counter
    turn_began: float = field(init=False)
    had_others: bool = True  # a turn since ours began

    def __post_init__(self) -> None:
        self.turn_began = self.clock()

    @property
    def left(self) -> int:
        """Units of work."""
        return max(0, self.allowance.work - self.work)

    @property
    def lines_left(self) -> int:
        """How many lines of orders may still be read: each is an entry of a list at least once."""
        return max(0, min(self.left, self.allowance.work - ENTRY * self.lines_read)) // ENTRY

    def anew(self) -> "Spending":
        """For the next event of a subscription, which may go on for days."""
        return Spending(self.allowance, account=self.account)

    def list_entries(self, count: int) -> None:
        self.check_entries(count)
        self.entries += count

    def check_entries(self, more: int) -> None:
        if self.entries + more > self.allowance.entries:
            raise too_costly(
                f"An operation lists at most {self.allowance.entries} entries in all: ask for smaller pages."
            )

    def charge(self, work: int) -> None:
        self.work += work
        if self.work > self.allowance.work:
            raise too_costly()

    def introspect(self, fields: int) -> bool:
        """For the entries of a list within the schema; False for what comes behind the list that was too much. The
        first `INTROSPECTION` units were paid before."""
        if self.introspected > MOST_INTROSPECTED:
            return False
        paid = max(INTROSPECTION, self.introspected // INTROSPECTED_OF_UNIT)
        self.introspected += fields
        if self.introspected > MOST_INTROSPECTED:
            raise too_costly()
        self.charge_caller(max(0, self.introspected // INTROSPECTED_OF_UNIT - paid))
        return True

    def charge_caller(self, work: int) -> None:
        """For what is work indeed: a text that is remembered costs its operation, and its caller nothing."""
        if self.account is not None:
            self.account.charge(work)

    def is_turn_over(self) -> bool:
        """Whether others should get a turn now."""
        return self.clock() - self.turn_began >= STRETCH

    def go_on(self) -> None:
        """After a wait (for the database, for Stripe, for a turn): that was no work, and our turn begins anew.

        What waits side by side in one operation may go on at once, with nobody else in between: that is one turn.
        """
        if self.had_others:
            self.turn_began = self.clock()
            self.had_others = False
            asyncio.get_running_loop().call_soon(self._note_others)

    def _note_others(self) -> None:
        self.had_others = True

    async def rest(self) -> None:
        """Until our next turn begins."""
        now = self.clock()
        await asyncio.sleep(self.queue.book(now, min(now - self.turn_began, LONGEST_REST)))
        self.turn_began = self.clock()


TOO_MUCH = "The operation asks for too much at once: ask for fewer fields or smaller pages."


def too_costly(message: str = TOO_MUCH) -> GraphQLError:
    """`reason` tells clients that a smaller page may do, whatever the sentence says."""
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT", "reason": "TOO_COSTLY"})


def bad_input(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
