"""Where statements meet PostgreSQL: single statements that commit by themselves, and transactions that retry.

Only the use cases in `services/` open connections; none of them holds one while Stripe is called.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, Self, TypeAlias, TypeVar, overload

import psycopg
from sqlalchemy import Executable, TextClause, text

from runtime.database.connections import Connection
from runtime.database.faults import (
    DatabaseUnavailable,
    is_full,
    is_locked_out,
    is_lost,
    is_passing,
    is_unavailability,
)
from runtime.database.pool import REST, Pool
from runtime.database.statements import Parameters, Query, R, sql_of
from runtime.turns import Turns

__all__ = [
    "AnyStatement",
    "Database",
    "DatabaseUnavailable",
    "Parameters",
    "Query",
    "Row",
    "Transaction",
    "build_database",
    "is_passing",
]

BEGIN, COMMIT, ROLLBACK = text("BEGIN ISOLATION LEVEL READ COMMITTED"), text("COMMIT"), text("ROLLBACK")
BEGIN_SNAPSHOT = text("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

T = TypeVar("T")
AnyStatement: TypeAlias = Executable | Query[Any]
Row: TypeAlias = Any  # of SQL written as text, as tests do: a named tuple, its fields named like the columns
ManyOrOne: TypeAlias = Parameters | Sequence[Parameters]
Watch: TypeAlias = Callable[[str], AbstractContextManager[object]]
Run: TypeAlias = Callable[[AnyStatement, ManyOrOne], Awaitable[Sequence[Any]]]

ATTEMPTS = 3
SHARE_OF_REST = 0.2  # of a pool that has parts
LOCK_PATIENCE = 8.0  # seconds for a row that another session has locked
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds without a connection, between two tries for such a row
NO_PARAMETERS: Mapping[str, Any] = {}


@dataclass(slots=True)
class _Common:
    """What the parts of one database share. `full`: the last statement that failed found no room on the server."""

    locked_out: asyncio.Semaphore
    lock_patience: float
    turns: Turns = field(default_factory=Turns)
    watch: Watch | None = None
    full: bool = False


class Database:
    """A part of the pool of connections. Every statement given to it may be sent twice, so each must be repeatable.

    Raises `DatabaseUnavailable` when a statement or a transaction could not be run at all, and psycopg's
    errors when the database refused it.
    """

    def __init__(
        self,
        pool: Pool,
        part: str = REST,
        common: _Common | None = None,
        *,
        lock_patience: float = LOCK_PATIENCE,
    ) -> None:
        self.pool = pool
        self._part = part
        self._common = common or _Common(asyncio.Semaphore(max(1, pool.size // 5)), lock_patience)
        self._lockers = asyncio.Semaphore(max(1, pool.share_of(part) // 2))

    def part(self, name: str) -> Self:
        """The same database over another part of the pool; over the rest where the pool keeps none of that name."""
        return type(self)(self.pool, name if self.pool.keeps(name) else REST, self._common)

    @property
    def watch(self) -> Watch | None:
        """Once set, it is entered with each statement's SQL and left when its answer is there."""
        return self._common.watch

    @watch.setter
    def watch(self, watch: Watch | None) -> None:
        self._common.watch = watch

    @property
    def connections_in_use(self) -> int:
        return self.pool.in_use

    @property
    def seems_full(self) -> bool:
        """Whether a statement found no room on the server, and no proof that there is some came since."""
        return self._common.full

    def has_room(self) -> None:
        """The proof: something that needs room was written."""
        self._common.full = False

    @overload
    async def rows(self, statement: Query[R], parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[R]: ...
    @overload
    async def rows(self, statement: TextClause, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Row]: ...
    @overload
    async def rows(
        self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS
    ) -> Sequence[object]: ...
    async def rows(self, statement: AnyStatement, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Any]:
        """Run one statement by itself; its commit is part of it. With a list of parameters, once for each.

        What a row is, mypy knows of a `Query` alone.
        """
        return await self._until_done(lambda: self._rows(statement, parameters))

    @overload
    async def row(self, statement: Query[R], parameters: ManyOrOne = NO_PARAMETERS) -> R | None: ...
    @overload
    async def row(self, statement: TextClause, parameters: ManyOrOne = NO_PARAMETERS) -> Row | None: ...
    @overload
    async def row(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> object | None: ...
    async def row(self, statement: AnyStatement, parameters: ManyOrOne = NO_PARAMETERS) -> Any:
        rows = await self._until_done(lambda: self._rows(statement, parameters))
        return rows[0] if rows else None

    async def _rows(self, statement: AnyStatement, parameters: ManyOrOne) -> Sequence[Any]:
        connection = self.pool.idle(self._part) or await self.pool.take(self._part)
        try:
            return await self._run(connection, statement, parameters)
        finally:
            self.pool.give_back(connection, self._part)

    async def _run(
        self,
        connection: Connection,
        statement: AnyStatement,
        parameters: ManyOrOne = NO_PARAMETERS,
    ) -> Sequence[Any]:
        """Where every statement passes."""
        if not isinstance(parameters, Mapping):
            for each in parameters:
                await self._run(connection, statement, each)
            return []
        executable, into = (
            (statement.statement, statement.row) if isinstance(statement, Query) else (statement, None)
        )
        sql = sql_of(executable, tuple(parameters))
        watch = self._common.watch
        if watch is None:
            return await connection.run(sql, parameters, into)
        with watch(sql.text):
            return await connection.run(sql, parameters, into)

    async def transaction(
        self, work: Callable[["Transaction"], Awaitable[T]], *, locks: Hashable = None
    ) -> T:
        """Run `work` in a transaction and commit it; start anew on a deadlock or a lost connection.

        `locks` is the key of the row that `work` locks first. Those who want the same one wait for each other here,
        without a connection, and all who lock rows together take no more than half of what this part can have.
        """
        if locks is None:
            return await self._until_done(lambda: self._transaction(work))
        async with self._common.turns.of(locks):
            return await self._until_done(lambda: self._locking_transaction(work))

    async def snapshot(self, work: Callable[["Transaction"], Awaitable[T]]) -> T:
        """Run `work`, which only reads: all its statements see the database at one moment."""
        return await self._until_done(lambda: self._transaction(work, begin=BEGIN_SNAPSHOT))

    async def _locking_transaction(self, work: Callable[["Transaction"], Awaitable[T]]) -> T:
        async with self._lockers:
            return await self._transaction(work)

    async def _transaction(
        self, work: Callable[["Transaction"], Awaitable[T]], *, begin: TextClause = BEGIN
    ) -> T:
        connection = self.pool.idle(self._part) or await self.pool.take(self._part)
        try:
            async with self._begun(connection, begin):
                return await work(Transaction(partial(self._run, connection)))
        finally:
            self.pool.give_back(connection, self._part)

    @asynccontextmanager
    async def _begun(self, connection: Connection, begin: TextClause) -> AsyncIterator[None]:
        await self._run(connection, begin)
        try:
            yield
        except Exception:
            if connection.is_open:
                await self._run(connection, ROLLBACK)
            raise
        except BaseException:  # called off: the server rolls back what a closed connection left
            connection.close()
            raise
        await self._run(connection, COMMIT)

    async def _until_done(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again while the same work may succeed, and let go of the connection in between."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await attempt()
            except psycopg.Error as error:
                if is_locked_out(error):
                    return await self._until_unlocked(attempt)
                self._raise_unless_passing(error)
        return await self._finally(attempt)

    async def _until_unlocked(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The row stays locked for long: of all who want such rows, few at a time try again."""
        deadline = asyncio.get_running_loop().time() + self._common.lock_patience
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret  # nosec B311
            pause = min(2 * pause, LONGEST_PAUSE)
            async with self._common.locked_out:
                try:
                    return await attempt()
                except psycopg.Error as error:
                    if not is_locked_out(error):
                        self._raise_unless_passing(error)
                    if asyncio.get_running_loop().time() >= deadline:
                        raise_as_ours(error)

    async def _finally(self, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await attempt()
        except psycopg.Error as error:
            self._note(error)
            raise_as_ours(error)

    def _raise_unless_passing(self, error: psycopg.Error) -> None:
        self._note(error)
        if not is_passing(error):
            raise_as_ours(error)

    def _note(self, error: psycopg.Error) -> None:
        if is_lost(error):
            self.pool.forget_idle()
        if is_full(error):
            self._common.full = True

    async def close(self) -> None:
        self.pool.forget_idle()


def raise_as_ours(error: psycopg.Error) -> NoReturn:
    if is_unavailability(error):
        raise DatabaseUnavailable(str(error)) from error
    raise error


class Transaction:
    """Statements that are committed together."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @overload
    async def rows(self, statement: Query[R], parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[R]: ...
    @overload
    async def rows(self, statement: TextClause, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Row]: ...
    @overload
    async def rows(
        self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS
    ) -> Sequence[object]: ...
    async def rows(self, statement: AnyStatement, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Any]:
        return await self._run(statement, parameters)

    @overload
    async def row(self, statement: Query[R], parameters: ManyOrOne = NO_PARAMETERS) -> R | None: ...
    @overload
    async def row(self, statement: TextClause, parameters: ManyOrOne = NO_PARAMETERS) -> Row | None: ...
    @overload
    async def row(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> object | None: ...
    async def row(self, statement: AnyStatement, parameters: ManyOrOne = NO_PARAMETERS) -> Any:
        rows = await self._run(statement, parameters)
        return rows[0] if rows else None

    @overload
    async def one(self, statement: Query[R], parameters: ManyOrOne = NO_PARAMETERS) -> R: ...
    @overload
    async def one(self, statement: TextClause, parameters: ManyOrOne = NO_PARAMETERS) -> Row: ...
    @overload
    async def one(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> object: ...
    async def one(self, statement: AnyStatement, parameters: ManyOrOne = NO_PARAMETERS) -> Any:
        """The one row of a statement that always has one."""
        [row] = await self._run(statement, parameters)
        return row


def build_database(
    url: str,
    *,
    pool_size: int = 10,
    pool_timeout: float = 5.0,
    lock_patience: float = LOCK_PATIENCE,
    parts: Mapping[str, float] | None = None,
) -> Database:
    """A database over psycopg 3. Connections are opened as they are needed, and kept.

    `parts` says which share of them each kind of work keeps; the work that names none keeps a fifth. What is left
    goes to the first caller. `lock_patience` is seconds for work that finds a row locked, whatever else fails then.
    """
    shares = {REST: SHARE_OF_REST, **parts} if parts else {}
    kept = {name: int(pool_size * share) for name, share in shares.items()}
    pool = Pool(partial(Connection.to, url), size=pool_size, patience=pool_timeout, kept=kept)
    return Database(pool, lock_patience=lock_patience)
