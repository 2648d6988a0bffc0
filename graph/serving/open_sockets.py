"""How many sockets one process holds: bounded in all, for each address that has not signed in, and for each caller.

Where there is no place left for one without a token, the oldest of the address that has the most makes room: a few
addresses keep nobody else off.
"""

import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runtime.addresses import network_of

MOST_SOCKETS = 10_000  # of one process; half of the files it may open where that is less
MOST_UNSIGNED_PART = 4  # a quarter of them may be without a token
# Of an address without a token: all customers behind one proxy that is not trusted sign in from one address.
MOST_OF_ADDRESS = 200
MOST_OF_ADDRESS_PART = 8  # and at most an eighth of the places without a token, so that others find room
MOST_OF_CALLER = 50
MADE_ROOM = "Others wait for a place without a token: sign in."


class TooManySockets(Exception):
    """The message is for the client, who may try again later."""


def most_sockets() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_SOCKETS if files == resource.RLIM_INFINITY else min(MOST_SOCKETS, files // 2)


@dataclass(slots=True, eq=False)
class OpenSocket:
    """One of the sockets that are counted. A socket begins unsigned, and may sign in once.

    `end` begins to close it, without waiting; it is called once, when the socket has to make room for another.
    """

    address: str
    caller: str | None = None
    end: Callable[[], object] = lambda: None
    is_ending: bool = False


@dataclass(slots=True)
class OpenSockets:
    """Of one process. `open` are all, those included that were told to make room and have not ended yet."""

    most: int = field(default_factory=most_sockets)
    most_of_address: int = MOST_OF_ADDRESS
    most_of_caller: int = MOST_OF_CALLER
    open: int = 0
    ending: int = 0
    unsigned: Counter[str] = field(default_factory=Counter)  # by address
    signed: Counter[str] = field(default_factory=Counter)  # by caller
    _oldest: dict[str, dict[OpenSocket, None]] = field(default_factory=dict)  # unsigned ones, by address

    @contextmanager
    def one_more(self, address: str) -> Iterator[OpenSocket]:
        """Counted until the block ends; `TooManySockets` when there is no room."""
        opened = OpenSocket(network_of(address))
        most_of_address = min(self.most_of_address, max(1, self._most_unsigned // MOST_OF_ADDRESS_PART))
        if self.unsigned.get(opened.address, 0) >= most_of_address:
            raise TooManySockets("Too many sockets without a token are open from this address.")
        if self.open >= self.most or self.unsigned.total() >= self._most_unsigned:
            self._make_room_for(opened.address)
        self.open += 1
        self.unsigned[opened.address] += 1
        self._oldest.setdefault(opened.address, {})[opened] = None
        try:
            yield opened
        finally:
            self._forget(opened)

    def sign_in(self, opened: OpenSocket, caller: str) -> None:
        """Count it as this caller's from now on; `TooManySockets` when they have enough."""
        if opened.is_ending:
            raise TooManySockets(MADE_ROOM)
        if self.signed.get(caller, 0) >= self.most_of_caller:
            raise TooManySockets("This caller has too many sockets open: close some.")
        self._leave(opened)
        opened.caller = caller
        self.signed[caller] += 1

    @property
    def _most_unsigned(self) -> int:
        return max(1, self.most // MOST_UNSIGNED_PART)

    def _make_room_for(self, address: str) -> None:
        """Whoever has no more than the newcomer keeps theirs. Those that are ending may be as many as the unsigned."""
        crowded, count = max(self.unsigned.items(), key=lambda each: each[1], default=("", 0))
        if count <= self.unsigned.get(address, 0) or self.ending >= self._most_unsigned:
            raise TooManySockets("Too many sockets are open on this server. Try again later.")
        oldest = next(iter(self._oldest[crowded]))
        self._leave(oldest)
        oldest.is_ending = True
        self.ending += 1
        oldest.end()

    def _forget(self, opened: OpenSocket) -> None:
        self.open -= 1
        if opened.is_ending:
            self.ending -= 1
        elif opened.caller is None:
            self._leave(opened)
        else:
            _less(self.signed, opened.caller)

    def _leave(self, opened: OpenSocket) -> None:
        """The places without a token."""
        _less(self.unsigned, opened.address)
        of_address = self._oldest[opened.address]
        del of_address[opened]
        if not of_address:
            del self._oldest[opened.address]


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
