"""Events for the shop: triggers write one in the transaction of each change of an order that a shop cares for.

Orders that are there already get no events: the feed begins with the first change behind this migration.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.steps import Step, in_steps

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TYPES = (
    "'order_paid', 'order_canceled', 'order_review', 'order_refunded', 'order_updated', 'refund_failed',"
    " 'dispute_opened', 'dispute_closed', 'attention_needed'"
)
MADE = "'pending', 'requires_action', 'succeeded'"
DECIDED = "'lost', 'won', 'warning_closed', 'prevented'"

# Several changes of one order in one transaction are one event of a type, with what the last of them left.
FUNCTIONS = (
    """
    CREATE FUNCTION write_shop_event(
        event_type text, event_order uuid, event_subject text, event_status text, event_version integer
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO shop_events (id, type, order_id, subject_id, order_status, order_version, transaction_id)
        VALUES (
            gen_random_uuid(), event_type, event_order, event_subject, event_status, event_version,
            pg_current_xact_id()::text::bigint
        )
        ON CONFLICT (order_id, type, subject_id, transaction_id) WHERE position IS NULL
        DO UPDATE SET order_status = excluded.order_status, order_version = excluded.order_version;
        PERFORM pg_notify('shop_event', '');
    END $$
    """,
    """
    CREATE FUNCTION write_event_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_shop_event(
            CASE
                WHEN OLD.status = NEW.status THEN 'order_updated'
                WHEN NEW.status = 'paid' THEN 'order_paid'
                WHEN NEW.status = 'canceled' THEN 'order_canceled'
                WHEN NEW.status = 'review' THEN 'order_review'
                WHEN NEW.status IN ('partially_refunded', 'refunded') THEN 'order_refunded'
                ELSE 'order_updated'
            END,
            NEW.id, '', NEW.status, NEW.version
        );
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION write_event_of_refund() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE 'creating' END;
        paid record;
    BEGIN
        IF before = NEW.state THEN
            RETURN NULL;
        END IF;
        SELECT o.id, o.status, o.version, p.disposition INTO paid
        FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.id = NEW.payment_id;
        IF NEW.state IN ({MADE}) AND before NOT IN ({MADE}) THEN
            PERFORM write_shop_event(
                CASE WHEN paid.disposition IN ('duplicate', 'late') THEN 'order_updated' ELSE 'order_refunded' END,
                paid.id, '', paid.status, paid.version
            );
        ELSIF NEW.state IN ('failed', 'canceled') AND before NOT IN ('failed', 'canceled') THEN
            PERFORM write_shop_event('refund_failed', paid.id, NEW.id::text, paid.status, paid.version);
        END IF;
        RETURN NULL;
    END $$
    """,  # noqa: S608  our own words  # nosec B608
    f"""
    CREATE FUNCTION write_event_of_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        was_open boolean := TG_OP = 'UPDATE' AND OLD.status NOT IN ({DECIDED});
        is_open boolean := NEW.status NOT IN ({DECIDED});
        paid record;
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.status = NEW.status THEN
            RETURN NULL;
        END IF;
        SELECT o.id, o.status, o.version INTO paid
        FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.id = NEW.payment_id;
        IF TG_OP = 'INSERT' OR (is_open AND NOT was_open) THEN
            PERFORM write_shop_event('dispute_opened', paid.id, NEW.id, paid.status, paid.version);
        END IF;
        IF NOT is_open THEN
            PERFORM write_shop_event('dispute_closed', paid.id, NEW.id, paid.status, paid.version);
        END IF;
        RETURN NULL;
    END $$
    """,  # noqa: S608  our own words  # nosec B608
    """
    CREATE FUNCTION write_event_of_attention() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        concerned record;
    BEGIN
        SELECT o.status, o.version INTO concerned FROM orders o WHERE o.id = NEW.order_id;
        PERFORM write_shop_event(
            'attention_needed', NEW.order_id, NEW.id::text, concerned.status, concerned.version
        );
        RETURN NULL;
    END $$
    """,
)

# A row that its own transaction placed is no change of an order: it is compared by its time, which is that of the
# transaction's beginning.
TRIGGERS = {
    "orders": (
        """
        CREATE TRIGGER orders_write_events AFTER UPDATE ON orders
        FOR EACH ROW WHEN (
            OLD.status <> NEW.status
            OR NEW.created_at <> now() AND (
                OLD.version, OLD.currency, OLD.user_id, OLD.reference, OLD.receipt_email, OLD.expires_at,
                OLD.shop_metadata
            ) IS DISTINCT FROM (
                NEW.version, NEW.currency, NEW.user_id, NEW.reference, NEW.receipt_email, NEW.expires_at,
                NEW.shop_metadata
            )
        ) EXECUTE FUNCTION write_event_of_order()
        """,
    ),
    "refunds": (
        """
        CREATE TRIGGER refunds_write_events AFTER INSERT OR UPDATE ON refunds
        FOR EACH ROW EXECUTE FUNCTION write_event_of_refund()
        """,
    ),
    "disputes": (
        """
        CREATE TRIGGER disputes_write_events AFTER INSERT OR UPDATE ON disputes
        FOR EACH ROW EXECUTE FUNCTION write_event_of_dispute()
        """,
    ),
    "attention": (
        """
        CREATE TRIGGER attention_write_events AFTER INSERT ON attention
        FOR EACH ROW WHEN (NEW.closed_at IS NULL) EXECUTE FUNCTION write_event_of_attention()
        """,
        """
        CREATE TRIGGER attention_write_events_again AFTER UPDATE ON attention
        FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL)
        EXECUTE FUNCTION write_event_of_attention()
        """,
    ),
}


def upgrade() -> None:
    in_steps(revision, make_events, *(add_triggers_to(table) for table in TRIGGERS))


def downgrade() -> None:
    in_steps(f"{revision} down", *(drop_triggers_of(table) for table in TRIGGERS), drop_events)


def make_events() -> None:
    op.create_table(
        "shop_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("order_status", sa.String(), nullable=True),
        sa.Column("order_version", sa.Integer(), nullable=True),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.CheckConstraint(f"type IN ({TYPES})", name="shop_events_type_known"),
        sa.PrimaryKeyConstraint("id", name="shop_events_pkey"),
    )
    unpublished = sa.text("position IS NULL")
    op.create_index(
        "shop_events_once_a_transaction",
        "shop_events",
        ["order_id", "type", "subject_id", "transaction_id"],
        unique=True,
        postgresql_where=unpublished,
    )
    op.create_index("shop_events_unpublished", "shop_events", ["written"], postgresql_where=unpublished)
    op.create_index("shop_events_position", "shop_events", ["position"], unique=True)
    op.create_index("shop_events_by_type", "shop_events", ["type", "position"])
    for function in FUNCTIONS:
        op.execute(function)


def add_triggers_to(table: str) -> Step:
    def add() -> None:
        for trigger in TRIGGERS[table]:
            op.execute(trigger)

    return add


def drop_triggers_of(table: str) -> Step:
    def drop() -> None:
        if table == "attention":
            op.execute("DROP TRIGGER attention_write_events_again ON attention")
        op.execute(f"DROP TRIGGER {table}_write_events ON {table}")

    return drop


def drop_events() -> None:
    for function in (
        "write_event_of_order",
        "write_event_of_refund",
        "write_event_of_dispute",
        "write_event_of_attention",
        "write_shop_event",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("shop_events")
