"""Indexes by which live payments and pending orders are laid side by side, without a look at either table.

Revision: 0006, after 0005.
"""

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LIVE = "state IN ('creating', 'open', 'processing', 'canceling')"


def upgrade() -> None:
    op.create_index("orders_pending", "orders", ["id"], postgresql_where=text("status = 'pending'"))
    op.create_index(
        "payments_canceling", "payments", ["order_id"], postgresql_where=text("state = 'canceling'")
    )
    # Only the sweep before this one read it, and finds the live payments in their other indexes too.
    op.drop_index("payments_live", "payments")


def downgrade() -> None:
    op.create_index("payments_live", "payments", ["id"], postgresql_where=text(LIVE))
    op.drop_index("payments_canceling", "payments")
    op.drop_index("orders_pending", "orders")
