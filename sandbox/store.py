"""Objects in memory, in order of creation, so that a list costs what it returns and not what there is."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sandbox.answers import Object
from sandbox.errors import no_such


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list: seconds inclusive on both sides, ids exclusive as Stripe's cursors are."""

    since: int | None = None
    until: int | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    limit: int = 10


class Table:
    """All objects of one kind. `indexed` names the fields a list can be narrowed by without a scan."""

    def __init__(self, noun: str, indexed: Iterable[str] = ()) -> None:
        self.noun = noun
        self._objects: dict[str, Object] = {}
        self._ids: list[str] = []
        self._created: list[int] = []
        self._position: dict[str, int] = {}
        self._indexes: dict[str, dict[str, list[int]]] = {name: {} for name in indexed}

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Object]:
        """Oldest first."""
        return (self._objects[object_id] for object_id in self._ids)

    def get(self, object_id: str) -> Object | None:
        return self._objects.get(object_id)

    def require(self, object_id: str, *, param: str = "id", status: int = 404) -> Object:
        found = self._objects.get(object_id)
        if found is None:
            raise no_such(self.noun, object_id, param=param, status=status)
        return found

    def save(self, new: Object) -> Object | None:
        """Insert or replace by id; returns what was there before."""
        object_id = new["id"]
        old = self._objects.get(object_id)
        if old is None:
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
        self, window: Window, where: Mapping[str, str], matches: Callable[[Object], bool] | None = None
    ) -> tuple[list[Object], bool]:
        """The newest objects of the window first, and whether there are more beyond the page."""
        low, high = self._bounds(window)
        positions = self._positions(where)
        chosen = range(bisect_left(positions, low), bisect_left(positions, high))
        backwards = window.ending_before is None
        found: list[Object] = []
        for place in reversed(chosen) if backwards else chosen:
            candidate = self._objects[self._ids[positions[place]]]
            if matches is None or matches(candidate):
                found.append(candidate)
            if len(found) > window.limit:
                break
        page = found[: window.limit]
        return page if backwards else page[::-1], len(found) > window.limit

    def _bounds(self, window: Window) -> tuple[int, int]:
        low = 0 if window.since is None else bisect_left(self._created, window.since)
        high = len(self._ids) if window.until is None else bisect_right(self._created, window.until)
        if window.starting_after is not None:
            high = min(high, self._place(window.starting_after, "starting_after"))
        if window.ending_before is not None:
            low = max(low, self._place(window.ending_before, "ending_before") + 1)
        return low, high

    def _place(self, object_id: str, param: str) -> int:
        self.require(object_id, param=param, status=400)
        return self._position[object_id]

    def _positions(self, where: Mapping[str, str]) -> Sequence[int]:
        chosen = [self._indexes[name].get(value, []) for name, value in where.items()]
        if not chosen:
            return range(len(self._ids))
        if len(chosen) == 1:
            return chosen[0]
        return sorted(set(chosen[0]).intersection(*chosen[1:]))
