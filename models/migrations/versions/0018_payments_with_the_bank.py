"""An index for whoever looks for the orders that wait for a bank.

Revision: 0018, after 0017.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        create_index("payments_processing", "payments", ["order_id"], where="state = 'processing'"),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("payments_processing"))
