"""Declined cards, counted by order and user.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, make_declines)


def downgrade() -> None:
    in_steps(f"{revision} down", lambda: op.drop_table("declines"))


def make_declines() -> None:
    op.create_table(
        "declines",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="declines_of_an_order", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", name="declines_pkey"),
    )
    op.create_index("declines_by_order", "declines", ["order_id", "at"])
    op.create_index("declines_by_user", "declines", ["user_id", "at"])
    op.create_index("declines_by_age", "declines", ["at"])
