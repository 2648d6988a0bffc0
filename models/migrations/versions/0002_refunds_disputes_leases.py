"""Refunds and disputes, and leases for work that one process does for all.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RULES = (
    """
    CREATE FUNCTION refunds_within_received() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT sum(amount) FROM refunds WHERE payment_id = NEW.payment_id
            AND state IN ('pending', 'requires_action', 'succeeded'))
           > (SELECT amount_received FROM payments WHERE id = NEW.payment_id)
        THEN
            RAISE EXCEPTION 'refunds of payment % exceed what was received', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_within_received';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER refunds_within_received AFTER INSERT OR UPDATE ON refunds
    FOR EACH ROW EXECUTE FUNCTION refunds_within_received()
    """,
)


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="leases_pkey"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 0 AND 999999999999", name="disputes_amount_in_range"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name="disputes_of_a_payment"),
        sa.PrimaryKeyConstraint("id", name="disputes_pkey"),
    )
    op.create_index("disputes_by_payment", "disputes", ["payment_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("client_key", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("stripe_refund_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "cause IN ('merchant', 'duplicate', 'late', 'dashboard')", name="refunds_cause_known"
        ),
        sa.CheckConstraint(
            "state IN ('creating', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name="refunds_state_known",
        ),
        sa.CheckConstraint(
            "stripe_refund_id IS NOT NULL OR state IN ('creating', 'failed')",
            name="refunds_id_known_when_made",
        ),
        sa.CheckConstraint("amount BETWEEN 1 AND 999999999999", name="refunds_amount_in_range"),
        sa.CheckConstraint("attempt > 0", name="refunds_attempt_positive"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name="refunds_of_a_payment"),
        sa.PrimaryKeyConstraint("id", name="refunds_pkey"),
    )
    op.create_index("refunds_by_payment", "refunds", ["payment_id", "created_at"], unique=False)
    op.create_index("refunds_client_key", "refunds", ["payment_id", "client_key"], unique=True)
    op.create_index(
        "refunds_one_automatic_per_payment",
        "refunds",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("cause IN ('duplicate', 'late')"),
    )
    op.create_index("refunds_stripe_refund_id", "refunds", ["stripe_refund_id"], unique=True)
    op.create_index(
        "refunds_unfinished",
        "refunds",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('creating', 'pending', 'requires_action')"),
    )
    op.add_column(
        "payments",
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index(
        "payments_live_by_look",
        "payments",
        ["looked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('creating', 'open', 'processing', 'canceling')"),
    )
    for statement in RULES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("refunds", "disputes", "leases"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refunds_within_received")
    op.drop_column("payments", "looked_at")
