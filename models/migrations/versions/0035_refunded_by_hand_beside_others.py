"""An order of which a part went back by itself is not marked as set so by hand when other money waits beside it.

The mark looked at each payment alone: of what waits for a person nothing went back. Revision: 0035, after 0034.
"""

from alembic import op

from models.migrations.steps import in_steps, repeat

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# Whether a status says that more went back than did, of the money that settled the order or that waits for a person.
COMPARE = """
    CREATE OR REPLACE FUNCTION is_refunded_by_hand(of_order uuid, said text) RETURNS boolean LANGUAGE sql AS $$
        SELECT said IN ('refunded', 'partially_refunded') AND coalesce(bool_or(here > 0), false)
            AND (said = 'refunded' OR coalesce(sum(back) FILTER (WHERE disposition = 'settled'), sum(back)) = 0)
        FROM (
            SELECT disposition, back, amount_received - back - lost AS here FROM payments,
                LATERAL (SELECT coalesce(sum(amount), 0) AS back FROM refunds
                    WHERE payment_id = payments.id AND state IN ('pending', 'requires_action', 'succeeded')) AS refunds,
                LATERAL (SELECT coalesce(sum(amount), 0) AS lost FROM disputes
                    WHERE payment_id = payments.id AND status = 'lost') AS disputes
            WHERE order_id = of_order AND state = 'succeeded' AND disposition IN ('settled', 'mismatch')
        ) AS money
    $$
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION is_refunded_by_hand(of_order uuid, said text) RETURNS boolean LANGUAGE sql AS $$
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
UNMARK = """
    UPDATE orders SET refunded_by_hand = false WHERE id IN (
        SELECT id FROM orders WHERE refunded_by_hand AND NOT is_refunded_by_hand(id, status) LIMIT 5000
    ) AND NOT is_refunded_by_hand(id, status)
"""


def upgrade() -> None:
    in_steps(revision, compare_all, repeat(UNMARK))


def downgrade() -> None:
    op.execute(BEFORE)


def compare_all() -> None:
    op.execute(COMPARE)
