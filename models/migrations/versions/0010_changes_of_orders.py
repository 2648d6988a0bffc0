"""Changes of orders that wait for Stripe to reprice an intent.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.steps import in_steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def make_order_changes() -> None:
    op.create_table(
        "order_changes",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("sets_expiry", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("total BETWEEN 1 AND 999999999999", name="order_changes_total_in_range"),
        sa.PrimaryKeyConstraint("order_id", name="order_changes_pkey"),
    )
    op.create_index("order_changes_by_age", "order_changes", ["created_at"])


def belong_to_an_order() -> None:
    op.create_foreign_key(
        "order_changes_of_an_order", "order_changes", "orders", ["order_id"], ["id"], ondelete="CASCADE"
    )


def belong_to_a_payment() -> None:
    op.create_foreign_key("order_changes_of_a_payment", "order_changes", "payments", ["payment_id"], ["id"])


def drop_order_changes() -> None:
    op.drop_table("order_changes")


def upgrade() -> None:
    in_steps(revision, make_order_changes, belong_to_an_order, belong_to_a_payment)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_order_changes)
