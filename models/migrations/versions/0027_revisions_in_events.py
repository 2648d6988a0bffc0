"""Events have the revision that their order had when they were published.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, add_revision)


def downgrade() -> None:
    in_steps(f"{revision} down", remove_revision)


def add_revision() -> None:
    op.add_column("shop_events", sa.Column("order_revision", sa.Integer(), nullable=True))


def remove_revision() -> None:
    op.drop_column("shop_events", "order_revision")
