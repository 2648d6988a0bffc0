"""The database: can it be reached and written to, is its schema ours, and may our role do what it must and no more."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg

from models.operations.health_statements import SCHEMA_REVISION
from models.operations.privileges import (
    APPEND_ONLY,
    CHANGE,
    DELETE,
    HELD,
    REVISIONS,
    ROLE,
    RoleRow,
    needed_privileges,
)
from models.reconciliation.leases import TAKE_WORK
from models.webhooks.endpoints import (
    ENDPOINTS_IN_TROUBLE,
)
from runtime.database.database import Database, DatabaseUnavailable, Transaction
from services.notifications.webhook_failures import named
from services.operations import migrations
from services.operations.doctor.findings import Finding, ok, warning, wrong

ROLES = "run docs/operations/sql/grants.sql as paygraph_owner"
TESTED, OLDEST = 18, 15  # PostgreSQL's major versions


class _Enough(Exception):
    """Takes back what was written to see that it can be."""


async def examine_database(database: Database, connections: int) -> list[Finding]:
    """`connections` is how many this machine's workers may open."""
    try:
        row = await database.row(ROLE)
    except (DatabaseUnavailable, psycopg.Error) as error:
        why = str(error).partition("\n")[0]
        return [
            wrong("database", f"it can't be reached: {why}", "check DATABASE_URL, the network and PostgreSQL")
        ]
    assert row is not None  # nosec B101  # noqa: S101 - a SELECT without a table
    findings = [*_about_server(row, connections), *_about_role(row)]
    schema = await _schema(database)
    findings.append(schema)
    if schema.verdict == "ok":
        findings += await _privileges(database)
        findings.append(await _writable(database))
        findings += await _webhooks(database)
    return findings


def _about_server(row: RoleRow, connections: int) -> Iterator[Finding]:
    major = row.version_number // 10_000
    told = f"PostgreSQL {row.version} as {row.role}"
    if major < OLDEST:
        yield warning("database", told, f"Paygraph is tested with {TESTED}; upgrade")
    else:
        yield ok("database", told)
    if row.is_read_only:
        yield wrong("database writes", "this one is read-only", "name the primary in DATABASE_URL")
    if connections > row.most_connections:
        told = f"WORKERS and DATABASE_POOL_SIZE need {connections}, max_connections is {row.most_connections}"
        yield wrong("database connections", told, "lower the pool, or raise max_connections")


def _about_role(row: RoleRow) -> Iterator[Finding]:
    if row.is_superuser:
        yield warning(
            "database role", "it is a superuser", "run serve as paygraph_server: docs/deploy.md, Two roles"
        )
    elif row.owns_database or row.may_create:
        advice = "run serve as paygraph_server, and only migrate as this one"
        yield warning("database role", "it may create and alter tables", advice)
    else:
        yield ok("database role", "it can't alter tables")


async def _schema(database: Database) -> Finding:
    head = migrations.head()
    try:
        row = await database.row(SCHEMA_REVISION)
    except psycopg.errors.InsufficientPrivilege:
        return wrong("database schema", "the role may not read alembic_version", ROLES)
    except psycopg.errors.UndefinedTable:
        row = None
    found = row.version_num if row else None
    if found is None:
        return wrong("database schema", "it is empty", "run `python main.py migrate`")
    if found in migrations.before_head():
        return wrong(
            "database schema", f"it is at {found}, this version needs {head}", "run `python main.py migrate`"
        )
    if found == head:
        return ok("database schema", f"at {found}")
    if migrations.is_newer(found):
        return ok("database schema", f"at {found}, by a newer version than this one, which needs {head}")
    return wrong("database schema", migrations.ANOTHERS.format(found), "name Paygraph's in DATABASE_URL")


async def _privileges(database: Database) -> list[Finding]:
    lacking, beyond = [], []
    for table, needed in needed_privileges().items():
        row = await database.row(HELD, {"table_name": table})
        held = {name for name in needed | {CHANGE, DELETE} if row and getattr(row, name.lower())}
        lacking += [f"{name} on {table}" for name in sorted(needed - held)]
        if table in APPEND_ONLY | {REVISIONS}:
            beyond += [f"{name} on {table}" for name in sorted(held - needed)]
    if lacking:
        return [wrong("database privileges", f"the role lacks {', '.join(lacking)}", ROLES)]
    if beyond:
        told = f"the role has {', '.join(beyond)}"
        return [warning("database privileges", told, "run serve as another role than migrate")]
    return [ok("database privileges", "the role has what it needs, and can't rewrite history")]


async def _webhooks(database: Database) -> list[Finding]:
    """Endpoints of the shop's that take nothing; none of them is a fault of this server's."""
    try:
        rows = await database.rows(ENDPOINTS_IN_TROUBLE)
    except psycopg.errors.InsufficientPrivilege:
        return []  # told among the privileges
    told = [
        f"{named(row.id, row.url)}: {row.disabled_because or f'fails since {row.failing_since:%Y-%m-%d %H:%M} UTC'}"
        for row in rows
    ]
    advice = "see its deliveries in `webhookEndpoints`; docs/webhooks.md"
    return [warning("webhook endpoint", each, advice) for each in told] or [
        ok("webhook endpoints", "none fails, none is disabled")
    ]


async def _writable(database: Database) -> Finding:
    """Writes a row and takes it back: a full disk and a standby both refuse it."""

    async def write(transaction: Transaction) -> None:
        await transaction.rows(TAKE_WORK, {"name": "doctor", "holder": "doctor", "lease": timedelta(0)})
        raise _Enough

    try:
        await database.transaction(write)
    except _Enough:
        return ok("database writes", "a row can be written")
    except (DatabaseUnavailable, psycopg.Error) as error:
        why = str(error).partition("\n")[0]
        return wrong(
            "database writes", f"a row can't be written: {why}", "check the disk, and that it is the primary"
        )
    raise AssertionError("the write is always taken back")
