"""An order's version grows with every change of its items: also when one moves to another order, or all are truncated.

Revision: 0005, after 0004.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# TRUNCATE tells no rows, so it counts for every order there is (none, where it took the orders too).
RULES = (
    """
    CREATE FUNCTION order_items_updated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE orders SET version = version + 1, updated_at = now()
        WHERE id IN (SELECT order_id FROM before UNION SELECT order_id FROM changed);
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER order_items_updated AFTER UPDATE ON order_items
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION order_items_updated()
    """,
    """
    CREATE FUNCTION order_items_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE orders SET version = version + 1, updated_at = now();
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER order_items_truncated AFTER TRUNCATE ON order_items
    FOR EACH STATEMENT EXECUTE FUNCTION order_items_truncated()
    """,
)
AS_BEFORE = (
    """
    CREATE OR REPLACE TRIGGER order_items_updated AFTER UPDATE ON order_items
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_items_changed()
    """,
    "DROP TRIGGER order_items_truncated ON order_items",
    "DROP FUNCTION order_items_updated",
    "DROP FUNCTION order_items_truncated",
)


def upgrade() -> None:
    for statement in RULES:
        op.execute(statement)


def downgrade() -> None:
    for statement in AS_BEFORE:
        op.execute(statement)
