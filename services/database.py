"""Where statements meet PostgreSQL: single statements that commit by themselves, and transactions that retry.

Only the use cases in this package open connections; none of them holds one while Stripe is called.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import Row, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]

SERIALIZATION_FAILURE, DEADLOCK_DETECTED = "40001", "40P01"
ATTEMPTS = 3


class DatabaseUnavailable(Exception):
    """The database can't be reached or is too busy. Nothing was written; the same work may succeed later."""


class Database:
    """One pool of connections. Every statement given to it may be sent twice, so each must be repeatable.

    Raises `DatabaseUnavailable` when a statement or a transaction could not be run at all, and SQLAlchemy's
    errors when the database refused it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._transactional = engine.execution_options(isolation_level="READ COMMITTED")

    @property
    def connections_in_use(self) -> int:
        return self.engine.pool.checkedout()  # type: ignore[attr-defined, no-any-return]  # QueuePool's own

    async def rows(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Run one statement by itself; its commit is part of it."""
        # One switch of context for connection, statement and return, instead of three: a fifth of their CPU.
        return await _again_if_it_may_pass(lambda: greenlet_spawn(self._run, statement, parameters))

    def _run(self, statement: Executable, parameters: Parameters | None) -> Sequence[Row[Any]]:
        with self.engine.sync_engine.connect() as connection:
            result = connection.execute(statement, parameters)
            return result.all() if result.returns_rows else []

    async def row(self, statement: Executable, parameters: Parameters | None = None) -> Row[Any] | None:
        rows = await self.rows(statement, parameters)
        return rows[0] if rows else None

    async def transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a transaction and commit it; start anew on a deadlock or a lost connection."""

        async def run() -> T:
            async with self._transactional.begin() as connection:
                return await work(connection)

        return await _again_if_it_may_pass(run)

    async def close(self) -> None:
        await self.engine.dispose()


async def _again_if_it_may_pass(run: Callable[[], Awaitable[T]]) -> T:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await run()
        except DBAPIError as error:
            if attempt < ATTEMPTS and is_passing(error):
                continue
            if isinstance(error, OperationalError):
                raise DatabaseUnavailable(str(error.orig)) from error
            raise
        except NoConnectionFree as error:
            raise DatabaseUnavailable("every connection is in use") from error
    raise AssertionError("the last attempt answers or raises")


def is_passing(error: DBAPIError) -> bool:
    """Whether the same work may succeed when it is done again at once."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or sqlstate in {SERIALIZATION_FAILURE, DEADLOCK_DETECTED}


def build_database(url: str, *, pool_size: int = 10, pool_timeout: float = 5.0) -> Database:
    """A database over psycopg 3.

    The pool never overflows: connections opened and closed under load cost a fifth of all CPU, so callers
    wait up to `pool_timeout` seconds for their turn. Connections commit each statement by themselves; there
    is nothing to reset when they come back.
    """
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        connect_args={"connect_timeout": 5, "options": "-c statement_timeout=15s -c lock_timeout=8s"},
    )
    return Database(engine)
