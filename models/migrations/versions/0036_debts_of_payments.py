"""What a payment's failed refunds still owe, and what went back in another way: counted once, when it changes.

Each statement that asked for it added it up anew, from the whole history of the payment. Revision: 0036, after 0035.

Whatever was ever asked for together was promised: the most that refunds asked for at one time, less what they ask for
now, is still owed. So a refund that fails twice owes its money once, and one after a failure makes up for it first.
When a person closes the case, all that is owed then was given back in another way; when they accept the money for its
order, it is owed no more. Counting begins anew.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import Step, create_index, drop_index, in_steps, repeat

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# Minor units. Of what happens at one moment, a failure comes after what was asked for, and a person's word at the end:
# only what follows a failure makes up for it. A refund that a person gave up before it ended (`never_made`) stands for
# money that went back in another way. One that gave way to the dashboard's counts as if it had never been asked for.
DEBTS = """
    CREATE FUNCTION debts_of(of_payment uuid) RETURNS TABLE (owed bigint, given_up bigint) LANGUAGE sql STABLE AS $$
        WITH told AS (
            SELECT refunds.id, attention.closed_at AS at, attention.closed_at <= refunds.updated_at AS is_before_its_end
            FROM refunds JOIN attention ON subject_id = refunds.id::text
            WHERE payment_id = of_payment AND subject = 'refund' AND kind IN ('refund_failed', 'refund_forbidden')
                AND closed_by IS NOT NULL
        ), ended AS (
            SELECT amount, failure_code, greatest(updated_at, created_at) AS at,
                EXISTS (SELECT FROM told WHERE told.id = refunds.id AND is_before_its_end) AS is_dropped
            FROM refunds WHERE payment_id = of_payment AND state IN ('failed', 'canceled')
        ), happened AS (
            SELECT created_at AS at, 0 AS turn, amount AS change, 0 AS word, false AS is_back
            FROM refunds WHERE payment_id = of_payment AND failure_code IS DISTINCT FROM 'made_by_hand'
            UNION ALL
            SELECT at, 1, -amount, 0, false FROM ended
            WHERE NOT is_dropped AND failure_code IS DISTINCT FROM 'made_by_hand'
            UNION ALL
            SELECT at, 2, 0, 1, true FROM told WHERE NOT is_before_its_end
            UNION ALL
            SELECT decided_at, 2, 0, 1, false FROM reviews JOIN payments USING (order_id)
            WHERE payments.id = of_payment AND decision = 'accept' AND disposition NOT IN ('duplicate', 'late')
        ), step AS (
            SELECT change, is_back, sum(change) OVER so_far AS asked, sum(change) OVER () AS asked_now,
                coalesce(sum(word) OVER before, 0) AS period, sum(word) OVER () AS last_period
            FROM happened
            WINDOW so_far AS (ORDER BY at, turn ROWS UNBOUNDED PRECEDING),
                before AS (ORDER BY at, turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ), history AS (
            SELECT *, max(greatest(asked, asked - change)) OVER (PARTITION BY period) AS most FROM step
        ), never_made AS (SELECT coalesce(sum(amount), 0) AS amount FROM ended WHERE is_dropped)
        SELECT coalesce(max(most - asked_now) FILTER (WHERE period = last_period), 0)::bigint,
            (coalesce(sum(most - asked) FILTER (WHERE is_back), 0) + (SELECT amount FROM never_made))::bigint
        FROM history
    $$
"""
# The payment is locked first: what a transaction wrote that we waited for is seen by the statement after that.
COUNT = """
    CREATE FUNCTION count_debts(of_payment uuid) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM payments WHERE id = of_payment FOR NO KEY UPDATE;
        UPDATE payments SET owed = debts.owed, given_up = debts.given_up FROM debts_of(of_payment) AS debts
        WHERE id = of_payment AND (payments.owed, payments.given_up) IS DISTINCT FROM (debts.owed, debts.given_up);
    END $$
"""
# Of each table that tells something of it: the trigger's moment, and which payments are counted anew.
TRIGGERS = {
    "refunds": ("AFTER INSERT OR UPDATE OF state, amount", "true", "SELECT NEW.payment_id AS id"),
    "attention": (
        "AFTER UPDATE OF closed_by",
        "NEW.subject = 'refund' AND NEW.subject_id NOT LIKE '%/%'",
        "SELECT payment_id AS id FROM refunds WHERE id = NEW.subject_id::uuid",
    ),
    "reviews": (
        "AFTER INSERT",
        "NEW.decision = 'accept'",
        "SELECT id FROM payments WHERE order_id = NEW.order_id",
    ),
    "payments": (
        "AFTER UPDATE OF disposition",
        "NEW.disposition <> OLD.disposition",
        "SELECT NEW.id AS id",
    ),
}
COUNT_EARLIER = """
    SELECT count_debts(id) FROM (
        SELECT id FROM payments, debts_of(id) AS debts
        WHERE id IN (SELECT payment_id FROM refunds WHERE refunds.state IN ('failed', 'canceled'))
            AND (payments.owed, payments.given_up) IS DISTINCT FROM (debts.owed, debts.given_up)
        LIMIT 1000
    ) AS uncounted
"""


def upgrade() -> None:
    in_steps(
        revision,
        add_columns,
        *(add_trigger(table) for table in TRIGGERS),
        repeat(COUNT_EARLIER),
        create_index("payments_owing", "payments", ["order_id"], where="owed > 0"),
    )


def downgrade() -> None:
    in_steps(
        f"{revision} down",
        drop_index("payments_owing"),
        *(drop_trigger(table) for table in TRIGGERS),
        drop_columns,
    )


def add_columns() -> None:
    for name in ("owed", "given_up"):
        op.add_column("payments", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.execute(DEBTS)
    op.execute(COUNT)


def drop_columns() -> None:
    op.execute("DROP FUNCTION count_debts(uuid)")
    op.execute("DROP FUNCTION debts_of(uuid)")
    op.execute("ALTER TABLE payments DROP COLUMN owed, DROP COLUMN given_up")


def add_trigger(table: str) -> Step:
    moment, condition, counted = TRIGGERS[table]

    def add() -> None:
        op.execute(f"""
            CREATE FUNCTION {table}_count_debts() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM count_debts(id) FROM ({counted}) AS counted;
                RETURN NULL;
            END $$
        """)
        op.execute(
            f"CREATE TRIGGER {table}_count_debts {moment} ON {table} FOR EACH ROW WHEN ({condition})"
            f" EXECUTE FUNCTION {table}_count_debts()"
        )

    return add


def drop_trigger(table: str) -> Step:
    def drop() -> None:
        op.execute(f"DROP TRIGGER {table}_count_debts ON {table}")
        op.execute(f"DROP FUNCTION {table}_count_debts()")

    return drop
