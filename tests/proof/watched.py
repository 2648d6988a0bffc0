"""A database that knows which work holds one of its connections, also among others that go on meanwhile."""

from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from typing import TypeVar

from runtime.database.database import Database, Transaction

T = TypeVar("T")
_held: ContextVar[bool] = ContextVar("a connection is held", default=False)


class WatchedDatabase(Database):
    """Single statements give their connection back before anybody else runs; transactions are watched."""

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], *, locks: Hashable = None) -> T:
        async def watched(connection: Transaction) -> T:
            token = _held.set(True)
            try:
                return await work(connection)
            finally:
                _held.reset(token)

        return await super().transaction(watched, locks=locks)


def is_held() -> bool:
    """Whether whoever asks does so in the middle of a transaction."""
    return _held.get()
