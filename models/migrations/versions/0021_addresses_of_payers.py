"""Declined cards, counted by the address that asked for the intent too.

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        make_payer_addresses,
        lambda: op.add_column("declines", sa.Column("address", sa.String(), nullable=True)),
        create_index("declines_by_address", "declines", ["address", "at"], where="address IS NOT NULL"),
    )


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        drop_index("declines_by_address"),
        lambda: op.drop_column("declines", "address"),
        lambda: op.drop_table("payer_addresses"),
    )


def make_payer_addresses() -> None:
    op.create_table(
        "payer_addresses",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="payer_addresses_of_an_order", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", name="payer_addresses_pkey"),
    )
    op.create_index("payer_addresses_by_age", "payer_addresses", ["at"])
