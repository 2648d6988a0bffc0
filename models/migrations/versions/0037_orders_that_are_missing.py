"""A case about money without an order names the order, so that it is found when somebody brings it back.

Revision: 0037, after 0036.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, add_column)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_column)


def add_column() -> None:
    op.add_column("attention", sa.Column("missing_order_id", sa.Uuid(), nullable=True))


def drop_column() -> None:
    op.drop_column("attention", "missing_order_id")
