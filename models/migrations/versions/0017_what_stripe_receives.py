"""What Stripe is asked for is stored with the payment, so that a replay sends the same.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.steps import in_steps

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def add_parameters() -> None:
    op.add_column("payments", sa.Column("stripe_parameters", JSONB(none_as_null=True), nullable=True))


def drop_parameters() -> None:
    op.drop_column("payments", "stripe_parameters")


def upgrade() -> None:
    in_steps(revision, add_parameters)


def downgrade() -> None:
    in_steps(f"{revision} down", drop_parameters)
