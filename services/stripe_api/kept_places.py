"""The customers' places in one queue, also of those who were told to come back later.

Users take turns in the order in which they came; who has more orders waiting goes to the end after each. A place is
kept for a while after its caller was told to come, so that who returns goes before all who came later. Who is late
isn't reckoned with any more, and who doesn't come is forgotten.
"""

import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

LATE = 3.0  # seconds after the time that they were told: they don't count for the others' wait
KEPT = 60.0  # seconds after the time that they were told: browsers slow down the timers of hidden tabs
MOST_PLACES = 20_000
MOST_OF_USER = 100
LEARNING = 0.02  # how much one caller who came, or did not, says about the others

T = TypeVar("T")


class _Place(Generic[T]):
    """Of one user and what they ask about. `callers` wait now; without any, somebody is expected by `due`."""

    __slots__ = ("about", "callers", "counts", "due", "is_watched", "user")

    def __init__(self, user: "_User[T]", about: Hashable) -> None:
        self.user = user
        self.about = about
        self.callers: deque[T] = deque()
        self.counts = False
        self.due = 0.0
        self.is_watched = False  # it stands in the heap of those who are expected


class _User(Generic[T]):
    """`counted` are the places that others have to wait for, `here` those with a caller."""

    __slots__ = ("counted", "here", "name", "places", "ticket")

    def __init__(self, name: Hashable, ticket: int) -> None:
        self.name = name
        self.ticket = ticket
        self.places: dict[Hashable, _Place[T]] = {}
        self.counted = 0
        self.here = 0


class KeptPlaces(Generic[T]):
    def __init__(self) -> None:
        self._users: dict[Hashable, _User[T]] = {}
        self._by_ticket: dict[int, _User[T]] = {}
        self._last_ticket = 0
        self._counted: list[int] = []  # tickets of users with a place that counts, in order
        self._here: list[int] = []  # tickets of users with a caller, in order
        self._with_more_than: list[int] = [0] * (MOST_OF_USER + 1)  # users by how many places of theirs count
        self._dues: list[tuple[float, int, _Place[T]]] = []
        self._watched = 0
        self._places = 0
        self._return = 1.0  # the share of those who were told to come back that do

    def __len__(self) -> int:
        return self._places

    @property
    def is_anyone_here(self) -> bool:
        return bool(self._here)

    def turns_before(self, name: Hashable, about: Hashable) -> float:
        """How many turns others, and the user's own orders, have before this one."""
        user = self._users.get(name)
        rounds = self._rounds_before(user, about) if user else 0
        if rounds:
            turns = sum(self._with_more_than[:rounds])
        else:
            turns = bisect_left(self._counted, user.ticket) if user else len(self._counted)
        here = min(turns, len(self._here))
        return here + (turns - here) * self._return

    def _rounds_before(self, user: _User[T], about: Hashable) -> int:
        rounds = 0
        for place in user.places.values():
            if place.about == about:
                break
            rounds += place.counts
        return rounds

    def join(self, name: Hashable, about: Hashable, caller: T) -> None:
        """Wait from now on, at the place that was kept or at a new one."""
        place = self._place(name, about)
        if not place.callers:
            if place.due and place.counts:
                self._learn(came=True)
            place.user.here += 1
            if place.user.here == 1:
                insort(self._here, place.user.ticket)
        place.callers.append(caller)
        self._count(place)

    def leave(self, name: Hashable, about: Hashable, caller: T, *, due: float | None) -> None:
        """Wait no longer; the place is kept for one who comes back by `due`, if there is one."""
        place = self._users[name].places[about]
        place.callers.remove(caller)
        if not place.callers:
            self._nobody_here(place)
            self._expect_or_forget(place, due)

    def new_ticket(self) -> int:
        """Who gets it goes before all who come later."""
        self._last_ticket += 1
        return self._last_ticket

    def keep(self, name: Hashable, about: Hashable, due: float, ticket: int | None = None) -> None:
        """Keep a place for one who is told to come back, if there is room. `ticket` is one that they had before."""
        user = self._users.get(name)
        known = user is not None and about in user.places
        full = self._places >= MOST_PLACES or (user is not None and len(user.places) >= MOST_OF_USER)
        if full and not known:
            return
        place = self._place(name, about, ticket)
        if not place.callers:
            self._expect_or_forget(place, due)

    def next(self) -> tuple[T, int] | None:
        """Who is here and has waited longest, and their ticket; the place is given up, and the user goes to the end."""
        if not self._here:
            return None
        ticket = self._here[0]
        user = self._by_ticket[ticket]
        place = next(place for place in user.places.values() if place.callers)
        caller = place.callers.popleft()
        if not place.callers:
            self._nobody_here(place)
            self._forget(place)
        if user.places:
            self._to_the_end(user)
        return caller, ticket

    def forget(self, name: Hashable, about: Hashable) -> None:
        """Give up a place at which nobody waits, if it was kept."""
        user = self._users.get(name)
        place = user.places.get(about) if user else None
        if place is not None and not place.callers:
            self._forget(place)

    def expire(self, now: float) -> None:
        """Count those who are late no longer, and forget those who didn't come."""
        while self._dues and self._dues[0][0] <= now:
            place = heapq.heappop(self._dues)[2]
            place.is_watched = False
            if place.callers or place.user.places.get(place.about) is not place:
                continue
            if now < place.due + LATE:  # they were told another time since
                self._watch(place, place.due + LATE)
                continue
            if place.counts:
                self._learn(came=False)
                self._discount(place)
            if now < place.due + KEPT:
                self._watch(place, place.due + KEPT)
            else:
                self._forget(place)

    def _place(self, name: Hashable, about: Hashable, ticket: int | None = None) -> _Place[T]:
        user = self._users.get(name)
        if user is None:
            user = self._users[name] = _User(name, ticket or self.new_ticket())
            self._by_ticket[user.ticket] = user
        place = user.places.get(about)
        if place is None:
            place = user.places[about] = _Place(user, about)
            self._places += 1
        return place

    def _expect_or_forget(self, place: _Place[T], due: float | None) -> None:
        if due is None:
            self._forget(place)
            return
        place.due = due
        self._count(place)
        self._watch(place, due + LATE)

    def _watch(self, place: _Place[T], at: float) -> None:
        if not place.is_watched:
            place.is_watched = True
            self._watched += 1
            heapq.heappush(self._dues, (at, self._watched, place))

    def _nobody_here(self, place: _Place[T]) -> None:
        place.user.here -= 1
        if not place.user.here:
            _remove(self._here, place.user.ticket)

    def _count(self, place: _Place[T]) -> None:
        if place.counts:
            return
        place.counts = True
        user = place.user
        if not user.counted:
            insort(self._counted, user.ticket)
        self._with_more_than[min(user.counted, MOST_OF_USER)] += 1
        user.counted += 1

    def _discount(self, place: _Place[T]) -> None:
        if not place.counts:
            return
        place.counts = False
        user = place.user
        user.counted -= 1
        self._with_more_than[min(user.counted, MOST_OF_USER)] -= 1
        if not user.counted:
            _remove(self._counted, user.ticket)

    def _forget(self, place: _Place[T]) -> None:
        self._discount(place)
        user = place.user
        del user.places[place.about]
        self._places -= 1
        if not user.places:
            del self._users[user.name]
            del self._by_ticket[user.ticket]

    def _to_the_end(self, user: _User[T]) -> None:
        for tickets in (self._counted, self._here):
            _remove(tickets, user.ticket)
        del self._by_ticket[user.ticket]
        user.ticket = self.new_ticket()
        self._by_ticket[user.ticket] = user
        if user.counted:
            self._counted.append(user.ticket)
        if user.here:
            self._here.append(user.ticket)

    def _learn(self, *, came: bool) -> None:
        self._return += (came - self._return) * LEARNING


def _remove(tickets: list[int], ticket: int) -> None:
    place = bisect_left(tickets, ticket)
    if place < len(tickets) and tickets[place] == ticket:
        del tickets[place]
