"""Indexes for what the sweep looks for each minute and hardly ever finds: without them it reads whole tables.

Revision: 0004, after 0003.
"""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FOUND = (
    ("orders_in_review", "orders", "id", "status = 'review'"),
    ("payments_live", "payments", "id", "state IN ('creating', 'open', 'processing', 'canceling')"),
    ("payments_unanswered", "payments", "created_at", "state = 'creating'"),
    ("refunds_failed", "refunds", "payment_id", "state = 'failed'"),
)


def upgrade() -> None:
    for name, table, column, rule in FOUND:
        op.create_index(name, table, [column], postgresql_where=text(rule))


def downgrade() -> None:
    for name, table, _, _ in FOUND:
        op.drop_index(name, table)
