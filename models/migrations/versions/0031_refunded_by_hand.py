"""Orders that somebody set to refunded by SQL, or to partially refunded, while their money is here: a case tells of them,
and news of their money does not make them paid.

The database marks them as they are set, when it can compare the word with the refunds. Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import create_index, drop_index, in_steps, repeat

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Whether a status says that more went back than did, of the money that settled the order or that waits for a person.
# Volatile, as functions are when they don't say otherwise: so it sees what was committed while the order was locked.
COMPARE = """
    CREATE FUNCTION is_refunded_by_hand(of_order uuid, said text) RETURNS boolean LANGUAGE sql AS $$
        SELECT EXISTS (
            SELECT FROM payments,
                LATERAL (SELECT coalesce(sum(amount), 0) AS back FROM refunds
                    WHERE payment_id = payments.id AND state IN ('pending', 'requires_action', 'succeeded')) AS refunds,
                LATERAL (SELECT coalesce(sum(amount), 0) AS lost FROM disputes
                    WHERE payment_id = payments.id AND status = 'lost') AS disputes
            WHERE order_id = of_order AND state = 'succeeded' AND disposition IN ('settled', 'mismatch')
                AND amount_received > back + lost
                AND (said = 'refunded' OR said = 'partially_refunded' AND back = 0)
        )
    $$
"""
MARK = """
    CREATE FUNCTION mark_refunded_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.refunded_by_hand := is_refunded_by_hand(NEW.id, NEW.status);
        RETURN NEW;
    END $$
"""
TRIGGER = """
    CREATE TRIGGER orders_mark_refunded_by_hand BEFORE UPDATE OF status ON orders
    FOR EACH ROW WHEN (
        NEW.status <> OLD.status AND (NEW.status IN ('refunded', 'partially_refunded') OR OLD.refunded_by_hand)
    )
    EXECUTE FUNCTION mark_refunded_by_hand()
"""
# Those that were set before there was a mark.
MARK_EARLIER = """
    UPDATE orders SET refunded_by_hand = true WHERE id IN (
        SELECT id FROM orders WHERE status IN ('refunded', 'partially_refunded') AND NOT refunded_by_hand
            AND is_refunded_by_hand(id, status) LIMIT 5000
    )
"""


def upgrade() -> None:
    in_steps(
        revision,
        add_mark,
        repeat(MARK_EARLIER),
        create_index("orders_refunded_by_hand", "orders", ["id"], where="refunded_by_hand"),
    )


def downgrade() -> None:
    in_steps(f"{revision} down", drop_index("orders_refunded_by_hand"), drop_mark)


def add_mark() -> None:
    op.add_column(
        "orders", sa.Column("refunded_by_hand", sa.Boolean(), server_default="false", nullable=False)
    )
    op.execute(COMPARE)
    op.execute(MARK)
    op.execute(TRIGGER)


def drop_mark() -> None:
    op.execute("DROP TRIGGER orders_mark_refunded_by_hand ON orders")
    op.execute("DROP FUNCTION mark_refunded_by_hand()")
    op.execute("DROP FUNCTION is_refunded_by_hand(uuid, text)")
    op.drop_column("orders", "refunded_by_hand")
