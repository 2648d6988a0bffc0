"""Indexes for whoever looks for orders of the whole shop.

Revision: 0015, after 0014.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        create_index("orders_newest", "orders", ["created_at", "id"]),
        create_index("orders_by_status", "orders", ["status", "created_at", "id"]),
        create_index("orders_by_update", "orders", ["updated_at"]),
        create_index(
            "orders_by_receipt_email",
            "orders",
            ["receipt_email", "created_at", "id"],
            where="receipt_email IS NOT NULL",
        ),
    )


def downgrade() -> None:
    names = ("orders_newest", "orders_by_status", "orders_by_update", "orders_by_receipt_email")
    in_steps(f"{revision} down", *(drop_index(name) for name in names))
