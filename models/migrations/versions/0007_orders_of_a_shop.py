"""Orders that a shop's own system placed: lines of every kind, the shop's reference, guests, expiry.

Revision: 0007, after 0006.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.steps import Step, add_constraint, create_index, drop_index, in_steps, validate

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


def add_columns_of(table: str) -> Step:
    def add() -> None:
        for column in columns()[table]:
            op.add_column(table, column)

    return add


def allow_orders_without_a_user() -> None:
    op.alter_column("orders", "user_id", nullable=True)


def allow_lines_without_a_product() -> None:
    op.alter_column("order_items", "product_id", nullable=True)


def upgrade() -> None:
    in_steps(
        revision,
        add_columns_of("orders"),
        add_columns_of("order_items"),
        allow_orders_without_a_user,
        allow_lines_without_a_product,
        *(add_constraint(table, name, f"CHECK ({rule})") for table, name, rule in RULES),
        *(validate(table, name) for table, name, _ in RULES),
        create_index("orders_reference", "orders", ["reference"], unique=True),
        create_index(
            "orders_expiring",
            "orders",
            ["expires_at"],
            where="status = 'pending' AND expires_at IS NOT NULL",
        ),
    )


def require_users_and_products() -> None:
    op.alter_column("order_items", "product_id", nullable=False)
    op.alter_column("orders", "user_id", nullable=False)


def drop_columns() -> None:
    for table, name, _ in RULES:
        op.drop_constraint(name, table)
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        drop_index("orders_expiring"),
        drop_index("orders_reference"),
        require_users_and_products,
        drop_columns,
    )
