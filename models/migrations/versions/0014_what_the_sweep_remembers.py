"""The sweep remembers how its steps went, what failed and what it has not read; looks at payments cost one row.

Revision: 0014, after 0013.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[Any]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def create_tables() -> None:
    op.create_table(
        "sweep_steps",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=True),
        moment("last_whole_at", nullable=True),
        moment("last_run_at", now=True),
        sa.Column("milliseconds", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name="sweep_steps_pkey"),
    )
    op.create_table(
        "sweep_retries",
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("failure", sa.String(), nullable=False),
        moment("first_failed_at", now=True),
        moment("due_at"),
        sa.PrimaryKeyConstraint("step", "item", name="sweep_retries_pkey"),
    )
    op.create_index("sweep_retries_by_item", "sweep_retries", ["item"])
    op.create_table(
        "sweep_windows",
        sa.Column("list_name", sa.String(), nullable=False),
        moment("until"),
        moment("since"),
        sa.Column("after", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("list_name", "until", name="sweep_windows_pkey"),
    )


def leave_room_in_pages() -> None:
    """A look at a payment changes no index, so its new row fits beside the old one where there is room."""
    op.execute("ALTER TABLE payments SET (fillfactor = 90)")


def upgrade() -> None:
    in_steps(
        revision,
        create_tables,
        leave_room_in_pages,
        create_index("payments_payable", "payments", ["created_at"], where="state IN ('open', 'processing')"),
        drop_index("payments_live_by_look"),
    )


def use_whole_pages() -> None:
    op.execute("ALTER TABLE payments RESET (fillfactor)")


def drop_tables() -> None:
    for table in ("sweep_windows", "sweep_retries", "sweep_steps"):
        op.drop_table(table)


def downgrade() -> None:
    live = "state IN ('creating', 'open', 'processing', 'canceling')"
    in_steps(
        f"{revision} down",
        create_index("payments_live_by_look", "payments", ["looked_at"], where=live),
        drop_index("payments_payable"),
        use_whole_pages,
        drop_tables,
    )
