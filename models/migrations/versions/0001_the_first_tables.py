"""The first tables: catalogue, orders, payments and their history, webhook events.

Revision: 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What a constraint can't say, a trigger does: it holds for a hand at psql too.
RULES = (
    """
    CREATE FUNCTION order_items_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE orders SET version = version + 1, updated_at = now()
        WHERE id IN (SELECT order_id FROM changed);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER order_items_inserted AFTER INSERT ON order_items
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_items_changed()
    """,
    """
    CREATE TRIGGER order_items_updated AFTER UPDATE ON order_items
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_items_changed()
    """,
    """
    CREATE TRIGGER order_items_deleted AFTER DELETE ON order_items
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION order_items_changed()
    """,
    """
    CREATE FUNCTION payment_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO payment_transitions (payment_id, from_state, to_state, cause)
        VALUES (NEW.id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state, NEW.cause);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER payments_inserted AFTER INSERT ON payments
    FOR EACH ROW EXECUTE FUNCTION payment_moved()
    """,
    """
    CREATE TRIGGER payments_moved AFTER UPDATE ON payments
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION payment_moved()
    """,
    """
    CREATE FUNCTION payment_settled_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'payment % is %, which never changes', OLD.id, OLD.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_terminal_states_absorb';
    END $$
    """,
    """
    CREATE TRIGGER payments_terminal_states_absorb BEFORE UPDATE ON payments
    FOR EACH ROW WHEN (OLD.state IN ('succeeded', 'canceled') AND OLD.state <> NEW.state)
    EXECUTE FUNCTION payment_settled_for_good()
    """,
    """
    CREATE FUNCTION payment_transitions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'payment_transitions is append-only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_transitions_append_only';
    END $$
    """,
    """
    CREATE TRIGGER payment_transitions_append_only BEFORE UPDATE OR DELETE ON payment_transitions
    FOR EACH ROW EXECUTE FUNCTION payment_transitions_append_only()
    """,
)


def upgrade() -> None:
    op.create_table(
        "charge_limits",
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="charge_limits_currency_is_iso"),
        sa.CheckConstraint("0 < minimum AND minimum <= maximum", name="charge_limits_in_order"),
        sa.CheckConstraint("step IN (1, 10, 100)", name="charge_limits_step_known"),
        sa.PrimaryKeyConstraint("currency", name="charge_limits_pkey"),
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id ~ '^evt_[A-Za-z0-9_]+$'", name="stripe_events_id_is_stripes"),
        sa.CheckConstraint("attempts >= 0", name="stripe_events_attempts_not_negative"),
        sa.PrimaryKeyConstraint("id", name="stripe_events_pkey"),
    )
    op.create_index(
        "stripe_events_due",
        "stripe_events",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'partially_refunded', 'refunded', 'canceled', 'review')",
            name="orders_status_known",
        ),
        sa.CheckConstraint("user_id <> ''", name="orders_user_id_not_empty"),
        sa.CheckConstraint("version > 0", name="orders_version_positive"),
        sa.ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="orders_currency_supported"),
        sa.PrimaryKeyConstraint("id", name="orders_pkey"),
    )
    op.create_index("orders_by_user", "orders", ["user_id", "created_at", "id"], unique=False)
    op.create_index(
        "orders_by_user_and_status", "orders", ["user_id", "status", "created_at", "id"], unique=False
    )
    op.create_index("orders_idempotency_key", "orders", ["user_id", "idempotency_key"], unique=True)
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name <> ''", name="products_name_not_empty"),
        sa.CheckConstraint("unit_amount BETWEEN 0 AND 999999999999", name="products_unit_amount_in_range"),
        sa.ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="products_currency_supported"),
        sa.PrimaryKeyConstraint("id", name="products_pkey"),
    )
    op.create_index(
        "products_listing", "products", ["created_at", "id"], unique=False, postgresql_where=sa.text("active")
    )
    op.create_table(
        "order_items",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("product_name", sa.String(), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("position >= 0", name="order_items_position_not_negative"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100000", name="order_items_quantity_in_range"),
        sa.CheckConstraint("unit_amount BETWEEN 0 AND 999999999999", name="order_items_unit_amount_in_range"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="order_items_of_an_order", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="order_items_of_a_product"),
        sa.PrimaryKeyConstraint("order_id", "position", name="order_items_pkey"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("intent_id", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("order_version", sa.Integer(), nullable=False),
        sa.Column("amount_received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(disposition IS NOT NULL) = (state = 'succeeded')", name="payments_disposition_when_succeeded"
        ),
        sa.CheckConstraint(
            "disposition IN ('settled', 'duplicate', 'late', 'mismatch')", name="payments_disposition_known"
        ),
        sa.CheckConstraint(
            "intent_id IS NOT NULL OR state IN ('creating', 'failed', 'abandoned')",
            name="payments_intent_known_when_open",
        ),
        sa.CheckConstraint("intent_id ~ '^pi_[A-Za-z0-9]+$'", name="payments_intent_id_is_no_secret"),
        sa.CheckConstraint(
            "state IN ('creating', 'open', 'processing', 'canceling', 'succeeded', 'canceled', 'failed', 'abandoned')",
            name="payments_state_known",
        ),
        sa.CheckConstraint("amount BETWEEN 1 AND 999999999999", name="payments_amount_in_range"),
        sa.CheckConstraint("amount_received >= 0", name="payments_amount_received_not_negative"),
        sa.ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="payments_currency_supported"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="payments_of_an_order"),
        sa.PrimaryKeyConstraint("id", name="payments_pkey"),
    )
    op.create_index("payments_by_order", "payments", ["order_id", "created_at"], unique=False)
    op.create_index("payments_idempotency_key", "payments", ["idempotency_key"], unique=True)
    op.create_index("payments_intent_id", "payments", ["intent_id"], unique=True)
    op.create_index(
        "payments_one_live_per_order",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('creating', 'open', 'processing', 'canceling')"),
    )
    op.create_index(
        "payments_one_settled_per_order",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("disposition = 'settled'"),
    )
    op.create_table(
        "payment_transitions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "from_state IN ('creating', 'open', 'processing', 'canceling', 'succeeded', 'canceled', 'failed', 'abandoned')",
            name="payment_transitions_from_state_known",
        ),
        sa.CheckConstraint(
            "to_state IN ('creating', 'open', 'processing', 'canceling', 'succeeded', 'canceled', 'failed', 'abandoned')",
            name="payment_transitions_to_state_known",
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name="payment_transitions_of_a_payment"),
        sa.PrimaryKeyConstraint("id", name="payment_transitions_pkey"),
    )
    op.create_index(
        "payment_transitions_by_payment", "payment_transitions", ["payment_id", "id"], unique=False
    )
    for statement in RULES:
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "payment_transitions",
        "payments",
        "order_items",
        "products",
        "orders",
        "stripe_events",
        "charge_limits",
    ):
        op.drop_table(table)
    for function in (
        "order_items_changed",
        "payment_moved",
        "payment_settled_for_good",
        "payment_transitions_append_only",
    ):
        op.execute(f"DROP FUNCTION {function}")
