"""Endpoints of the shop's that are sent its events, and the deliveries to each.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from models.migrations.steps import in_steps

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TYPES = (
    "'order_paid', 'order_canceled', 'order_review', 'order_refunded', 'order_updated', 'refund_failed',"
    " 'dispute_opened', 'dispute_closed', 'attention_needed'"
)


def upgrade() -> None:
    in_steps(revision, make_endpoints, make_deliveries)


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        lambda: op.drop_table("webhook_deliveries"),
        lambda: op.drop_table("webhook_endpoints"),
    )


def make_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("types", ARRAY(sa.String()), nullable=True),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("old_key", sa.LargeBinary(), nullable=True),
        sa.Column("old_key_until", MOMENT, nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("disabled_because", sa.String(), nullable=True),
        sa.Column("replay_after", sa.BigInteger(), nullable=True),
        sa.Column("replay_until", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(url) BETWEEN 1 AND 2000", name="webhook_endpoints_url_in_range"),
        sa.CheckConstraint(f"types <@ ARRAY[{TYPES}]::varchar[]", name="webhook_endpoints_types_known"),
        sa.CheckConstraint("cardinality(types) > 0", name="webhook_endpoints_types_not_empty"),
        sa.CheckConstraint(
            "octet_length(signing_key) = 32 AND octet_length(old_key) = 32",
            name="webhook_endpoints_keys_in_full",
        ),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_because IS NULL)",
            name="webhook_endpoints_reason_when_disabled",
        ),
        sa.PrimaryKeyConstraint("id", name="webhook_endpoints_pkey"),
    )
    op.create_index("webhook_endpoints_url", "webhook_endpoints", ["url"], unique=True)


def make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), server_default="due", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_http_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("began_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('due', 'delivered', 'given_up')", name="webhook_deliveries_status_known"
        ),
        sa.CheckConstraint("attempts >= 0", name="webhook_deliveries_attempts_not_negative"),
        sa.CheckConstraint(
            "(delivered_at IS NOT NULL) = (status = 'delivered')",
            name="webhook_deliveries_time_when_delivered",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="webhook_deliveries_to_an_endpoint",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["shop_events.id"], name="webhook_deliveries_of_an_event", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="webhook_deliveries_pkey"),
    )
    op.create_index("webhook_deliveries_once", "webhook_deliveries", ["event_id", "endpoint_id"], unique=True)
    op.create_index(
        "webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "due_at"],
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_index("webhook_deliveries_newest", "webhook_deliveries", ["endpoint_id", "began_at", "id"])
    op.create_index(
        "webhook_deliveries_by_status", "webhook_deliveries", ["endpoint_id", "status", "began_at", "id"]
    )
