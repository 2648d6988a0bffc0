"""A pool of connections with parts: each kind of work keeps some that no other kind takes.

It never overflows: connections opened and closed under load cost a fifth of all CPU, so callers wait up to `patience`
seconds for their turn, in the order in which they came.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from runtime.database.connections import Connection
from runtime.database.faults import PoolExhausted

REST = "rest"  # the part of all work that names none
Turn: TypeAlias = "asyncio.Future[Connection | None]"


@dataclass(slots=True)
class _Part:
    """`kept` connections are this kind of work's alone; beyond them it shares with all others."""

    kept: int
    in_use: int = 0
    waiting: deque[tuple[int, Turn]] = field(default_factory=deque)  # each with the number of its arrival


class Pool:
    """At most `size` connections, the last one used first. `kept` names the parts and how many each of them keeps."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        size: int,
        patience: float,
        kept: Mapping[str, int] | None = None,
    ) -> None:
        self.size = size
        self._connect = connect
        self._patience = patience
        self._parts = {name: _Part(count) for name, count in {REST: 0, **(kept or {})}.items()}
        self._shared = size - sum(part.kept for part in self._parts.values())
        self._shared_in_use = 0
        self._idle: list[Connection] = []
        self._arrivals = 0

    @property
    def in_use(self) -> int:
        return sum(part.in_use for part in self._parts.values())

    @property
    def waiting(self) -> int:
        """Callers that wait for a connection."""
        return sum(not turn.done() for part in self._parts.values() for _, turn in part.waiting)

    def keeps(self, part: str) -> bool:
        return part in self._parts

    def share_of(self, part: str) -> int:
        """The most connections that a part can have at once."""
        return self._parts[part].kept + self._shared

    def idle(self, part: str = REST) -> Connection | None:
        """A connection at once, or None: then await `take`."""
        mine = self._parts[part]
        if not self._idle or not self._may_take(mine):
            return None
        connection = self._open_one()
        if connection is not None:
            self._count(mine)
        return connection

    async def take(self, part: str = REST) -> Connection:
        mine = self._parts[part]
        try:
            async with asyncio.timeout(self._patience):
                if not self._may_take(mine):
                    given = await self._turn(mine)  # the caller counts it as ours
                    return given or self._open_one() or await self._opened(mine)
                self._count(mine)
                return self._open_one() or await self._opened(mine)
        except TimeoutError:
            raise PoolExhausted(f"no connection within {self._patience} s") from None

    def give_back(self, connection: Connection, part: str = REST) -> None:
        self._release(self._parts[part])
        if not connection.is_open:
            self._call_next(None)
        elif not self._call_next(connection):
            self._idle.append(connection)

    def forget_idle(self) -> None:
        """Close idle connections: after one connection was lost, the others of its age are likely lost too."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _may_take(self, part: _Part) -> bool:
        return part.in_use < part.kept or self._shared_in_use < self._shared

    def _count(self, part: _Part) -> None:
        self._shared_in_use += part.in_use >= part.kept
        part.in_use += 1

    def _release(self, part: _Part) -> None:
        part.in_use -= 1
        self._shared_in_use -= part.in_use >= part.kept

    def _open_one(self) -> Connection | None:
        """The idle connection that was used last, if the server has not ended it meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _opened(self, part: _Part) -> Connection:
        try:
            return await self._connect()
        except BaseException:
            self._release(part)
            self._call_next(None)
            raise

    async def _turn(self, part: _Part) -> Connection | None:
        """A connection that was given back, or None when a place became free."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        part.waiting.append((self._arrivals, turn))
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was our turn, and we were called off
                self._pass_on(part, turn.result())
            raise

    def _pass_on(self, part: _Part, given: Connection | None) -> None:
        self._release(part)
        if not self._call_next(given) and given is not None:
            self._idle.append(given)

    def _call_next(self, connection: Connection | None) -> bool:
        """Whether a caller was waiting: the first to come of those whose part may have one more."""
        while (part := self._next_part()) is not None:
            _, turn = part.waiting.popleft()
            if not turn.done():
                self._count(part)
                turn.set_result(connection)
                return True
        return False

    def _next_part(self) -> _Part | None:
        able = [part for part in self._parts.values() if part.waiting and self._may_take(part)]
        return min(able, key=lambda part: part.waiting[0][0], default=None)
