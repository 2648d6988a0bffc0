"""The tables of a proof's database as a whole: emptied, kept in a backup, restored, and made older as time passes.

Each is a function of the database's own, so that it costs one statement however many tables there are.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import text

from runtime.database.database import Database

STANDING = ("alembic_version", "charge_limits", "installation")  # the same in every run
NAMES = text("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
MOMENTS = text(
    "SELECT table_name AS table, column_name AS name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'"
    " AND table_name NOT IN ('alembic_version', 'charge_limits') ORDER BY 1, 2"
)
NEW_INSTALLATION = "UPDATE installation SET made_at = now()"
VACUUM_AFTER = 10  # runs: every scan passes what they left
VACUUM = text("VACUUM (TRUNCATE off)")
EMPTY, BACK_UP = text("SELECT backup.empty()"), text("SELECT backup.back_up()")
RESTORE = text("SELECT backup.restore(CAST(:age AS interval))")
MAKE_OLDER = text("SELECT backup.make_older(CAST(:age AS interval))")


class Tables:
    """`prepare` comes first. An installation's id stays; when it was made goes back with the time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._emptied = 0

    async def prepare(self) -> None:
        names = [row.name for row in await self._database.rows(NAMES) if row.name not in STANDING]
        moments: dict[str, list[str]] = {}
        for row in await self._database.rows(MOMENTS):
            moments.setdefault(row.table, []).append(row.name)
        older = {table: made_older(table, columns) for table, columns in moments.items()}
        await self._database.rows(text("CREATE SCHEMA backup"))
        for table in names:
            await self._database.rows(text(f"CREATE TABLE backup.{table} (LIKE {table})"))
        emptied = [f"DELETE FROM {table}" for table in names]  # noqa: S608  our own names; far faster than TRUNCATE
        await self._function("empty()", [*emptied, NEW_INSTALLATION])
        await self._function(
            "back_up()", [line for table in names for line in copied(table, f"backup.{table}")]
        )
        restored = [line for table in names for line in copied(f"backup.{table}", table)]
        age = "(age interval)"
        await self._function(f"restore{age}", [*restored, *(older[t] for t in names if t in older)])
        await self._function(f"make_older{age}", older.values())

    async def _function(self, name: str, statements: Iterable[str]) -> None:
        """One that does all this without triggers and foreign keys."""
        body = "; ".join(statements)
        await self._database.rows(
            text(
                f"CREATE FUNCTION backup.{name} RETURNS void LANGUAGE plpgsql"
                f" SET session_replication_role = replica AS $$ BEGIN {body}; END $$"
            )
        )

    async def empty(self) -> None:
        await self._database.rows(EMPTY)
        self._emptied += 1
        if self._emptied % VACUUM_AFTER == 0:
            await self._database.rows(VACUUM)

    async def back_up(self) -> None:
        await self._database.rows(BACK_UP)

    async def restore(self, age: timedelta) -> None:
        """What was backed up so long ago."""
        await self._database.rows(RESTORE, {"age": age})

    async def make_older(self, age: timedelta) -> None:
        """As if everything had happened so much earlier: pauses end, leases and keys run out, orders expire."""
        await self._database.rows(MAKE_OLDER, {"age": age})


def copied(source: str, target: str) -> list[str]:
    return [f"DELETE FROM {target}", f"INSERT INTO {target} TABLE {source}"]  # noqa: S608  our own names


def made_older(table: str, columns: Iterable[str]) -> str:
    return f"UPDATE {table} SET " + ", ".join(f"{name} = {name} - age" for name in columns)  # noqa: S608
