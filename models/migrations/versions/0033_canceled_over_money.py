"""An order that is set to canceled by SQL over its money has no reason, whatever stood there: a case tells of it.

The reason of an earlier `cancelOrder` stayed when such an order was reopened, or was written along with the status, and
then it looked as if Paygraph had canceled it. Revision: 0033, after 0032.
"""

from alembic import op

from models.migrations.steps import in_steps, repeat

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# Paygraph itself cancels no order whose money is here.
FORGET = """
    CREATE FUNCTION forget_cancel_reason() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF is_refunded_by_hand(NEW.id, 'refunded') THEN
            NEW.cancel_reason := NULL;
            NEW.canceled_by := NULL;
            NEW.canceled_at := NULL;
        END IF;
        RETURN NEW;
    END $$
"""
TRIGGER = """
    CREATE TRIGGER orders_forget_cancel_reason BEFORE UPDATE OF status ON orders
    FOR EACH ROW WHEN (NEW.status = 'canceled' AND OLD.status <> 'canceled' AND NEW.cancel_reason IS NOT NULL)
    EXECUTE FUNCTION forget_cancel_reason()
"""
FORGET_EARLIER = """
    UPDATE orders SET cancel_reason = NULL, canceled_by = NULL, canceled_at = NULL WHERE id IN (
        SELECT id FROM orders WHERE status = 'canceled' AND cancel_reason IS NOT NULL
            AND is_refunded_by_hand(id, 'refunded') LIMIT 5000
    )
"""


def upgrade() -> None:
    in_steps(revision, add_trigger, repeat(FORGET_EARLIER))


def downgrade() -> None:
    in_steps(f"{revision} down", drop_trigger)


def add_trigger() -> None:
    op.execute(FORGET)
    op.execute(TRIGGER)


def drop_trigger() -> None:
    op.execute("DROP TRIGGER orders_forget_cancel_reason ON orders")
    op.execute("DROP FUNCTION forget_cancel_reason()")
