"""Which tables a migration's transactions lock against customers: at most one each, and none to build an index."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Connection, Engine, event, text

LOCKS = text(
    "SELECT relation::regclass::text AS name, mode FROM pg_locks"
    " WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation = ANY (:oids)"
    " AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
)
TABLES = "SELECT oid::int FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
OURS = "relname <> 'alembic_version'"


@dataclass
class Locked:
    """`tables`: what each transaction locked against writers, of the tables that were there before."""

    tables: list[set[str]] = field(default_factory=list)
    blocking_index_builds: set[str] = field(default_factory=set)


@contextmanager
def locks_at_commit(url: str) -> Iterator[Locked]:
    """Look at each transaction of SQLAlchemy's engines just before it is committed."""
    with psycopg.connect(url) as before:
        oids = [oid for (oid,) in before.execute(f"{TABLES} AND {OURS}").fetchall()]
    found = Locked()

    def look(connection: Connection) -> None:
        locks = connection.execute(LOCKS, {"oids": oids}).all()
        found.tables.append({lock.name for lock in locks})
        found.blocking_index_builds |= {lock.name for lock in locks if lock.mode == "ShareLock"}

    event.listen(Engine, "commit", look)
    try:
        yield found
    finally:
        event.remove(Engine, "commit", look)
