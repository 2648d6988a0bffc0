"""Cases for a person, and what they are made of: failed refunds, disputes with a date, authorizations.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('creating', 'pending', 'requires_action')")


def upgrade() -> None:
    _add_cases()
    for column in ("failure_message", "note", "customer_message"):
        op.add_column("refunds", sa.Column(column, sa.String(), nullable=True))
    op.add_column("refunds", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    due = sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column("refunds", due)
    for name, column, rule in (
        ("refunds_failed", "payment_id", sa.text("state IN ('failed', 'canceled')")),
        ("refunds_unfinished", "due_at", UNFINISHED),
    ):
        op.drop_index(name, "refunds")
        op.create_index(name, "refunds", [column], postgresql_where=rule)

    op.add_column("disputes", sa.Column("due_by", sa.DateTime(timezone=True), nullable=True))
    is_open = sa.text("status NOT IN ('lost', 'won', 'warning_closed', 'prevented')")
    op.create_index("disputes_open", "disputes", ["payment_id"], postgresql_where=is_open)

    op.add_column("payments", sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "payments_mismatched", "payments", ["order_id"], postgresql_where=sa.text("disposition = 'mismatch'")
    )
    authorized = sa.text("state = 'processing' AND authorized_at IS NOT NULL")
    op.create_index("payments_authorized", "payments", ["order_id"], postgresql_where=authorized)


def _add_cases() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "attention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("due_by", moment, nullable=True),
        sa.Column("opened_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('order_in_review', 'refund_failed', 'refund_forbidden', 'dispute_open',"
            " 'authorization_lapses', 'money_without_order', 'event_unfinished', 'key_lacks_permission',"
            " 'webhook_disabled', 'stripe_account_changed')",
            name="attention_kind_known",
        ),
        sa.CheckConstraint(
            "subject IN ('order', 'payment', 'refund', 'dispute', 'event', 'none')",
            name="attention_subject_known",
        ),
        sa.CheckConstraint("message <> ''", name="attention_message_not_empty"),
        sa.CheckConstraint(
            "closed_by IS NULL OR closed_at IS NOT NULL", name="attention_closed_by_when_closed"
        ),
        sa.CheckConstraint("length(note) <= 500", name="attention_note_in_range"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="attention_of_an_order", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="attention_pkey"),
    )
    op.create_index(
        "attention_opened_once",
        "attention",
        ["kind", "subject", "subject_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL OR (closed_by IS NOT NULL AND subject <> 'none')"),
    )
    op.create_index("attention_by_order", "attention", ["order_id"])
    for name, rule in (
        ("attention_open", "closed_at IS NULL"),
        ("attention_closed", "closed_at IS NOT NULL"),
    ):
        op.create_index(name, "attention", ["opened_at", "id"], postgresql_where=sa.text(rule))


def downgrade() -> None:
    op.drop_index("payments_authorized", "payments")
    op.drop_index("payments_mismatched", "payments")
    op.drop_column("payments", "authorized_at")
    op.drop_index("disputes_open", "disputes")
    op.drop_column("disputes", "due_by")
    for name, column, rule in (
        ("refunds_failed", "payment_id", sa.text("state = 'failed'")),
        ("refunds_unfinished", "updated_at", UNFINISHED),
    ):
        op.drop_index(name, "refunds")
        op.create_index(name, "refunds", [column], postgresql_where=rule)
    for column in ("due_at", "tries", "customer_message", "note", "failure_message"):
        op.drop_column("refunds", column)
    op.drop_table("attention")
