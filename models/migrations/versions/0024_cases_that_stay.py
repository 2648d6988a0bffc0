"""Only cases that the facts closed are ever deleted: the server's role may delete from `attention` since those of a year
ago go, and neither an open case nor what a person decided may go with them.

Revision: 0024, after 0023.
"""

from alembic import op

from models.migrations.steps import in_steps

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

REFUSE = """
    CREATE FUNCTION attention_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.closed_at IS NOT NULL AND (OLD.closed_by IS NULL OR OLD.subject = 'none') THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'case % is open, or a person decided it', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'attention_stays';
    END $$
"""
TRIGGER = """
    CREATE TRIGGER attention_stays BEFORE DELETE ON attention
    FOR EACH ROW EXECUTE FUNCTION attention_stays()
"""


def upgrade() -> None:
    in_steps(revision, lambda: op.execute(REFUSE), lambda: op.execute(TRIGGER))


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        lambda: op.execute("DROP TRIGGER attention_stays ON attention"),
        lambda: op.execute("DROP FUNCTION attention_stays()"),
    )
