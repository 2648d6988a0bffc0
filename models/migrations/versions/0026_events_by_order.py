"""An index for whoever asks what happened to one order.

Revision: 0026, after 0025.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(revision, create_index("shop_events_by_order", "shop_events", ["order_id", "position"]))


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("shop_events_by_order"))
