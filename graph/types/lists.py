"""Lists whose entries are made when they are read: hundreds at once would keep others waiting."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Made(Sequence[T], Generic[T]):
    """What `make` makes of each of the values."""

    def __init__(self, make: Callable[[Any], T], values: Sequence[Any]) -> None:
        self._make = make
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._values)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> "Made[T]": ...
    def __getitem__(self, place: int | slice) -> "T | Made[T]":
        if isinstance(place, slice):
            return Made(self._make, self._values[place])
        return self._make(self._values[place])
