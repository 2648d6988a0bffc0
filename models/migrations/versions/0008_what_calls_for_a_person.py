"""Cases for a person, and what they are made of: failed refunds, disputes with a date, authorizations.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
UNFINISHED = "state IN ('creating', 'pending', 'requires_action')"
DISPUTE_IS_OPEN = "status NOT IN ('lost', 'won', 'warning_closed', 'prevented')"
AUTHORIZED = "state = 'processing' AND authorized_at IS NOT NULL"


def upgrade() -> None:
    in_steps(
        revision,
        make_cases,
        complete_refunds,
        date_disputes,
        note_authorizations,
        create_index("refunds_ended", "refunds", ["payment_id"], where="state IN ('failed', 'canceled')"),
        create_index("refunds_due", "refunds", ["due_at"], where=UNFINISHED),
        drop_index("refunds_failed"),
        drop_index("refunds_unfinished"),
        create_index("disputes_open", "disputes", ["payment_id"], where=DISPUTE_IS_OPEN),
        create_index("payments_mismatched", "payments", ["order_id"], where="disposition = 'mismatch'"),
        create_index("payments_authorized", "payments", ["order_id"], where=AUTHORIZED),
    )


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        drop_index("payments_authorized"),
        drop_index("payments_mismatched"),
        drop_index("disputes_open"),
        create_index("refunds_unfinished", "refunds", ["updated_at"], where=UNFINISHED),
        create_index("refunds_failed", "refunds", ["payment_id"], where="state = 'failed'"),
        drop_index("refunds_due"),
        drop_index("refunds_ended"),
        lambda: op.drop_column("payments", "authorized_at"),
        lambda: op.drop_column("disputes", "due_by"),
        take_from_refunds,
        lambda: op.drop_table("attention"),
    )


def make_cases() -> None:
    op.create_table(
        "attention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("due_by", MOMENT, nullable=True),
        sa.Column("opened_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
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


def complete_refunds() -> None:
    for column in ("failure_message", "note", "customer_message"):
        op.add_column("refunds", sa.Column(column, sa.String(), nullable=True))
    op.add_column("refunds", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("refunds", sa.Column("due_at", MOMENT, server_default=sa.text("now()"), nullable=False))


def take_from_refunds() -> None:
    for column in ("due_at", "tries", "customer_message", "note", "failure_message"):
        op.drop_column("refunds", column)


def date_disputes() -> None:
    op.add_column("disputes", sa.Column("due_by", MOMENT, nullable=True))


def note_authorizations() -> None:
    op.add_column("payments", sa.Column("authorized_at", MOMENT, nullable=True))
