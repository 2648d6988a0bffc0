"""Indexes for whoever asks what money came in, went back and was disputed in a time.

Revision: 0025, after 0024.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        create_index(
            "payment_transitions_received",
            "payment_transitions",
            ["at", "payment_id"],
            where="to_state = 'succeeded'",
        ),
        create_index("refunds_by_time", "refunds", ["created_at"]),
        create_index("disputes_by_time", "disputes", ["created_at"]),
    )


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        drop_index("disputes_by_time"),
        drop_index("refunds_by_time"),
        drop_index("payment_transitions_received"),
    )
