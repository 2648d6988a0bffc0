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

# Cases of versions before: their words name it.
NAME_EARLIER = """
    UPDATE attention SET missing_order_id = substring(
        message FROM ' for order ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}), which is not in this database'
    )::uuid
    WHERE kind = 'money_without_order' AND closed_at IS NULL
"""


def upgrade() -> None:
    in_steps(revision, add_column, name_earlier)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_column)


def add_column() -> None:
    op.add_column("attention", sa.Column("missing_order_id", sa.Uuid(), nullable=True))


def name_earlier() -> None:
    op.execute(NAME_EARLIER)


def drop_column() -> None:
    op.drop_column("attention", "missing_order_id")
