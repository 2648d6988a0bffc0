"""How many sockets one process holds: bounded in all, for each address that has not signed in, and for each caller."""

import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runtime.addresses import network_of

MOST_SOCKETS = 10_000  # of one process; half of the files it may open where that is less
MOST_UNSIGNED_PART = 4  # a quarter of them may be without a token
# Of an address without a token: all customers behind one proxy that is not trusted sign in from one address.
MOST_OF_ADDRESS = 200
MOST_OF_ADDRESS_PART = 8  # and at most an eighth of the places without a token, so that others find room
MOST_OF_CALLER = 50


class TooManySockets(Exception):
    """The message is for the client, who may try again later."""


def most_sockets() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_SOCKETS if files == resource.RLIM_INFINITY else min(MOST_SOCKETS, files // 2)


@dataclass(slots=True)
class OpenSocket:
    """One of the sockets that are counted. A socket begins unsigned, and may sign in once."""

    address: str
    caller: str | None = None


@dataclass(slots=True)
class OpenSockets:
    """Of one process."""

    most: int = field(default_factory=most_sockets)
    most_of_address: int = MOST_OF_ADDRESS
    most_of_caller: int = MOST_OF_CALLER
    open: int = 0
    unsigned: Counter[str] = field(default_factory=Counter)  # by address
    signed: Counter[str] = field(default_factory=Counter)  # by caller

    @contextmanager
    def one_more(self, address: str) -> Iterator[OpenSocket]:
        """Counted until the block ends; `TooManySockets` when there is no room."""
        most_unsigned = max(1, self.most // MOST_UNSIGNED_PART)
        if self.open >= self.most or self.unsigned.total() >= most_unsigned:
            raise TooManySockets("Too many sockets are open on this server. Try again later.")
        opened = OpenSocket(network_of(address))
        most_of_address = min(self.most_of_address, max(1, most_unsigned // MOST_OF_ADDRESS_PART))
        if self.unsigned.get(opened.address, 0) >= most_of_address:
            raise TooManySockets("Too many sockets without a token are open from this address.")
        self.open += 1
        self.unsigned[opened.address] += 1
        try:
            yield opened
        finally:
            self.open -= 1
            _less(*self._place_of(opened))

    def sign_in(self, opened: OpenSocket, caller: str) -> None:
        """Count it as this caller's from now on; `TooManySockets` when they have enough."""
        if self.signed.get(caller, 0) >= self.most_of_caller:
            raise TooManySockets("This caller has too many sockets open: close some.")
        _less(*self._place_of(opened))
        opened.caller = caller
        self.signed[caller] += 1

    def _place_of(self, opened: OpenSocket) -> tuple[Counter[str], str]:
        if opened.caller is None:
            return self.unsigned, opened.address
        return self.signed, opened.caller


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
