"""Rows of an order, its payments, refunds and disputes count their own changes: their sum tells which of two reads of an
order is the newer one.

Each row counts for itself, so that no change has to lock the order's row first. The database counts, so that plain SQL
is counted too.

Revision: 0023, after 0022.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("orders", "payments", "refunds", "disputes")
COUNT = """
    CREATE FUNCTION count_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.revision := OLD.revision + 1;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    in_steps(revision, lambda: op.execute(COUNT), *map(counting, TABLES))


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        *map(not_counting, TABLES),
        lambda: op.execute("DROP FUNCTION count_revision()"),
    )


def counting(table: str) -> Callable[[], None]:
    def add() -> None:
        op.add_column(table, sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
        op.execute(
            f"CREATE TRIGGER {table}_count_revision BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION count_revision()"
        )

    return add


def not_counting(table: str) -> Callable[[], None]:
    def remove() -> None:
        op.execute(f"DROP TRIGGER {table}_count_revision ON {table}")
        op.drop_column(table, "revision")

    return remove
