"""Cases that the facts closed are deleted after a year: an index by when they were closed.

Revision: 0022, after 0021.
"""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    in_steps(
        revision,
        create_index(
            "attention_forgettable",
            "attention",
            ["closed_at"],
            where="closed_at IS NOT NULL AND (closed_by IS NULL OR subject = 'none')",
        ),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("attention_forgettable"))
