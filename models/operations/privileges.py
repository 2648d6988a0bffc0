"""What the server's role needs of each table, and no more: docs/operations/sql/grants.sql, which a test compares."""

from typing import NamedTuple

from sqlalchemy import Text, bindparam, func, literal_column, select, text

from models.base import metadata
from runtime.database.statements import Query

READ, ADD, CHANGE, DELETE = "SELECT", "INSERT", "UPDATE", "DELETE"
ALL = (READ, ADD, CHANGE, DELETE)
REVISIONS = "alembic_version"
READ_ONLY = frozenset({REVISIONS, "charge_limits"})
APPEND_ONLY = frozenset({"payment_transitions"})
# Lines of an order that is changed, and what is old enough to go.
DELETED_FROM = frozenset(
    {
        "order_items",
        "order_changes",
        "attention",
        "stripe_events",
        "sweep_retries",
        "sweep_windows",
        "service_keys",
        "checkout_tokens",
        "declines",
        "payer_addresses",
        "shop_events",
        "webhook_endpoints",
    }
)


def needed_of(table: str) -> frozenset[str]:
    """The privileges that `serve` and `reconcile` need of a table."""
    if table in READ_ONLY:
        return frozenset({READ})
    if table in APPEND_ONLY:
        return frozenset({READ, ADD})
    return frozenset(ALL if table in DELETED_FROM else (READ, ADD, CHANGE))


def needed_privileges() -> dict[str, frozenset[str]]:
    """By table, once all tables are in the catalogue."""
    return {table: needed_of(table) for table in (*sorted(metadata.tables), REVISIONS)}


class Held(NamedTuple):
    select: bool
    insert: bool
    update: bool
    delete: bool


# Which of the privileges the present role has of a table; no row for a table that is not there.
HELD = Query(
    Held,
    select(
        *(
            func.has_table_privilege(
                bindparam("table_name", type_=Text), literal_column(f"'{privilege}'", Text)
            ).label(privilege.lower())
            for privilege in ALL
        )
    ).where(func.to_regclass(bindparam("table_name", type_=Text)).is_not(None)),
)


class RoleRow(NamedTuple):
    """The present role and the server that it speaks to."""

    role: str
    owns_database: bool
    may_create: bool
    is_superuser: bool
    is_read_only: bool
    version: str
    version_number: int
    most_connections: int


ROLE = Query(
    RoleRow,
    text(
        "SELECT current_user AS role, pg_catalog.pg_get_userbyid(d.datdba) = current_user AS owns_database,"
        " has_schema_privilege('public', 'CREATE') AS may_create,"
        " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,"
        " current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() AS is_read_only,"
        " current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,"
        " current_setting('max_connections')::int AS most_connections"
        " FROM pg_database d WHERE d.datname = current_database()"
    ),
)
