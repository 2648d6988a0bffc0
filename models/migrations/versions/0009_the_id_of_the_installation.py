"""The installation gets an id, which intents carry in their metadata from now on; finished events can be deleted.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import create_index, drop_index, in_steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("only_one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("payments_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("only_one", name="installation_pkey"),
        sa.CheckConstraint("only_one", name="installation_is_one"),
    )
    op.execute("INSERT INTO installation DEFAULT VALUES")


def drop_installation() -> None:
    op.drop_table("installation")


def upgrade() -> None:
    in_steps(
        revision,
        create_installation,
        create_index(
            "stripe_events_finished", "stripe_events", ["finished_at"], where="finished_at IS NOT NULL"
        ),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("stripe_events_finished"), drop_installation)
