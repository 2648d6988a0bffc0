"""The tables of a proof's database as a whole: emptied, kept in a backup, restored, and made older as time passes."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from runtime.database.database import Database, Transaction

WITHOUT_TRIGGERS = text("SET LOCAL session_replication_role = replica")
STANDING = ("alembic_version", "charge_limits", "installation")  # the same in every run
NAMES = text("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
MOMENTS = text(
    "SELECT table_name AS table, column_name AS name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'"
    " AND table_name NOT IN ('alembic_version', 'charge_limits') ORDER BY 1, 2"
)
NEW_INSTALLATION = text("UPDATE installation SET made_at = now()")


class Tables:
    """`prepare` comes first. An installation's id stays; when it was made goes back with the time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: Sequence[str] = ()
        self._moments: dict[str, list[str]] = {}

    async def prepare(self) -> None:
        rows = await self._database.rows(NAMES)
        self._names = [row.name for row in rows if row.name not in STANDING]
        for row in await self._database.rows(MOMENTS):
            self._moments.setdefault(row.table, []).append(row.name)
        await self._database.rows(text("CREATE SCHEMA backup"))
        for table in self._names:
            await self._database.rows(text(f"CREATE TABLE backup.{table} (LIKE {table})"))

    async def empty(self) -> None:
        """By DELETE, a hundred times faster than TRUNCATE."""

        async def write(transaction: Transaction) -> None:
            await transaction.rows(WITHOUT_TRIGGERS)
            for table in self._names:
                await transaction.rows(text(f"DELETE FROM {table}"))  # noqa: S608  our own names
            await transaction.rows(NEW_INSTALLATION)

        await self._database.transaction(write)

    async def back_up(self) -> None:
        async def write(transaction: Transaction) -> None:
            for table in self._names:
                await transaction.rows(text(f"DELETE FROM backup.{table}"))  # noqa: S608  our own names
                await transaction.rows(text(f"INSERT INTO backup.{table} TABLE {table}"))

        await self._database.transaction(write)

    async def restore(self, age: timedelta) -> None:
        """What was backed up so long ago."""

        async def write(transaction: Transaction) -> None:
            await transaction.rows(WITHOUT_TRIGGERS)
            for table in self._names:
                await transaction.rows(text(f"DELETE FROM {table}"))  # noqa: S608  our own names
                await transaction.rows(text(f"INSERT INTO {table} TABLE backup.{table}"))
            await self._make_older(transaction, [t for t in self._moments if t in self._names], age)

        await self._database.transaction(write)

    async def make_older(self, age: timedelta) -> None:
        """As if everything had happened so much earlier: pauses end, leases and keys run out, orders expire."""

        async def write(transaction: Transaction) -> None:
            await transaction.rows(WITHOUT_TRIGGERS)
            await self._make_older(transaction, list(self._moments), age)

        await self._database.transaction(write)

    async def _make_older(self, transaction: Transaction, tables: Sequence[str], age: timedelta) -> None:
        for table in tables:
            changes = ", ".join(f"{name} = {name} - CAST(:age AS interval)" for name in self._moments[table])
            await transaction.rows(text(f"UPDATE {table} SET {changes}"), {"age": age})  # noqa: S608
