"""What this process was concerned with last, so many and no more."""

from collections.abc import Hashable
from typing import Generic, TypeVar

MOST = 20_000

T = TypeVar("T", bound=Hashable)


class RecentOnes(Generic[T]):
    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ones: dict[T, None] = {}

    def add(self, one: T) -> None:
        self._ones.pop(one, None)
        self._ones[one] = None
        if len(self._ones) > self._most:
            del self._ones[next(iter(self._ones))]

    def __contains__(self, one: T) -> bool:
        return one in self._ones
