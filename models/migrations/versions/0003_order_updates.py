"""Tell whoever listens that an order changed, across processes and machines.

Revision: 0003, after 0002.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A payment that is begun or opened is no news to anybody but its caller, and a notification takes a lock that
# all commits share: creating stays free of it.
RULES = (
    """
    CREATE FUNCTION order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('order_updated', NEW.id::text);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER orders_changed AFTER UPDATE ON orders
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION order_changed()
    """,
    """
    CREATE FUNCTION payment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('order_updated', NEW.order_id::text);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER payments_changed AFTER UPDATE ON payments
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND OLD.state <> 'creating')
    EXECUTE FUNCTION payment_changed()
    """,
    """
    CREATE FUNCTION money_went_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('order_updated', order_id::text) FROM payments WHERE id = NEW.payment_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER refunds_changed AFTER INSERT OR UPDATE ON refunds
    FOR EACH ROW EXECUTE FUNCTION money_went_back()
    """,
    """
    CREATE TRIGGER disputes_changed AFTER INSERT OR UPDATE ON disputes
    FOR EACH ROW EXECUTE FUNCTION money_went_back()
    """,
)


def upgrade() -> None:
    for statement in RULES:
        op.execute(statement)


def downgrade() -> None:
    for trigger, table in (
        ("orders_changed", "orders"),
        ("payments_changed", "payments"),
        ("refunds_changed", "refunds"),
        ("disputes_changed", "disputes"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in ("order_changed", "payment_changed", "money_went_back"):
        op.execute(f"DROP FUNCTION {function}")
