"""An index of the orders that somebody set to canceled by SQL: a case tells of those whose money is here.

Revision: 0029, after 0028.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        create_index(
            "orders_canceled_by_hand",
            "orders",
            ["id"],
            where="status = 'canceled' AND cancel_reason IS NULL",
        ),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("orders_canceled_by_hand"))
