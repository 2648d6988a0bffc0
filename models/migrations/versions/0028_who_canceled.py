"""Who canceled an order, and when.

Revision: 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, add_columns)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_columns)


def add_columns() -> None:
    op.add_column("orders", sa.Column("canceled_by", sa.String(), nullable=True))
    op.add_column("orders", sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True))


def drop_columns() -> None:
    op.drop_column("orders", "canceled_at")
    op.drop_column("orders", "canceled_by")
