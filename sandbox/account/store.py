"""Objects in memory, in order of creation, so that a list costs what it returns and not what there is."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import islice
from typing import Protocol

from sandbox.http.answers import Object
from sandbox.http.errors import no_such

Match = Callable[[Object], bool]
Place = tuple[int, int, int]
"""Where an object stands in a list: the second it was made, the rank of where it is kept, its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list: seconds inclusive on both sides, ids exclusive as Stripe's cursors are."""

    since: int | None = None
    until: int | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    limit: int = 10


class Source(Protocol):
    """Objects that are computed when they are asked for, such as a million strangers' events."""

    rank: int

    def get(self, object_id: str) -> Object | None: ...

    def place(self, object_id: str) -> Place | None: ...

    def walk(
        self, low: Place | None, high: Place | None, where: Mapping[str, str], types: Sequence[str] | None
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        """Places strictly between `low` and `high`, newest first; the object is made when it is called for."""
        ...

    def walk_up(
        self, low: Place | None, high: Place | None, where: Mapping[str, str], types: Sequence[str] | None
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        """The same, oldest first."""
        ...


_STORED = 1_000  # the rank of what is kept here: after whatever was computed for the same second


class Table:
    """All objects of one kind. `indexed` names the fields a list can be narrowed by without a scan.

    `sources` add objects that were not saved. One that is saved is kept from then on, at the place it has in its
    source.
    """

    def __init__(self, noun: str, indexed: Iterable[str] = ()) -> None:
        self.noun = noun
        self.sources: list[Source] = []
        self.taken_over: dict[str, Object] = {}  # of a source, and written since
        self._objects: dict[str, Object] = {}
        self._ids: list[str] = []
        self._created: list[int] = []
        self._position: dict[str, int] = {}
        self._indexes: dict[str, dict[str, list[int]]] = {name: {} for name in indexed}

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Object]:
        """What was saved, oldest first."""
        return (self._objects[object_id] for object_id in self._ids)

    def get(self, object_id: str) -> Object | None:
        found = self._objects.get(object_id) or self.taken_over.get(object_id)
        if found is not None or not self.sources:
            return found
        return next(filter(None, (source.get(object_id) for source in self.sources)), None)

    def require(self, object_id: str, *, param: str = "id", status: int = 404) -> Object:
        found = self.get(object_id)
        if found is None:
            raise no_such(self.noun, object_id, param=param, status=status)
        return found

    def save(self, new: Object) -> Object | None:
        """Insert or replace by id; returns what was there before."""
        object_id = new["id"]
        old = self._objects.get(object_id)
        if old is None:
            if any(source.place(object_id) for source in self.sources):
                before = self.get(object_id)
                self.taken_over[object_id] = new
                return before
            self._position[object_id] = len(self._ids)
            self._ids.append(object_id)
            self._created.append(new["created"])
        self._objects[object_id] = new
        for name, index in self._indexes.items():
            self._reindex(index, self._position[object_id], (old or {}).get(name), new.get(name))
        return old

    @staticmethod
    def _reindex(index: dict[str, list[int]], position: int, old: str | None, new: str | None) -> None:
        if old == new:
            return
        if old is not None:
            index[old].remove(position)
        if new is not None:
            insort(index.setdefault(new, []), position)

    def page(
        self,
        window: Window,
        where: Mapping[str, str],
        matches: Match | None = None,
        *,
        types: Sequence[str] | None = None,
    ) -> tuple[list[Object], bool]:
        """The newest objects of the window first, and whether there are more beyond the page.

        `types` are patterns that sources may use to skip what `matches` would refuse.
        """
        low, high = self._bounds(window)
        backwards = window.ending_before is None
        walks = [self._walk(low, high, where, backwards=backwards)]
        for source in self.sources:
            walk = source.walk if backwards else source.walk_up
            walks.append(walk(low, high, where, types))
        candidates = walks[0] if len(walks) == 1 else merge(*walks, key=_place, reverse=backwards)
        chosen = (each for each in map(self._made, candidates) if matches is None or matches(each))
        found = list(islice(chosen, window.limit + 1))
        page = found[: window.limit]
        return page if backwards else page[::-1], len(found) > window.limit

    def _made(self, candidate: tuple[Place, Callable[[], Object]]) -> Object:
        made = candidate[1]()
        return self.taken_over.get(made["id"], made) if self.taken_over else made

    def _walk(
        self, low: Place | None, high: Place | None, where: Mapping[str, str], *, backwards: bool
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        positions = self._positions(where)
        first = 0 if low is None else self._after(low)
        last = len(self._ids) if high is None else self._before(high)
        chosen = range(bisect_left(positions, first), bisect_left(positions, last))
        for index in reversed(chosen) if backwards else chosen:
            position = positions[index]
            place = self._created[position], _STORED, position
            yield place, partial(self._objects.__getitem__, self._ids[position])

    def _after(self, low: Place) -> int:
        """The first position after `low`."""
        second, rank, number = low
        return number + 1 if rank == _STORED else bisect_left(self._created, second)

    def _before(self, high: Place) -> int:
        """One past the last position before `high`."""
        second, rank, number = high
        return number if rank == _STORED else bisect_left(self._created, second)

    def _bounds(self, window: Window) -> tuple[Place | None, Place | None]:
        """The places between which the window lies, both exclusive."""
        lows, highs = [], []
        if window.since is not None:
            lows.append((window.since, -1, 0))
        if window.until is not None:
            highs.append((window.until + 1, -1, 0))
        if window.starting_after is not None:
            highs.append(self._place(window.starting_after, "starting_after"))
        if window.ending_before is not None:
            lows.append(self._place(window.ending_before, "ending_before"))
        return max(lows, default=None), min(highs, default=None)

    def _place(self, object_id: str, param: str) -> Place:
        if object_id in self._position:
            position = self._position[object_id]
            return self._created[position], _STORED, position
        places = filter(None, (source.place(object_id) for source in self.sources))
        found = next(places, None)
        if found is None:
            raise no_such(self.noun, object_id, param=param, status=400)
        return found

    def _positions(self, where: Mapping[str, str]) -> Sequence[int]:
        chosen = [self._indexes[name].get(value, []) for name, value in where.items()]
        if not chosen:
            return range(len(self._ids))
        if len(chosen) == 1:
            return chosen[0]
        return sorted(set(chosen[0]).intersection(*chosen[1:]))


def _place(candidate: tuple[Place, Callable[[], Object]]) -> Place:
    return candidate[0]
