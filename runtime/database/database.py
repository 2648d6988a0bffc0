"""Where statements meet PostgreSQL: single statements that commit by themselves, and transactions that retry.

Only the use cases in this package open connections; none of them holds one while Stripe is called.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias, TypeVar

import psycopg
from sqlalchemy import Executable, text

from runtime.database.connections import STALE_PREPARATION, Connection, Pool, Row, is_lost
from runtime.database.statements import Parameters, sql_of

__all__ = [
    "Database",
    "DatabaseUnavailable",
    "Parameters",
    "Row",
    "Transaction",
    "build_database",
    "is_passing",
]

BEGIN, COMMIT, ROLLBACK = text("BEGIN ISOLATION LEVEL READ COMMITTED"), text("COMMIT"), text("ROLLBACK")

T = TypeVar("T")
ManyOrOne: TypeAlias = Parameters | Sequence[Parameters]
Watch: TypeAlias = Callable[[str], AbstractContextManager[object]]

SERIALIZATION_FAILURE, DEADLOCK_DETECTED = "40001", "40P01"
ATTEMPTS = 3
NO_PARAMETERS: Mapping[str, Any] = {}


class DatabaseUnavailable(Exception):
    """The database can't be reached or is too busy. Nothing was written; the same work may succeed later."""


class Database:
    """One pool of connections. Every statement given to it may be sent twice, so each must be repeatable.

    Raises `DatabaseUnavailable` when a statement or a transaction could not be run at all, and psycopg's
    errors when the database refused it.
    """

    def __init__(self, pool: Pool) -> None:
        """`watch`, once set, is entered with each statement's SQL and left when its answer is there."""
        self.pool = pool
        self.watch: Watch | None = None

    @property
    def connections_in_use(self) -> int:
        return self.pool.in_use

    async def rows(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Row]:
        """Run one statement by itself; its commit is part of it. With a list of parameters, once for each."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._rows(statement, parameters)
            except psycopg.Error as error:
                self._judge(error, last=attempt == ATTEMPTS)
        raise AssertionError("the last attempt answers or raises")

    async def row(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> Row | None:
        rows = await self.rows(statement, parameters)
        return rows[0] if rows else None

    async def _rows(self, statement: Executable, parameters: ManyOrOne) -> Sequence[Row]:
        connection = self.pool.idle() or await self.pool.take()
        try:
            return await self._run(connection, statement, parameters)
        finally:
            self.pool.give_back(connection)

    async def _run(
        self, connection: Connection, statement: Executable, parameters: ManyOrOne
    ) -> Sequence[Row]:
        """Where every statement passes."""
        if not isinstance(parameters, Mapping):
            for each in parameters:
                await self._run(connection, statement, each)
            return []
        sql = sql_of(statement, tuple(parameters))
        if self.watch is None:
            return await connection.run(sql, parameters)
        with self.watch(sql.text):
            return await connection.run(sql, parameters)

    async def transaction(self, work: Callable[["Transaction"], Awaitable[T]]) -> T:
        """Run `work` in a transaction and commit it; start anew on a deadlock or a lost connection."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._transaction(work)
            except psycopg.Error as error:
                self._judge(error, last=attempt == ATTEMPTS)
        raise AssertionError("the last attempt answers or raises")

    async def _transaction(self, work: Callable[["Transaction"], Awaitable[T]]) -> T:
        connection = self.pool.idle() or await self.pool.take()
        run = partial(self._run, connection)
        try:
            await run(BEGIN, NO_PARAMETERS)
            try:
                result = await work(Transaction(run))
            except Exception:
                if connection.is_open:
                    await run(ROLLBACK, NO_PARAMETERS)
                raise
            except BaseException:  # called off: the server rolls back what a closed connection left
                connection.close()
                raise
            await run(COMMIT, NO_PARAMETERS)
            return result
        finally:
            self.pool.give_back(connection)

    def _judge(self, error: psycopg.Error, *, last: bool) -> None:
        """Raise unless the same work may succeed at once."""
        if is_lost(error):
            self.pool.forget_idle()
        if is_passing(error) and not last:
            return
        if isinstance(error, psycopg.OperationalError):
            raise DatabaseUnavailable(str(error)) from error
        raise error

    async def close(self) -> None:
        self.pool.forget_idle()


class Transaction:
    """Statements that are committed together."""

    def __init__(self, run: Callable[[Executable, ManyOrOne], Awaitable[Sequence[Row]]]) -> None:
        self._run = run

    async def rows(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> Sequence[Row]:
        return await self._run(statement, parameters)

    async def row(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> Row | None:
        rows = await self._run(statement, parameters)
        return rows[0] if rows else None

    async def one(self, statement: Executable, parameters: ManyOrOne = NO_PARAMETERS) -> Row:
        """The one row of a statement that always has one."""
        [row] = await self._run(statement, parameters)
        return row


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same work may succeed when it is done again at once."""
    passing = {SERIALIZATION_FAILURE, DEADLOCK_DETECTED, *STALE_PREPARATION}
    return is_lost(error) or error.sqlstate in passing


def build_database(url: str, *, pool_size: int = 10, pool_timeout: float = 5.0) -> Database:
    """A database over psycopg 3. Connections are opened as they are needed, and kept."""
    return Database(Pool(partial(Connection.to, url), size=pool_size, patience=pool_timeout))
