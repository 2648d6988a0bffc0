"""Until when Stripe is asked for a refund under its present idempotency key.

The age of the refund told it, so that a refund older than a day had a new key at each try, also while a request under
the one before was under way: it was made twice. Revision: 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, add_column)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_column)


def add_column() -> None:
    op.add_column("refunds", sa.Column("key_until", sa.DateTime(timezone=True), nullable=True))


def drop_column() -> None:
    op.drop_column("refunds", "key_until")
