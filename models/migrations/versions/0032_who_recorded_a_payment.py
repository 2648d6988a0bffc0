"""Each payment names the installation that recorded it, and the ids that a database had before are kept.

In a copied database a date told who recorded a payment, by a clock that can be wrong. A trigger writes the name, so that
a server of the version before need not know of it.
Revision: 0032, after 0031.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import in_steps, repeat

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTALLATION = sa.text("SELECT id FROM installation")
NAME_INSTALLATION = """
    CREATE FUNCTION name_installation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.installation_id := (SELECT id FROM installation);
        RETURN NEW;
    END $$
"""
TRIGGER = """
    CREATE TRIGGER payments_name_installation BEFORE INSERT ON payments
    FOR EACH ROW WHEN (NEW.installation_id IS NULL) EXECUTE FUNCTION name_installation()
"""
# Which one a copied payment belongs to was not kept: another one than this.
MARK_COPIED = """
    UPDATE payments SET installation_id = '00000000-0000-0000-0000-000000000000' WHERE id IN (
        SELECT payments.id FROM payments, installation
        WHERE created_at < payments_since AND installation_id = installation.id LIMIT 5000
    )
"""


def upgrade() -> None:
    in_steps(revision, add_former, add_installation, repeat(MARK_COPIED))


def downgrade() -> None:
    in_steps(f"{revision} down", drop_installation, drop_former)


def add_former() -> None:
    op.create_table(
        "former_installations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("belongs_to", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("former_installations_pkey")),
    )


def drop_former() -> None:
    op.drop_table("former_installations")


def add_installation() -> None:
    # A constant, for the moment: it stands for the rows that are there, and none of them is written.
    this = op.get_bind().execute(INSTALLATION).scalar_one()
    op.add_column(
        "payments", sa.Column("installation_id", sa.Uuid(), server_default=str(this), nullable=False)
    )
    op.alter_column("payments", "installation_id", server_default=None)
    op.execute(NAME_INSTALLATION)
    op.execute(TRIGGER)


def drop_installation() -> None:
    op.execute("DROP TRIGGER payments_name_installation ON payments")
    op.execute("DROP FUNCTION name_installation()")
    op.drop_column("payments", "installation_id")
