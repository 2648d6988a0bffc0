"""A person's decision about an order in review, the line that it may add, and how old an answer about a dispute is.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import add_constraint, in_steps, validate

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
RULE = "order_items_unit_amount_in_range"
NEVER_NEGATIVE = "CHECK (unit_amount BETWEEN 0 AND 999999999999)"
ADJUSTED = (
    "CHECK (unit_amount BETWEEN -999999999999 AND 999999999999 AND (unit_amount >= 0 OR kind = 'adjustment'))"
)


def make_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("decision IN ('accept', 'refund')", name="reviews_decision_known"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="reviews_of_an_order", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="reviews_pkey"),
    )
    op.create_index("reviews_idempotency_key", "reviews", ["idempotency_key"], unique=True)
    op.create_index("reviews_by_order", "reviews", ["order_id"])


def date_answers() -> None:
    op.add_column("disputes", sa.Column("asked_at", MOMENT, server_default=sa.text("now()"), nullable=False))


def drop_rule() -> None:
    op.drop_constraint(RULE, "order_items")


def upgrade() -> None:
    in_steps(
        revision,
        make_reviews,
        date_answers,
        drop_rule,
        add_constraint("order_items", RULE, ADJUSTED),
        validate("order_items", RULE),
    )


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        lambda: op.execute("DELETE FROM order_items WHERE unit_amount < 0"),
        drop_rule,
        add_constraint("order_items", RULE, NEVER_NEGATIVE),
        validate("order_items", RULE),
        lambda: op.drop_column("disputes", "asked_at"),
        lambda: op.drop_table("reviews"),
    )
