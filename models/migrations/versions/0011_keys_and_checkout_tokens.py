"""Service keys of the shop's own systems, and checkout tokens for one order.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from models.migrations.steps import in_steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCOPES = "'orders_read', 'orders_write', 'refunds_write', 'products_write', 'events_read', 'webhooks_write', 'keys_write'"


def upgrade() -> None:
    in_steps(revision, make_service_keys, make_checkout_tokens)


def downgrade() -> None:
    in_steps(
        f"{revision} down", lambda: op.drop_table("checkout_tokens"), lambda: op.drop_table("service_keys")
    )


def make_service_keys() -> None:
    op.create_table(
        "service_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", ARRAY(sa.String()), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="service_keys_name_in_range"),
        sa.CheckConstraint("octet_length(key_hash) = 32", name="service_keys_hash_is_sha256"),
        sa.CheckConstraint(f"scopes <@ ARRAY[{SCOPES}]::varchar[]", name="service_keys_scopes_known"),
        sa.CheckConstraint("cardinality(scopes) > 0", name="service_keys_scopes_not_empty"),
        sa.PrimaryKeyConstraint("id", name="service_keys_pkey"),
    )
    op.create_index("service_keys_hash", "service_keys", ["key_hash"], unique=True)
    op.create_index(
        "service_keys_live", "service_keys", ["id"], postgresql_where=sa.text("revoked_at IS NULL")
    )


def make_checkout_tokens() -> None:
    op.create_table(
        "checkout_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="checkout_tokens_hash_is_sha256"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="checkout_tokens_of_an_order", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="checkout_tokens_pkey"),
    )
    op.create_index("checkout_tokens_by_order", "checkout_tokens", ["order_id"])
    op.create_index("checkout_tokens_by_expiry", "checkout_tokens", ["expires_at"])
