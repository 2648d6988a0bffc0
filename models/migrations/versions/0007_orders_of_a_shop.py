"""Orders that a shop's own system placed: lines of every kind, the shop's reference, guests, expiry.

Revision: 0007, after 0006.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KINDS = "'product', 'shipping', 'tax', 'fee', 'tip', 'discount', 'credit', 'adjustment'"


def columns() -> dict[str, tuple[sa.Column[Any], ...]]:
    """New each time: a column belongs to one table."""
    return {
        "orders": (
            sa.Column("reference", sa.String(), nullable=True),
            sa.Column("receipt_email", sa.String(), nullable=True),
            sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("cancel_reason", sa.String(), nullable=True),
            sa.Column("shop_metadata", JSONB(), server_default="{}", nullable=False),
            sa.Column("import_digest", sa.String(), nullable=True),
        ),
        "order_items": (
            sa.Column("kind", sa.String(), server_default="product", nullable=False),
            sa.Column("reference", sa.String(), nullable=True),
        ),
    }


RULES = (
    (
        "orders",
        "orders_cancel_reason_known",
        "cancel_reason IN ('customer', 'merchant', 'expired')",
    ),
    ("orders", "orders_reference_not_empty", "reference <> ''"),
    ("order_items", "order_items_kind_known", f"kind IN ({KINDS})"),
    ("order_items", "order_items_only_products_of_catalogue", "product_id IS NULL OR kind = 'product'"),
)


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.alter_column("orders", "user_id", nullable=True)
    op.alter_column("order_items", "product_id", nullable=True)
    for table, name, rule in RULES:
        op.create_check_constraint(name, table, sa.text(rule))
    op.create_index("orders_reference", "orders", ["reference"], unique=True)
    op.create_index(
        "orders_expiring",
        "orders",
        ["expires_at"],
        postgresql_where=sa.text("status = 'pending' AND expires_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("orders_expiring", "orders")
    op.drop_index("orders_reference", "orders")
    for table, name, _ in RULES:
        op.drop_constraint(name, table)
    op.alter_column("order_items", "product_id", nullable=False)
    op.alter_column("orders", "user_id", nullable=False)
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
