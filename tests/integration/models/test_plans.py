"""Every statement that a customer waits for, and every question of the sweep, is answered from an index.

PostgreSQL is asked for its generic plan, which is what a prepared statement runs by in the end.
"""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from models.attention.facts import FACTS_WITHOUT_CASE, GONE, REVIEWS_THAT_ENDED
from models.attention.statements import DELETE_OLD_CASES
from models.operations.metric_statements import AT_MOST, FIGURES
from models.orders.searches import OrderFilterName, orders_search
from models.orders.statements import (
    EVERY_PART,
    ORDER,
    ORDER_BY_KEY,
    OrderParts,
    orders_by_keys,
    orders_reading,
)
from models.payments.installation import KNOWN_PAYMENTS
from models.payments.looks import LOOK_AT_INTENT
from models.payments.settlement_statements import (
    LOCK_ORDER,
    LOCK_PAYMENT,
    MONEY_OF_ORDER,
    ORDER_WORTH,
    PAYMENT_OF_INTENT,
)
from models.payments.statements import (
    CLAIM,
    END_LEASE,
    MOVE_PAYMENT,
    OPEN_PAYMENT,
    TAKE_LEASE,
)
from models.reconciliation.statements import (
    PAYABLE_SCANNED,
    PAYABLE_TO_BE_LOOKED_AT,
    PAYMENT_TO_BE_CLOSED,
    PAYMENTS_OF_INTENTS,
    REFUNDS_THAT_FAILED,
    TO_BE_CLOSED,
    UNANSWERED_PAYMENTS,
)
from models.refunds.money_moved import MONEY_MOVED
from models.refunds.statements import OWED_REFUND, UNFINISHED_REFUNDS
from models.shop_events.statements import (
    EVENTS,
    EVENTS_OF_ORDER,
    EVENTS_OF_TYPES,
    IS_ANY_UNPUBLISHED,
    LAST_BEFORE,
    NEWEST,
    PLACE,
)
from models.stripe_events.tables import (
    DELETE_FINISHED_EVENTS,
    FINISH_EVENT,
    INTENT_OF_OBJECT,
    TAKE_DUE_EVENTS,
)
from models.webhooks.deliveries import (
    DELETE_OLD_EVENTS,
    DELIVERIES_OF_EVENTS,
    DUE_ENDPOINTS,
    GIVE_UP_OF_DISABLED,
    MARK_DELIVERED,
    PUBLISH_AND_FAN_OUT,
    TAKE_DUE,
    deliveries,
)
from models.webhooks.endpoints import LOCK_REPLAY, REPLAY_SOME
from runtime.database.database import AnyStatement, Database
from runtime.database.statements import Query, sql_of

# A shop of 20,000 orders, nineteen of twenty paid. Triggers are off: they would take a minute.
FILL = """
SET session_replication_role = replica;
INSERT INTO products (id, name, unit_amount, currency) VALUES (gen_random_uuid(), 'Mug', 100, 'USD');
INSERT INTO orders (id, user_id, currency, status, created_at)
  SELECT gen_random_uuid(), 'user ' || n % 100, 'USD', CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'paid' END,
    now() - n * interval '1 minute' FROM generate_series(1, 20000) AS n;
INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)
  SELECT orders.id, 0, products.id, 'Mug', 100, 1 FROM orders, products;
INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount, currency, order_version,
    amount_received, cause, looked_at, created_at, installation_id)
  SELECT gen_random_uuid(), id, CASE status WHEN 'paid' THEN 'succeeded' ELSE 'open' END,
    CASE status WHEN 'paid' THEN 'settled' END, 'pi:' || id, 'pi_' || replace(id::text, '-', ''), 100, 'USD', 1,
    CASE status WHEN 'paid' THEN 100 ELSE 0 END, 'test', created_at, created_at, (SELECT id FROM installation)
    FROM orders;
INSERT INTO payment_transitions (payment_id, from_state, to_state, cause) SELECT id, NULL, state, 'test' FROM payments;
INSERT INTO stripe_events (id, type, object_id, created_at, finished_at)
  SELECT 'evt_' || n, 'payment_intent.created', 'pi_' || n, now(), CASE WHEN n % 100 > 0 THEN now() END
    FROM generate_series(1, 20000) AS n;
INSERT INTO refunds (id, payment_id, state, cause, amount, stripe_refund_id)
  SELECT gen_random_uuid(), id, 'succeeded', 'dashboard', 1, 're_' || replace(id::text, '-', '')
    FROM payments WHERE state = 'succeeded';
INSERT INTO disputes (id, payment_id, status, reason, amount, created_at)
  SELECT 'dp_' || replace(id::text, '-', ''), id, 'lost', 'general', 1, now() FROM payments WHERE state = 'succeeded';
INSERT INTO attention (id, kind, subject, subject_id, message, closed_at, closed_by)
  SELECT gen_random_uuid(), 'refund_failed', 'refund', id, 'test', now(), 'test' FROM refunds;
INSERT INTO reviews (id, order_id, idempotency_key, decision, note, decided_by)
  SELECT gen_random_uuid(), id, id::text, 'accept', 'test', 'test' FROM orders;
INSERT INTO declines (event_id, order_id, user_id, at)
  SELECT 'evt_d' || row_number() OVER (), id, user_id, now() FROM orders;
INSERT INTO shop_events (id, type, order_id, subject_id, transaction_id, position, published_at)
  SELECT gen_random_uuid(), CASE WHEN n % 1000 = 0 THEN 'dispute_opened' ELSE 'order_paid' END, gen_random_uuid(), '',
    n, CASE WHEN n < 19990 THEN n END, now() FROM generate_series(1, 20000) AS n;
INSERT INTO webhook_endpoints (id, url, signing_key, created_by)
  SELECT gen_random_uuid(), 'https://shop.example/' || n, decode(repeat('00', 32), 'hex'), 'x'
    FROM generate_series(1, 3) AS n;
INSERT INTO webhook_deliveries (id, endpoint_id, event_id, status, delivered_at)
  SELECT gen_random_uuid(), e.id, s.id, CASE WHEN s.position % 100 = 0 THEN 'due' ELSE 'delivered' END,
    CASE WHEN s.position % 100 > 0 THEN now() END
    FROM webhook_endpoints e, shop_events s WHERE s.position IS NOT NULL;
ANALYZE;
"""
WAITED_FOR: dict[str, AnyStatement] = {
    "an order": ORDER,
    "an order by its key": ORDER_BY_KEY,
    "orders": orders_reading(EVERY_PART, with_status=False, after=False),
    "older orders": orders_reading(EVERY_PART, with_status=False, after=True),
    "orders by ids and references": orders_by_keys(OrderParts.NONE),
    "claim": CLAIM,
    "open": OPEN_PAYMENT,
    "move": MOVE_PAYMENT,
    "take a lease": TAKE_LEASE,
    "end a lease": END_LEASE,
    "look at an intent": LOOK_AT_INTENT,
    "lock an order": LOCK_ORDER,
    "what an order is worth": ORDER_WORTH,
    "money of an order": MONEY_OF_ORDER,
    "lock a payment": LOCK_PAYMENT,
    "owed refund": OWED_REFUND,
    "finish an event": FINISH_EVENT,
    "due events": TAKE_DUE_EVENTS,
    "payments of intents": PAYMENTS_OF_INTENTS,
    "whose intents": KNOWN_PAYMENTS,
    "payment of an intent": PAYMENT_OF_INTENT,
    "intent of a refund": INTENT_OF_OBJECT,
    "old events": DELETE_FINISHED_EVENTS,
    "old cases": DELETE_OLD_CASES,
    "unanswered": UNANSWERED_PAYMENTS,
    "to be closed": TO_BE_CLOSED,
    "one to be closed": PAYMENT_TO_BE_CLOSED,
    "payable, read in parts": PAYABLE_SCANNED,
    "payable and due": PAYABLE_TO_BE_LOOKED_AT,
    "unfinished refunds": UNFINISHED_REFUNDS,
    "refunds that failed": REFUNDS_THAT_FAILED,
    "is any event unpublished": IS_ANY_UNPUBLISHED,
    "publish events": PUBLISH_AND_FAN_OUT,
    "who is to be sent something": DUE_ENDPOINTS,
    "due deliveries": TAKE_DUE,
    "mark a delivery": MARK_DELIVERED,
    "give up what a disabled endpoint is due": GIVE_UP_OF_DISABLED,
    "send again": REPLAY_SOME,
    "who is to be sent something again": LOCK_REPLAY,
    "deliveries": deliveries(of_status=False, older=True),
    "deliveries by status": deliveries(of_status=True, older=True),
    "events of the shop": EVENTS,
    "events of some types": EVENTS_OF_TYPES,
    "events of an order": EVENTS_OF_ORDER,
    "deliveries of events": DELIVERIES_OF_EVENTS,
    "money moved": MONEY_MOVED,
    "a reader's place": PLACE,
    "a reader's place by time": LAST_BEFORE,
    "the newest event": NEWEST,
    "old events of the shop": DELETE_OLD_EVENTS,
}
for each in OrderFilterName:
    WAITED_FOR[f"all orders by {each}"] = orders_search(
        OrderParts.NONE, frozenset({each}), statuses=0, after=False
    )
WAITED_FOR["all orders by status"] = orders_search(OrderParts.NONE, frozenset(), statuses=2, after=True)
# Disputes are few: those who look for disputed orders read them all.
SMALL_FOR = {"all orders by disputed": {"disputes", "payments"}}
SMALL = {"charge_limits", "former_installations", "installation", "products", "webhook_endpoints"}


@pytest.fixture(scope="module")
async def explained(postgres_url: str, _pool: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection to a shop with a history; it is gone with the next test's beginning."""
    tables = (
        "products, orders, order_items, payments, payment_transitions, refunds, disputes, attention, stripe_events,"
        " shop_events, webhook_endpoints"
    )
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(f"TRUNCATE {tables} CASCADE")
        await connection.execute(FILL)
        await connection.execute("SET session_replication_role = DEFAULT")
        yield connection


async def plan(connection: psycopg.AsyncConnection, statement: AnyStatement) -> list[str]:
    executable = statement.statement if isinstance(statement, Query) else statement
    question = f"EXPLAIN (GENERIC_PLAN) {sql_of(executable, ()).text}"
    return [row[0] for row in await (await connection.execute(question)).fetchall()]


@pytest.mark.parametrize("name", WAITED_FOR)
async def test_no_statement_reads_a_whole_table(explained: psycopg.AsyncConnection, name: str) -> None:
    lines = await plan(explained, WAITED_FOR[name])
    read_whole = {line.partition("Seq Scan on ")[2].split()[0] for line in lines if "Seq Scan on" in line}

    assert read_whole <= SMALL | SMALL_FOR.get(name, set()), "\n".join(lines)


async def test_figures_are_counted_in_indexes_whatever_the_statistics_say(
    explained: psycopg.AsyncConnection,
) -> None:
    async with explained.transaction(force_rollback=True):
        await explained.execute("UPDATE stripe_events SET finished_at = NULL")
        await explained.execute("UPDATE payments SET looked_at = now()")
        await explained.execute(sql_of(AT_MOST, ()).text.encode())
        lines = await plan(explained, FIGURES)

    read_whole = {line.partition("Seq Scan on ")[2].split()[0] for line in lines if "Seq Scan on" in line}
    small = {"sweep_steps", "webhook_endpoints"}  # a row for each step, and for each endpoint
    assert read_whole <= small, "\n".join(lines)


async def test_what_must_be_closed_is_found_in_indexes_alone(explained: psycopg.AsyncConnection) -> None:
    scans = [line for line in await plan(explained, TO_BE_CLOSED) if "Scan" in line]

    assert {line.partition("Index Only Scan using ")[2].split()[0] for line in scans if "using" in line} == {
        "payments_one_live_per_order",
        "orders_pending",
        "payments_canceling",
    }
    assert all("Index Only Scan" in line or "Subquery Scan" in line for line in scans), "\n".join(scans)


async def test_a_payment_is_opened_by_its_key(explained: psycopg.AsyncConnection) -> None:
    lines = await plan(explained, OPEN_PAYMENT)

    # (`earlier` are the order's other payments: money that waits keeps the order unpayable.)
    assert [
        line
        for line in lines
        if "Index Scan using payments_" in line and "payments_pkey" not in line and " earlier " not in line
    ] == []


async def test_opening_a_payment_adds_no_items_up(explained: psycopg.AsyncConnection) -> None:
    """At the version that was added up the total is the same; at another one it is looked at anew."""
    assert not [line for line in await plan(explained, OPEN_PAYMENT) if "order_items" in line]


ABOUT_CASES: tuple[AnyStatement, ...] = (*FACTS_WITHOUT_CASE, *GONE, REVIEWS_THAT_ENDED)
MOST_READ = 100  # rows; the shop has a thousand pending orders, and nineteen thousand paid ones


@pytest.mark.parametrize("number", range(len(ABOUT_CASES)))
async def test_what_calls_for_a_person_is_found_without_reading_what_does_not(
    explained: psycopg.AsyncConnection, number: int
) -> None:
    async with explained.transaction(force_rollback=True):
        await explained.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        read = await rows_read(explained, ABOUT_CASES[number])
    assert sum(read.values()) < MOST_READ, read


async def rows_read(connection: psycopg.AsyncConnection, statement: AnyStatement) -> dict[str, int]:
    """How many rows each part of a statement's plan reads from a table or an index."""
    executable = statement.statement if isinstance(statement, Query) else statement
    sql = sql_of(executable, ()).text
    await connection.execute(f"PREPARE question AS {sql}".encode())
    values = "(1000)" if "$1" in sql else ""
    question = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE question{values}"
    row = await (await connection.execute(question.encode())).fetchone()
    await connection.execute("DEALLOCATE question")
    assert row is not None
    found: Counter[str] = Counter()

    def add(node: dict[str, Any]) -> None:
        if "Relation Name" in node:
            each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            found[f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name', '')}"] += round(
                each * node["Actual Loops"]
            )
        for inner in node.get("Plans", []):
            add(inner)

    add(row[0][0]["Plan"])
    return dict(found)
