"""A connection to PostgreSQL that keeps one cursor. runtime/database/database.py is what the use cases see."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.types.json import set_json_loads

from runtime.database.address import conninfo
from runtime.database.faults import is_full, is_lost, is_stale
from runtime.database.moments import read_any_moment
from runtime.database.statements import Parameters, Sql
from runtime.encoding import from_json

Maker: TypeAlias = Callable[[Sequence[Any]], Any]

MOST_PREPARED = 1_000  # statements, by the types of their parameters; ours are a few hundred

# How PostgreSQL bounds each session. A lock is waited for briefly: who needs longer comes back without holding a
# connection meanwhile. No transaction of ours pauses, so one that does belongs to a machine that is gone.
SESSION = {
    "statement_timeout": "15s",
    "lock_timeout": "100ms",
    "idle_in_transaction_session_timeout": "5s",
}


class Connection:
    """One connection, which runs one statement at a time over one cursor. Each statement is prepared once."""

    def __init__(self, session: psycopg.AsyncConnection[Any]) -> None:
        session.prepared_max = MOST_PREPARED
        set_json_loads(from_json, session)
        read_any_moment(session)
        self._session = session
        self._cursor = psycopg.AsyncRawCursor(session)
        self._makers: dict[tuple[Sql, type | None], Maker] = {}

    @classmethod
    async def to(cls, url: str) -> Self:
        address = conninfo(url, application="paygraph", session=SESSION)
        return cls(await psycopg.AsyncConnection.connect(address, autocommit=True))

    @property
    def is_open(self) -> bool:
        return not self._session.closed

    async def run(self, sql: Sql, parameters: Parameters, into: type | None = None) -> list[Any]:
        """The rows of one statement, as instances of the named tuple `into`, or of one that is made for its columns.

        Cut short, it closes the connection: the rest of its answer must not be read, nor its transaction be continued.
        """
        try:
            await self._cursor.execute(sql.numbered, sql.values(parameters), prepare=True)
            result = self._cursor.pgresult
            if result is None or not result.nfields:
                return []
            self._cursor.row_factory = lambda _: self._makers.get((sql, into)) or self._maker(sql, into)
            return await self._cursor.fetchall()
        except psycopg.Error as error:
            if is_lost(error) or is_full(error) or is_stale(error):
                self.close()
            raise
        except BaseException:
            self.close()
            raise

    def _maker(self, sql: Sql, into: type | None) -> Maker:
        names = [column.name for column in self._cursor.description or ()]
        maker = _instance_maker(names, into) if into else _tuple_maker(names)
        self._makers[sql, into] = maker
        return maker

    def close(self) -> None:
        """At once, without a farewell that a vanished server would have to hear."""
        self._session.pgconn.finish()


def _tuple_maker(names: Sequence[str]) -> Maker:
    made: Maker = namedtuple("Row", names, rename=True)._make  # type: ignore[attr-defined]
    return made


def _instance_maker(names: Sequence[str], into: Any) -> Maker:
    """Fills the fields of a named tuple by name; TypeError when the statement's columns are others."""
    wanted = list(into._fields)
    if sorted(wanted) != sorted(names):
        raise TypeError(f"{into.__name__} has {wanted}, and its statement answers {list(names)}")
    if wanted == list(names):
        made: Maker = into._make
        return made
    order = [names.index(name) for name in wanted]
    return lambda values: into(*[values[place] for place in order])
