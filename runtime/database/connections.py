"""Connections to PostgreSQL, and the pool of them. runtime/database/database.py is what the use cases see."""

import asyncio
import os
from collections import deque, namedtuple
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.engine import make_url

from runtime.database.statements import Parameters, Sql

Row: TypeAlias = Any  # a namedtuple, its fields named like the statement's columns

GIVEN_UP = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)
# What a connection may say of a statement that it prepared before a migration, or behind another server's back.
STALE_PREPARATION = {"0A000", "26000"}


class PoolExhausted(psycopg.OperationalError):
    """No connection became free in time."""


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, and not the statement at fault."""
    if isinstance(error, PoolExhausted):
        return False
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    )


class Connection:
    """One connection, which runs one statement at a time.

    psycopg connects, adapts values and types its errors. In between we speak to its `pq`, libpq's own functions: each
    statement is prepared once, and the socket stays watched, where psycopg's cursor adds and removes the watch, a
    timer and a lock each time. On CPython 3.11: 68 µs a statement; psycopg's cursor 125, SQLAlchemy's engine 290.
    """

    def __init__(self, session: psycopg.AsyncConnection[Any]) -> None:
        self._session = session
        self._libpq = session.pgconn
        self._loop = asyncio.get_running_loop()
        # Our own handle: libpq closes its when the server is gone, and the next connection may get that number.
        self._socket = os.dup(self._libpq.socket)
        self._news: asyncio.Future[None] | None = None
        # Kept, since it learns who reads and writes each type: 43 → 35 µs a statement.
        self._adapting = Transformer(session)
        self._prepared: dict[tuple[Sql, tuple[int, ...]], bytes] = {}
        self._makers: dict[Sql, Callable[[Sequence[Any]], Row]] = {}
        self.is_open = True
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def to(cls, url: str) -> Self:
        """`url` as SQLAlchemy writes it. No statement of ours runs longer than 15 s, or waits longer than 8 s."""
        conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        session = await psycopg.AsyncConnection.connect(
            conninfo,
            autocommit=True,
            connect_timeout=5,
            keepalives_idle=10,  # seconds; a machine that vanished without a word is given up after 25
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=25_000,  # milliseconds, for what it has not taken delivery of
            options="-c statement_timeout=15s -c lock_timeout=8s",
        )
        return cls(session)

    async def run(self, sql: Sql, parameters: Parameters) -> list[Row]:
        """The rows of one statement. Cut short, it closes the connection: nobody may read the rest of its answer."""
        try:
            return await self._run(sql, sql.values(parameters))
        except psycopg.Error as error:
            if self._libpq.status or is_lost(error) or error.sqlstate in STALE_PREPARATION:
                self.close()
            raise
        except BaseException:
            self.close()
            raise

    async def _run(self, sql: Sql, values: Sequence[Any]) -> list[Row]:
        adapting = self._adapting
        dumped = adapting.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types = adapting.types or ()
        name = self._prepared.get((sql, types)) or await self._prepare(sql, types)
        self._libpq.send_query_prepared(name, dumped, adapting.formats)
        result = await self._result()
        if not result.nfields:
            return []
        adapting.set_pgresult(result)
        return adapting.load_rows(0, result.ntuples, self._makers.get(sql) or self._maker(sql, result))

    async def _prepare(self, sql: Sql, types: tuple[int, ...]) -> bytes:
        name = f"s{len(self._prepared)}".encode()
        self._libpq.send_prepare(name, sql.numbered, types)
        await self._result()
        self._prepared[sql, types] = name
        return name

    def _maker(self, sql: Sql, result: PGresult) -> Callable[[Sequence[Any]], Row]:
        names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
        maker: Callable[[Sequence[Any]], Row]
        maker = namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined]
        self._makers[sql] = maker
        return maker

    async def _result(self) -> PGresult:
        libpq = self._libpq
        if libpq.flush():
            await self._flushed()
        results: list[PGresult] = []
        while True:
            while libpq.is_busy():
                await self._heard()
            result = libpq.get_result()
            if result is None:
                break
            results.append(result)
        self._news = None
        if results[-1].status in GIVEN_UP:
            raise error_from_result(results[-1])
        return results[-1]

    async def _heard(self) -> None:
        """Return once more of the answer is here.

        Of a socket that failed uvloop tells once and never again, and libpq may have read the server's last words
        then and not yet that it is gone. So whoever was woken reads on until there is nothing, before waiting anew.
        """
        if self._news is not None and self._news.done():
            self._libpq.consume_input()
            if not self._libpq.is_busy():
                return
        self._news = self._loop.create_future()
        await self._news
        self._libpq.consume_input()

    async def _flushed(self) -> None:
        """Return once libpq has sent all of a large statement."""
        while self._libpq.flush():
            self._news = self._loop.create_future()  # room to write, or the server's farewell
            self._loop.add_writer(self._socket, _settle, self._news)
            try:
                await self._news
            finally:
                if self.is_open:
                    self._loop.remove_writer(self._socket)
            self._libpq.consume_input()

    def _readable(self) -> None:
        if self._news is not None:
            _settle(self._news)
            return
        try:  # nothing was asked: a notice, or the server's farewell, and perhaps its end behind it
            self._libpq.consume_input()
            self._libpq.consume_input()
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            os.close(self._socket)
            self._libpq.finish()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Pool:
    """At most `size` connections, the last one used first.

    It never overflows: connections opened and closed under load cost a fifth of all CPU, so callers wait up to
    `patience` seconds for their turn, in the order in which they came.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, size: int, patience: float) -> None:
        self.size = size
        self._connect = connect
        self._patience = patience
        self._open = 0
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def in_use(self) -> int:
        return self._open - len(self._idle)

    @property
    def waiting(self) -> int:
        """Callers that wait for a connection."""
        return sum(not each.done() for each in self._waiting)

    def idle(self) -> Connection | None:
        """A connection at once, or None: then await `take`."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            self._open -= 1
        return None

    async def take(self) -> Connection:
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    connection = self.idle()
                    if connection is not None:
                        return connection
                    if self._open < self.size:
                        return await self._opened()
                    connection = await self._turn()
                    if connection is not None:
                        return connection
        except TimeoutError:
            raise PoolExhausted(f"no connection within {self._patience} s") from None

    async def _opened(self) -> Connection:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._call_next(None)
            raise

    async def _turn(self) -> Connection | None:
        """A connection that somebody gave back, or None when a place became free."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was our turn, and we were called off
                given = turn.result()
                if given is None:
                    self._call_next(None)
                else:
                    self.give_back(given)
            raise

    def give_back(self, connection: Connection) -> None:
        if not connection.is_open:
            self._open -= 1
            self._call_next(None)
        elif not self._call_next(connection):
            self._idle.append(connection)

    def _call_next(self, connection: Connection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def forget_idle(self) -> None:
        """Close what nobody uses: after one connection was lost, the others of its age are likely lost too."""
        for connection in self._idle:
            connection.close()
        self._open -= len(self._idle)
        self._idle.clear()
