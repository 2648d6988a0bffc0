"""What an operation costs the database: statements are counted, and listings use an index however much there is."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from graph.context import Context, ContextMaker, PaymentSettings
from graph.serving.documents import Documents
from graph.serving.http import GraphQLEndpoint
from main import build_use_cases
from models import OrderStatus
from models.orders.rows import OrderRow
from models.orders.statements import EVERY_PART, orders_reading
from models.products.tables import PRODUCTS, PRODUCTS_AFTER
from runtime.database.database import Database
from runtime.database.statements import Query
from services.identity.callers import Callers
from services.identity.checkout_tokens import CheckoutTokens
from services.identity.service_keys import ServiceKeys
from services.notifications.order_news import OrderNews
from services.notifications.publishing import publish_events
from services.payments.attention import Attention
from services.stripe_api.gateway import API_VERSION, StripeGateway
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET
from tests.make import Shop

EVERYTHING = """
  id status createdAt total { amount } items { productName }
  payments { status amount { amount } } refunds { id } disputes { id }
"""


@pytest.fixture
async def quiet(
    postgres_url: str, settings: Settings, database: Database, gateway: StripeGateway
) -> AsyncIterator[Client]:
    """A client of `/graphql` alone, without background work beside it."""
    payments, news = PaymentSettings("pk_test_x", API_VERSION), OrderNews(postgres_url)
    verifier = settings.token_verifier(None)
    callers = Callers(verifier, ServiceKeys(database), CheckoutTokens(database))
    use_cases = build_use_cases(database, gateway, news, callers)
    anonymous = Context(None, use_cases, payments, Documents(), settings.rate_limits(), introspection=True)
    endpoint = GraphQLEndpoint(ContextMaker(callers, anonymous))
    transport = httpx.ASGITransport(endpoint)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield Client(http, JWT_SECRET)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Whatever is sent to the database meanwhile."""
    sent: list[str] = []

    @contextmanager
    def note(sql: str) -> Iterator[None]:
        sent.append(sql)
        yield

    database.watch = note
    try:
        yield sent
    finally:
        database.watch = None


async def test_an_order_with_all_it_holds_is_one_statement(
    quiet: Client, shop: Shop, database: Database
) -> None:
    order_id = await shop.order(items=[(100, 1)] * 50)

    with statements(database) as sent:
        found = await quiet.data(
            f"query($id: ID!) {{ order(id: $id) {{ {EVERYTHING} }} }}", {"id": str(order_id)}
        )

    assert len(found["order"]["items"]) == 50
    assert len(sent) == 1


async def test_a_page_of_orders_is_one_statement_and_its_items_one_more_of_the_same_moment(
    quiet: Client, shop: Shop, database: Database
) -> None:
    for _ in range(20):
        await shop.order()

    with statements(database) as sent:
        found = await quiet.data(f"{{ orders {{ nodes {{ {EVERYTHING} }} pageInfo {{ hasNextPage }} }} }}")
    with statements(database) as without_items:
        await quiet.data("{ orders { nodes { id total { amount } payments { id } } } }")

    assert [len(order["items"]) for order in found["orders"]["nodes"]] == [2] * 20
    assert [sql.split()[0] for sql in sent] == ["BEGIN", "SELECT", "SELECT", "COMMIT"]
    assert "REPEATABLE READ READ ONLY" in sent[0]
    assert len(without_items) == 1


ENDPOINT = """
mutation { createWebhookEndpoint(input: { url: "https://shop.example/paygraph" }) { __typename } }
"""
UNREAD = {
    "id status": ("order_items.product_name", "FROM payments", "FROM refunds", "payment_transitions"),
    "items { productName }": ("FROM payments", "FROM refunds", "payment_transitions"),
    "payments { id }": ("order_items.product_name", "FROM refunds", "FROM disputes", "payment_transitions"),
    "refunds { id }": ("order_items.product_name", "payment_transitions"),
    "payments { history { at } }": ("order_items.product_name", "FROM refunds", "FROM disputes"),
    "id items @skip(if: true) { productName } payments @include(if: $no) { id }": (
        "order_items.product_name",
        "FROM payments",
    ),
}


SHOPS_ORDERS = {
    "orders": "orders: allOrders { nodes { ...F } }",
    "by reference": 'orderByReference(reference: "1") { ...F }',
    "events": "events { nodes { order { ...F } } }",
    "cases": "attention { nodes { order { ...F } } }",
    "deliveries": (
        "webhookEndpoints { deliveries { nodes { event { order { ...F } } } }"
        " others: deliveries { nodes { event { id } } } }"
    ),
}


@pytest.mark.parametrize("selected", UNREAD)
@pytest.mark.parametrize("field", SHOPS_ORDERS)
async def test_only_what_is_selected_is_read(
    quiet: Client, shop: Shop, database: Database, field: str, selected: str
) -> None:
    merchant: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
    await quiet.data(ENDPOINT, **merchant)
    order_id = await shop.order()
    await shop.set_order(order_id, status=OrderStatus.REVIEW, reference="1")
    await Attention(database).derive()
    await publish_events(database, patience=60.0)
    text = f"{{ {SHOPS_ORDERS[field]} }} fragment F on Order {{ __typename {selected} }}"
    declared = "($no: Boolean!)" if "$no" in selected else ""

    with statements(database) as sent:
        found = await quiet.data(f"query{declared} {text}", {"no": False}, **merchant)

    assert '"__typename": "Order"' in json.dumps(found)
    assert not [name for name in UNREAD[selected] for sql in sent if name in sql]


async def test_a_page_of_products_is_one_statement_and_the_configuration_none(
    quiet: Client, shop: Shop, database: Database
) -> None:
    with statements(database) as sent:
        await quiet.data("{ products { nodes { id } } paymentConfig { apiVersion } me { id } }")

    assert len(sent) == 1


async def test_an_intent_is_two_statements_at_first_and_one_again(
    quiet: Client, shop: Shop, database: Database
) -> None:
    order_id = await shop.order()

    with statements(database) as first:
        assert (await quiet.pay(order_id))["__typename"] == "PaymentIntent"
    with statements(database) as again:
        assert (await quiet.pay(order_id))["__typename"] == "PaymentIntent"

    assert (len(first), len(again)) == (2, 1)


async def test_what_is_refused_before_execution_costs_no_statement(quiet: Client, database: Database) -> None:
    with statements(database) as sent:
        await quiet.ask("{ orders { nonsense } }")
        await quiet.ask("{ orders { nodes { id } } }", user=None)
        await quiet.pay("nonsense")
        await quiet.ask("{ orders(first: 101) { nodes { id } } }")

    assert sent == []


MANY = text(
    "INSERT INTO orders (id, user_id, currency, status, created_at) "
    "SELECT gen_random_uuid(), 'user ' || n % 100, 'USD', 'pending', now() - n * interval '1 second' "
    "FROM generate_series(1, 20000) AS n"
)
MANY_PRODUCTS = text(
    "INSERT INTO products (id, name, unit_amount, currency, created_at) "
    "SELECT gen_random_uuid(), 'Mug', 100, 'USD', now() - n * interval '1 second' "
    "FROM generate_series(1, 20000) AS n"
)
DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
PLACE = {"before": datetime(2999, 1, 1, tzinfo=UTC), "before_id": uuid4()}
MINE = {"user_id": "user 7"}


def orders_of_a_user(*, with_status: bool, after: bool) -> Query[OrderRow]:
    return orders_reading(EVERY_PART, with_status=with_status, after=after)


LISTINGS: dict[str, tuple[Query[Any], dict[str, Any], str]] = {
    "orders": (orders_of_a_user(with_status=False, after=False), MINE, "orders"),
    "older orders": (orders_of_a_user(with_status=False, after=True), MINE | PLACE, "orders"),
    "pending orders": (
        orders_of_a_user(with_status=True, after=False),
        MINE | {"status": "pending"},
        "orders",
    ),
    "older pending orders": (
        orders_of_a_user(with_status=True, after=True),
        MINE | PLACE | {"status": "pending"},
        "orders",
    ),
    "products": (PRODUCTS, {}, "products"),
    "later products": (
        PRODUCTS_AFTER,
        {"after": datetime(2000, 1, 1, tzinfo=UTC), "after_id": uuid4()},
        "products",
    ),
}


@pytest.fixture
async def full(database: Database) -> Database:
    for statement in (MANY, MANY_PRODUCTS, text("ANALYZE orders"), text("ANALYZE products")):
        await database.rows(statement)
    return database


@pytest.mark.parametrize("listing", LISTINGS)
async def test_a_listing_reads_its_page_from_an_index(full: Database, listing: str) -> None:
    query, parameters, table = LISTINGS[listing]
    assert isinstance(query.statement, Select)
    filled = (
        query.statement.limit(21)
        .params(parameters)
        .compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    )
    plan = await full.rows(text(f"EXPLAIN {filled}"))
    lines = [row[0] for row in plan]

    [scan] = [line for line in lines if f" on {table} " in line]
    assert "Index Scan" in scan, "\n".join(lines)
    assert not [line for line in lines if "Sort Key" in line and "created_at, " in line], "\n".join(lines)
