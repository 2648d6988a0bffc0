"""Each rule of the tables refuses what it should, and the error names it: also for a hand at psql."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from psycopg import IntegrityError
from sqlalchemy import insert, text

from models import PaymentState
from models.base import LARGEST_AMOUNT, metadata
from runtime.database.database import Database, Row

MOMENT = text("now()")
PRODUCT, ORDER, PAID_ORDER, OPEN, SETTLED, NOBODY = (UUID(int=n) for n in range(1, 7))

ITEM = {"order_id": ORDER, "product_id": PRODUCT, "product_name": "Mug", "unit_amount": 1_999, "quantity": 1}
PAYMENT = {"amount": 1_999, "currency": "USD", "order_version": 2, "cause": "test"}
SUCCEEDED = {"state": "succeeded", "disposition": "settled"}
KEY = {"name": "warehouse", "scopes": ["orders_read"], "created_by": "shopkeeper"}
SHOP_EVENT = {"type": "order_paid", "order_id": ORDER, "subject_id": "", "transaction_id": 7}
ENDPOINT = {
    "url": "https://shop.example/2",
    "types": ["order_paid"],
    "signing_key": b"s" * 32,
    "created_by": "x",
}
EVENT = {"type": "payment_intent.succeeded", "object_id": "pi_2", "created_at": MOMENT}

# Rows that are there before each test.
WORLD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("products", {"id": PRODUCT, "name": "Mug", "unit_amount": 1_999, "currency": "USD", "reference": "SKU-1"}),
    ("orders", {"id": ORDER, "user_id": "ada", "currency": "USD", "idempotency_key": "cart-1", "reference": "A-1001"}),
    ("orders", {"id": PAID_ORDER, "user_id": "ada", "currency": "USD", "status": "paid"}),
    ("order_items", {**ITEM, "position": 0}),
    (
        "payments",
        {**PAYMENT, "id": OPEN, "order_id": ORDER, "state": "open", "idempotency_key": "pi:1", "intent_id": "pi_1"},
    ),
    (
        "payments",
        {
            **PAYMENT, **SUCCEEDED, "id": SETTLED, "order_id": PAID_ORDER, "amount_received": 1_999,
            "idempotency_key": "pi:2", "intent_id": "pi_2",
        },
    ),
    (
        "refunds",
        {
            "id": UUID(int=1), "payment_id": SETTLED, "state": "succeeded", "cause": "late", "amount": 999,
            "stripe_refund_id": "re_1", "client_key": "refund-1",
        },
    ),
    ("stripe_events", {**EVENT, "id": "evt_1"}),
    ("attention", {"kind": "refund_failed", "subject": "refund", "subject_id": "1", "message": "Decide."}),
    ("declines", {"event_id": "evt_1", "order_id": ORDER}),
    ("payer_addresses", {"order_id": ORDER, "address": "192.0.2.1"}),
    ("shop_events", {**SHOP_EVENT, "id": UUID(int=1), "position": 1}),
    ("shop_events", {**SHOP_EVENT, "id": UUID(int=2)}),
    ("webhook_endpoints", {**ENDPOINT, "id": UUID(int=1), "url": "https://shop.example/1"}),
    ("webhook_deliveries", {"endpoint_id": UUID(int=1), "event_id": UUID(int=1)}),
    ("service_keys", {**KEY, "id": UUID(int=1), "key_hash": b"1" * 32}),
    ("checkout_tokens", {"token_hash": b"1" * 32, "order_id": ORDER, "created_by": "x", "expires_at": MOMENT}),
    (
        "reviews",
        {
            "order_id": ORDER, "idempotency_key": "review-1", "decision": "accept", "note": "It was agreed.",
            "decided_by": "shopkeeper",
        },
    ),
)  # fmt: skip

# Rows that may be added to them; each case below spoils one in one place.
GOOD: dict[str, dict[str, Any]] = {
    "charge_limits": {"currency": "XTS", "minimum": 1, "maximum": 1, "step": 1},
    "products": {"name": "Lamp", "unit_amount": 0, "currency": "JPY"},
    "orders": {"user_id": "ada", "currency": "USD", "idempotency_key": "cart-2"},
    "order_items": {**ITEM, "position": 1, "unit_amount": LARGEST_AMOUNT, "quantity": 100_000},
    "payments": {
        **PAYMENT, "order_id": ORDER, "state": "canceled", "idempotency_key": "pi:3", "intent_id": "pi_3", "amount": 1,
    },
    "payment_transitions": {"payment_id": OPEN, "from_state": "creating", "to_state": "open", "cause": "test"},
    "refunds": {
        "payment_id": SETTLED, "state": "pending", "cause": "merchant", "amount": 1_000, "stripe_refund_id": "re_2",
        "client_key": "refund-2",
    },
    "disputes": {
        "id": "du_1", "payment_id": SETTLED, "amount": 0, "status": "needs_response", "reason": "fraudulent",
        "created_at": MOMENT,
    },
    "stripe_events": {**EVENT, "id": "evt_2"},
    "attention": {
        "kind": "refund_failed", "subject": "refund", "subject_id": "2", "order_id": ORDER, "message": "Decide.",
        "note": "n" * 500,
    },
    "order_changes": {
        "order_id": ORDER, "id": UUID(int=1), "payment_id": OPEN, "from_version": 2, "lines": text("'[]'::jsonb"),
        "total": 1, "sets_expiry": False,
    },
    "service_keys": {**KEY, "key_hash": b"2" * 32},
    "declines": {"event_id": "evt_2", "order_id": ORDER, "user_id": "ada", "address": "192.0.2.1"},
    "shop_events": {**SHOP_EVENT, "transaction_id": 8},
    "webhook_endpoints": {**ENDPOINT, "old_key": b"o" * 32},
    "webhook_deliveries": {"endpoint_id": UUID(int=1), "event_id": UUID(int=2)},
    "checkout_tokens": {"token_hash": b"2" * 32, "order_id": ORDER, "created_by": "x", "expires_at": MOMENT},
    "reviews": {
        "order_id": ORDER, "idempotency_key": "review-2", "decision": "refund", "note": "Too late.",
        "decided_by": "shopkeeper",
    },
    "leases": {"name": "sweep", "holder": "a", "held_until": MOMENT},
}  # fmt: skip
TOO_MUCH = LARGEST_AMOUNT + 1
SPOILED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("installation_is_one", "installation", {"only_one": False}),
    ("products_name_not_empty", "products", {"name": ""}),
    ("products_reference", "products", {"reference": "SKU-1"}),
    ("products_reference_not_empty", "products", {"reference": ""}),
    ("products_unit_amount_in_range", "products", {"unit_amount": -1}),
    ("products_unit_amount_in_range", "products", {"unit_amount": TOO_MUCH}),
    ("products_currency_supported", "products", {"currency": "XXX"}),
    ("declines_pkey", "declines", {"event_id": "evt_1"}),
    ("declines_of_an_order", "declines", {"order_id": NOBODY}),
    ("payer_addresses_pkey", "payer_addresses", {"order_id": ORDER, "address": "192.0.2.2"}),
    ("payer_addresses_of_an_order", "payer_addresses", {"order_id": NOBODY, "address": "192.0.2.2"}),
    ("shop_events_type_known", "shop_events", {"type": "order_shipped"}),
    ("shop_events_position", "shop_events", {"position": 1}),
    ("shop_events_once_a_transaction", "shop_events", {"transaction_id": 7}),
    ("webhook_endpoints_url", "webhook_endpoints", {"url": "https://shop.example/1"}),
    ("webhook_endpoints_url_in_range", "webhook_endpoints", {"url": ""}),
    ("webhook_endpoints_url_in_range", "webhook_endpoints", {"url": "u" * 2_001}),
    ("webhook_endpoints_types_known", "webhook_endpoints", {"types": ["order_shipped"]}),
    ("webhook_endpoints_types_not_empty", "webhook_endpoints", {"types": []}),
    ("webhook_endpoints_keys_in_full", "webhook_endpoints", {"signing_key": b"short"}),
    ("webhook_endpoints_keys_in_full", "webhook_endpoints", {"old_key": b"short"}),
    ("webhook_endpoints_reason_when_disabled", "webhook_endpoints", {"disabled_because": "It is down."}),
    ("webhook_endpoints_reason_when_disabled", "webhook_endpoints", {"disabled_at": MOMENT}),
    ("webhook_deliveries_status_known", "webhook_deliveries", {"status": "lost"}),
    ("webhook_deliveries_attempts_not_negative", "webhook_deliveries", {"attempts": -1}),
    ("webhook_deliveries_time_when_delivered", "webhook_deliveries", {"status": "delivered"}),
    ("webhook_deliveries_time_when_delivered", "webhook_deliveries", {"delivered_at": MOMENT}),
    ("webhook_deliveries_to_an_endpoint", "webhook_deliveries", {"endpoint_id": NOBODY}),
    ("webhook_deliveries_of_an_event", "webhook_deliveries", {"event_id": NOBODY}),
    ("webhook_deliveries_once", "webhook_deliveries", {"event_id": UUID(int=1)}),
    ("service_keys_name_in_range", "service_keys", {"name": ""}),
    ("service_keys_name_in_range", "service_keys", {"name": "n" * 101}),
    ("service_keys_hash_is_sha256", "service_keys", {"key_hash": b"pgk_secret"}),
    ("service_keys_hash", "service_keys", {"key_hash": b"1" * 32}),
    ("service_keys_scopes_known", "service_keys", {"scopes": ["everything"]}),
    ("service_keys_scopes_not_empty", "service_keys", {"scopes": []}),
    ("service_keys_pkey", "service_keys", {"id": UUID(int=1)}),
    ("checkout_tokens_hash_is_sha256", "checkout_tokens", {"token_hash": b"pgc_secret"}),
    ("checkout_tokens_pkey", "checkout_tokens", {"token_hash": b"1" * 32}),
    ("checkout_tokens_of_an_order", "checkout_tokens", {"order_id": NOBODY}),
    ("orders_status_known", "orders", {"status": "shipped"}),
    ("orders_user_id_not_empty", "orders", {"user_id": ""}),
    ("orders_version_positive", "orders", {"version": 0}),
    ("orders_currency_supported", "orders", {"currency": "usd"}),
    ("orders_idempotency_key", "orders", {"idempotency_key": "cart-1"}),
    ("orders_reference", "orders", {"reference": "A-1001"}),
    ("orders_reference_not_empty", "orders", {"reference": ""}),
    ("orders_cancel_reason_known", "orders", {"cancel_reason": "boredom"}),
    ("order_items_kind_known", "order_items", {"kind": "gift"}),
    ("order_items_only_products_of_catalogue", "order_items", {"kind": "shipping"}),
    ("order_changes_total_in_range", "order_changes", {"total": 0}),
    ("order_changes_of_an_order", "order_changes", {"order_id": NOBODY}),
    ("order_changes_of_a_payment", "order_changes", {"payment_id": NOBODY}),
    ("order_items_quantity_in_range", "order_items", {"quantity": 0}),
    ("order_items_quantity_in_range", "order_items", {"quantity": -1}),
    ("order_items_quantity_in_range", "order_items", {"quantity": 100_001}),
    ("order_items_unit_amount_in_range", "order_items", {"unit_amount": -1}),
    ("order_items_unit_amount_in_range", "order_items", {"unit_amount": TOO_MUCH}),
    ("order_items_position_not_negative", "order_items", {"position": -1}),
    ("order_items_pkey", "order_items", {"position": 0}),
    ("order_items_of_an_order", "order_items", {"order_id": NOBODY}),
    ("order_items_of_a_product", "order_items", {"product_id": NOBODY}),
    ("payments_state_known", "payments", {"state": "paid"}),
    ("payments_disposition_known", "payments", {"state": "succeeded", "disposition": "lucky"}),
    ("payments_disposition_when_succeeded", "payments", {"state": "succeeded"}),
    ("payments_disposition_when_succeeded", "payments", {"disposition": "late"}),
    ("payments_amount_in_range", "payments", {"amount": 0}),
    ("payments_amount_in_range", "payments", {"amount": -1}),
    ("payments_amount_in_range", "payments", {"amount": TOO_MUCH}),
    ("payments_amount_received_not_negative", "payments", {"amount_received": -1}),
    ("payments_intent_known_when_open", "payments", {"order_id": PAID_ORDER, "state": "open", "intent_id": None}),
    ("payments_intent_known_when_open", "payments", {"intent_id": None}),
    ("payments_intent_id_is_no_secret", "payments", {"intent_id": "pi_3_secret_abc"}),
    ("payments_intent_id_is_no_secret", "payments", {"intent_id": ""}),
    ("payments_of_an_order", "payments", {"order_id": NOBODY}),
    ("payments_currency_supported", "payments", {"currency": "XXX"}),
    ("payments_one_live_per_order", "payments", {"state": "creating", "intent_id": None}),
    ("payments_one_live_per_order", "payments", {"state": "open"}),
    ("payments_one_live_per_order", "payments", {"state": "processing"}),
    ("payments_one_live_per_order", "payments", {"state": "canceling"}),
    ("payments_one_settled_per_order", "payments", {**SUCCEEDED, "order_id": PAID_ORDER}),
    ("payments_idempotency_key", "payments", {"idempotency_key": "pi:1"}),
    ("payments_intent_id", "payments", {"intent_id": "pi_1"}),
    ("payment_transitions_from_state_known", "payment_transitions", {"from_state": "paid"}),
    ("payment_transitions_to_state_known", "payment_transitions", {"to_state": "paid"}),
    ("payment_transitions_of_a_payment", "payment_transitions", {"payment_id": NOBODY}),
    ("refunds_state_known", "refunds", {"state": "done"}),
    ("refunds_cause_known", "refunds", {"cause": "mood"}),
    ("refunds_amount_in_range", "refunds", {"amount": 0}),
    ("refunds_amount_in_range", "refunds", {"amount": TOO_MUCH}),
    ("refunds_attempt_positive", "refunds", {"attempt": 0}),
    ("refunds_id_known_when_made", "refunds", {"stripe_refund_id": None}),
    ("refunds_of_a_payment", "refunds", {"payment_id": NOBODY}),
    ("refunds_stripe_refund_id", "refunds", {"stripe_refund_id": "re_1"}),
    ("refunds_client_key", "refunds", {"client_key": "refund-1"}),
    ("refunds_one_automatic_per_payment", "refunds", {"cause": "duplicate"}),
    ("refunds_within_received", "refunds", {"amount": 1_001}),
    ("disputes_amount_in_range", "disputes", {"amount": -1}),
    ("disputes_of_a_payment", "disputes", {"payment_id": NOBODY}),
    ("stripe_events_id_is_stripes", "stripe_events", {"id": "pi_1_secret_abc"}),
    ("stripe_events_attempts_not_negative", "stripe_events", {"attempts": -1}),
    ("stripe_events_pkey", "stripe_events", {"id": "evt_1"}),
    ("reviews_decision_known", "reviews", {"decision": "ignore"}),
    ("reviews_of_an_order", "reviews", {"order_id": NOBODY}),
    ("reviews_idempotency_key", "reviews", {"idempotency_key": "review-1"}),
    ("attention_kind_known", "attention", {"kind": "boredom"}),
    ("attention_subject_known", "attention", {"subject": "customer"}),
    ("attention_message_not_empty", "attention", {"message": ""}),
    ("attention_closed_by_when_closed", "attention", {"closed_by": "shopkeeper"}),
    ("attention_note_in_range", "attention", {"note": "n" * 501}),
    ("attention_of_an_order", "attention", {"order_id": NOBODY}),
    ("attention_opened_once", "attention", {"subject_id": "1"}),
    ("charge_limits_currency_is_iso", "charge_limits", {"currency": "xts"}),
    ("charge_limits_in_order", "charge_limits", {"minimum": 0}),
    ("charge_limits_in_order", "charge_limits", {"minimum": 2}),
    ("charge_limits_step_known", "charge_limits", {"step": 2}),
)  # fmt: skip
# Triggers that refuse; the tests of their own stand below.
ABSORB, APPEND_ONLY = "payments_terminal_states_absorb", "payment_transitions_append_only"
STAYS = "attention_stays"
RULES = text(
    """
    SELECT conname AS name FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u', 'x')
    UNION SELECT indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text = ANY(:tables)
    UNION SELECT tgname FROM pg_trigger
    JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND prosrc LIKE '%RAISE EXCEPTION%'
    """
)


async def add(database: Database, table: str, row: Mapping[str, Any]) -> None:
    await database.rows(insert(metadata.tables[table]).values(**row))


async def refused_by(database: Database, statement: Any) -> str | None:
    """The name of the rule that a statement breaks."""
    with pytest.raises(IntegrityError) as refused:
        await database.rows(statement)
    name: str | None = refused.value.diag.constraint_name
    return name


@pytest.fixture
async def world(database: Database) -> Database:
    for table, row in WORLD:
        await add(database, table, row)
    return database


async def payment(database: Database, payment_id: UUID) -> Row:
    found = await database.row(text("SELECT * FROM payments WHERE id = :id"), {"id": payment_id})
    assert found is not None
    return found


async def version(database: Database) -> int:
    found = await database.row(text("SELECT version FROM orders WHERE id = :id"), {"id": ORDER})
    assert found is not None
    return int(found.version)


@pytest.mark.parametrize("table", GOOD)
async def test_the_row_that_the_cases_spoil_is_good(world: Database, table: str) -> None:
    await add(world, table, GOOD[table])


@pytest.mark.parametrize(
    ("rule", "table", "spoiled"), SPOILED, ids=[f"{n}-{case[0]}" for n, case in enumerate(SPOILED)]
)
async def test_a_rule_refuses_and_names_itself(
    world: Database, rule: str, table: str, spoiled: dict[str, Any]
) -> None:
    statement = insert(metadata.tables[table]).values(**{**GOOD.get(table, {}), **spoiled})
    assert await refused_by(world, statement) == rule


async def test_every_rule_of_the_database_has_its_case(world: Database) -> None:
    rules = {row.name for row in await world.rows(RULES, {"tables": list(metadata.tables)})}
    assert rules - {case[0] for case in SPOILED} == {ABSORB, APPEND_ONLY, STAYS}


@pytest.mark.parametrize("terminal", ["succeeded", "canceled"])
@pytest.mark.parametrize("state", PaymentState)
async def test_succeeded_and_canceled_never_change(world: Database, terminal: str, state: str) -> None:
    disposition = {"succeeded": "settled"}
    change = text("UPDATE payments SET state = :state, disposition = :disposition WHERE id = :id")
    end = {"state": terminal, "disposition": disposition.get(terminal), "id": OPEN}
    await world.rows(change, end)
    if state == terminal:
        await world.rows(change, end)
    else:
        other = {"state": state, "disposition": disposition.get(state), "id": OPEN}
        assert await refused_by(world, change.bindparams(**other)) == ABSORB
    assert (await payment(world, OPEN)).state == terminal


async def test_what_else_is_known_of_a_succeeded_payment_may_change(world: Database) -> None:
    await world.rows(text("UPDATE payments SET failure_code = 'x' WHERE id = :id"), {"id": SETTLED})
    assert (await payment(world, SETTLED)).failure_code == "x"


async def test_every_change_of_state_is_written_down_with_its_cause(world: Database) -> None:
    change = text("UPDATE payments SET state = :state, cause = :cause WHERE id = :id")
    for state in ("processing", "processing", "open"):
        await world.rows(change, {"state": state, "cause": f"to {state}", "id": OPEN})

    history = await world.rows(
        text(
            "SELECT from_state, to_state, cause FROM payment_transitions WHERE payment_id = :id ORDER BY id"
        ),
        {"id": OPEN},
    )
    assert [tuple(row) for row in history] == [
        (None, "open", "test"),
        ("open", "processing", "to processing"),
        ("processing", "open", "to open"),
    ]


@pytest.mark.parametrize(
    "statement", ["UPDATE payment_transitions SET cause = 'another'", "DELETE FROM payment_transitions"]
)
async def test_what_was_written_down_stays(world: Database, statement: str) -> None:
    assert await refused_by(world, text(statement)) == APPEND_ONLY


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE order_items SET quantity = 2",
        "UPDATE order_items SET unit_amount = 1",
        "DELETE FROM order_items",
        "INSERT INTO order_items SELECT order_id, 1, product_id, product_name, 5, 1 FROM order_items",
        "INSERT INTO order_items SELECT order_id, n, product_id, '', 5, 1 FROM order_items, generate_series(1, 9) n",
    ],
)
async def test_each_change_of_the_items_makes_the_orders_version_grow_by_one(
    world: Database, change: str
) -> None:
    before = await version(world)
    await world.rows(text(change))
    assert await version(world) == before + 1


async def test_an_item_that_moves_counts_for_the_order_it_left_and_the_one_it_joined(world: Database) -> None:
    versions = text("SELECT version FROM orders ORDER BY id")  # of the one and the other
    before = await world.rows(versions)

    await world.rows(text("UPDATE order_items SET order_id = :joined"), {"joined": PAID_ORDER})

    assert [row.version for row in await world.rows(versions)] == [row.version + 1 for row in before]


async def test_items_that_are_truncated_count_for_every_order(world: Database) -> None:
    before = await version(world)
    await world.rows(text("TRUNCATE order_items"))
    assert await version(world) == before + 1


async def test_a_refund_can_never_grow_beyond_what_was_received(world: Database) -> None:
    await world.rows(text("UPDATE refunds SET amount = 1999"))
    assert await refused_by(world, text("UPDATE refunds SET amount = 2000")) == "refunds_within_received"


async def test_a_refund_that_failed_gives_its_amount_back(world: Database) -> None:
    await world.rows(text("UPDATE refunds SET state = 'failed'"))
    full = {**GOOD["refunds"], "amount": 1_999}
    await add(world, "refunds", full)


async def test_a_currency_that_orders_use_cannot_be_withdrawn(world: Database) -> None:
    rule = await refused_by(world, text("DELETE FROM charge_limits WHERE currency = 'USD'"))
    assert rule in {f"{table}_currency_supported" for table in ("orders", "products", "payments")}


async def test_no_table_has_a_place_for_a_client_secret(world: Database) -> None:
    columns = await world.rows(
        text("SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public'")
    )
    assert not [row.name for row in columns if "secret" in row.name or "payload" in row.name]
