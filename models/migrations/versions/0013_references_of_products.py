"""Products can be saved by the shop's own id of them.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import add_constraint, create_index, drop_index, in_steps, validate

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def add_reference() -> None:
    op.add_column("products", sa.Column("reference", sa.String(), nullable=True))


def drop_reference() -> None:
    op.drop_constraint("products_reference_not_empty", "products")
    op.drop_column("products", "reference")


def upgrade() -> None:
    in_steps(
        revision,
        add_reference,
        add_constraint("products", "products_reference_not_empty", "CHECK (reference <> '')"),
        validate("products", "products_reference_not_empty"),
        create_index("products_reference", "products", ["reference"], unique=True),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("products_reference"), drop_reference)
