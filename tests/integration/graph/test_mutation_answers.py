"""A mutation whose answer would be too large does nothing: refused afterwards, the answer would hide what was done."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import AttentionKind, AttentionSubject, OrderStatus
from runtime.database.database import Database
from services.payments.attention import Case, open_case
from tests.client import Client
from tests.make import Shop

MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
MOST_LINES = 500
TOO_MUCH = "The operation asks for too much at once: ask for fewer fields or smaller pages."
TABLES = (
    "orders",
    "order_items",
    "products",
    "payments",
    "refunds",
    "reviews",
    "attention",
    "checkout_tokens",
    "webhook_endpoints",
)
ONE_LIST = "... on Order { lines { quantity } }"
FIVE_LISTS = "... on Order { a: lines { name } b: lines { name } c: items { quantity } ...D ...E }"
FRAGMENTS = "fragment D on Order { d: lines { name } } fragment E on Order { e: items { quantity } }"
LISTS_OF_THE_ORDER = f"order {{ __typename {FIVE_LISTS} }}"
DELIVERED_LINES = "deliveries(first: 20) { nodes { event { order { lines { name quantity } } } } }"


async def content(database: Database) -> dict[str, str]:
    """All that stands in the tables that mutations write."""
    found = {}
    for table in TABLES:
        rows = await database.rows(text(f"SELECT t::text FROM {table} AS t ORDER BY t::text"))  # noqa: S608
        found[table] = "\n".join(row[0] for row in rows)
    return found


async def order_to_decide(shop: Shop, status: OrderStatus) -> UUID:
    """A large order; one under review has money that is not its total."""
    order_id, payment_id = await shop.order(items=[(100, 1)] * MOST_LINES), uuid4()
    if status is OrderStatus.REVIEW:
        await shop.database.rows(
            text(
                "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount,"
                " amount_received, currency, order_version, cause) VALUES (:id, :order_id, 'succeeded', 'mismatch',"
                " :key, :key, 100, 100, 'USD', 2, 'test')"
            ),
            {"id": payment_id, "order_id": order_id, "key": f"pi_{payment_id.hex}"},
        )
        await shop.set_order(order_id, status=status)
    return order_id


async def case_of(database: Database, order_id: UUID) -> str:
    case = Case(
        kind=AttentionKind.AUTHORIZATION_LAPSES,
        subject=AttentionSubject.PAYMENT,
        subject_id="pi_1",
        order_id=order_id,
        message="Capture it.",
    )
    await open_case(database, case)
    [row] = await database.rows(text("SELECT id FROM attention WHERE subject_id = 'pi_1'"))
    return str(row.id)


def lines(count: int = MOST_LINES) -> list[dict[str, Any]]:
    return [{"name": "Mug", "unitAmount": 100} for _ in range(count)]


@pytest.fixture
async def endpoint_id(client: Client) -> str:
    create = 'createWebhookEndpoint(input: { url: "https://shop.example/one" })'
    made = await client.data(
        f"mutation {{ {create} {{ ... on NewWebhookEndpoint {{ endpoint {{ id }} }} }} }}", **MERCHANT
    )
    return str(made["createWebhookEndpoint"]["endpoint"]["id"])


async def assert_nothing_is_done(
    client: Client,
    database: Database,
    mutation: str,
    variables: dict[str, Any] | None = None,
    because: str = TOO_MUCH,
) -> None:
    before = await content(database)

    answer = await client.ask(mutation, variables, **MERCHANT)

    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("BAD_USER_INPUT", because)
    assert await content(database) == before


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.REVIEW])
@pytest.mark.parametrize("field", ["cancelOrder", "resolveReview", "updateOrder", "closeAttention"])
async def test_an_order_is_not_changed_when_its_lists_are_too_large_to_be_answered(
    client: Client, database: Database, shop: Shop, field: str, status: OrderStatus
) -> None:
    order_id = await order_to_decide(shop, status)
    calls = {
        "cancelOrder": f'cancelOrder(orderId: "{order_id}") {{ {FIVE_LISTS} }}',
        "resolveReview": (
            f'resolveReview(input: {{ orderId: "{order_id}", decision: REFUND, note: "n", idempotencyKey: "k" }})'
            f" {{ {FIVE_LISTS} }}"
        ),
        "updateOrder": "updateOrder(input: $input) { " + FIVE_LISTS + " }",
        "closeAttention": (
            f'closeAttention(id: "{await case_of(database, order_id)}", note: "n")'
            f" {{ ... on AttentionCase {{ {LISTS_OF_THE_ORDER} }} }}"
        ),
    }
    change = {"orderId": str(order_id), "expectedVersion": 2, "lines": lines(), "total": 50_000}
    declared = "($input: UpdateOrderInput!)" if field == "updateOrder" else ""

    await assert_nothing_is_done(
        client, database, f"mutation{declared} {{ {calls[field]} }} {FRAGMENTS}", {"input": change}
    )


async def test_a_large_foreign_order_looks_like_a_missing_one(client: Client, shop: Shop) -> None:
    order_id = await order_to_decide(shop, OrderStatus.PENDING)
    for wanted in (order_id, uuid4()):
        call = f'cancelOrder(orderId: "{wanted}") {{ __typename {FIVE_LISTS} }}'

        answer = await client.data(f"mutation {{ {call} }} {FRAGMENTS}", user="eve")

        assert answer == {"cancelOrder": {"__typename": "OrderNotFound"}}


async def test_no_order_is_placed_or_brought_in_when_its_lists_are_too_large_to_be_answered(
    client: Client, database: Database, shop: Shop
) -> None:
    products = [{"productId": str(await shop.product(unit_amount=100)), "quantity": 1} for _ in range(20)]
    repeated = [products[n % 20] for n in range(MOST_LINES)]
    order = {"reference": "A1", "currency": "USD", "lines": lines(), "total": 50_000}

    for declared, call, given in (
        ("$input: ImportOrderInput!", "importOrder(input: $input)", order),
        ("$input: CreateOrderInput!", "createOrder(input: $input)", {"items": repeated}),
    ):
        mutation = f"mutation({declared}) {{ {call} {{ {FIVE_LISTS} }} }} {FRAGMENTS}"
        await assert_nothing_is_done(client, database, mutation, {"input": given})


async def test_no_token_is_made_when_the_order_is_too_large_to_be_answered(
    client: Client, database: Database, shop: Shop
) -> None:
    order_id = await order_to_decide(shop, OrderStatus.PENDING)
    call = f'createCheckoutToken(orderId: "{order_id}") {{ ... on CheckoutToken {{ {LISTS_OF_THE_ORDER} }} }}'

    await assert_nothing_is_done(client, database, f"mutation {{ {call} }} {FRAGMENTS}")


async def test_no_product_is_saved_when_the_products_are_too_many_to_be_answered(
    client: Client, database: Database
) -> None:
    products = [
        {"reference": f"p{n}", "name": "Mug", "unitAmount": 100, "currency": "USD"} for n in range(100)
    ]
    lists = " ".join(f"p{n}: products {{ id name description reference image }}" for n in range(10))
    call = f"saveProducts(input: $input) {{ ... on SavedProducts {{ {lists} }} }}"
    mutation = f"mutation($input: [ProductInput!]!) {{ {call} }}"

    await assert_nothing_is_done(client, database, mutation, {"input": products})


HUNDRED = "deliveries(first: 100) { nodes { id } }"
DELIVERIES = {
    "deliveries(first: 101) { nodes { id } }": "`first` must be between 1 and 100",
    'deliveries(after: "x") { nodes { id } }': "`after` is not a cursor of this API",
    f"a: {HUNDRED} b: {HUNDRED} c: {HUNDRED}": "An operation lists at most 200 entries in all: ask for smaller pages.",
    DELIVERED_LINES: TOO_MUCH,
}


@pytest.mark.parametrize("deliveries", DELIVERIES)
async def test_no_secret_is_made_or_lost_when_the_deliveries_can_not_be_answered(
    client: Client, database: Database, endpoint_id: str, deliveries: str
) -> None:
    made = f"... on NewWebhookEndpoint {{ secret endpoint {{ {deliveries} }} }}"
    shown = f"... on WebhookEndpoint {{ {deliveries} }}"
    for call in (
        f'createWebhookEndpoint(input: {{ url: "https://shop.example/two" }}) {{ {made} }}',
        f'rotateWebhookSecret(endpointId: "{endpoint_id}") {{ {made} }}',
        f'setWebhookEndpointEnabled(endpointId: "{endpoint_id}", enabled: false) {{ {shown} }}',
        f'replayEvents(endpointId: "{endpoint_id}", since: "2026-01-01T00:00:00Z") {{ {shown} }}',
    ):
        await assert_nothing_is_done(
            client, database, f"mutation {{ {call} }}", because=DELIVERIES[deliveries]
        )


async def test_what_can_be_answered_is_done(client: Client, shop: Shop, endpoint_id: str) -> None:
    order_id = await order_to_decide(shop, OrderStatus.PENDING)

    canceled = await client.data(f'mutation {{ cancelOrder(orderId: "{order_id}") {{ {ONE_LIST} }} }}')
    rotate = f'rotateWebhookSecret(endpointId: "{endpoint_id}")'
    told = f"... on NewWebhookEndpoint {{ secret endpoint {{ {DELIVERED_LINES.replace('20', '2')} }} }}"
    rotated = await client.data(f"mutation {{ {rotate} {{ {told} }} }}", **MERCHANT)

    assert len(canceled["cancelOrder"]["lines"]) == MOST_LINES
    assert rotated["rotateWebhookSecret"]["secret"].startswith("whsec_")


async def test_how_much_is_answered_may_stand_in_variables(
    client: Client, database: Database, endpoint_id: str
) -> None:
    mutation = (
        "mutation($id: ID!, $first: Int, $after: String) { rotateWebhookSecret(endpointId: $id)"
        " { ... on NewWebhookEndpoint { secret endpoint { deliveries(first: $first, after: $after)"
        " { nodes { id } } } } } }"
    )
    made = await client.data(mutation, {"id": endpoint_id, "first": 5}, **MERCHANT)
    assert made["rotateWebhookSecret"]["secret"]
    made = await client.data(mutation, {"id": endpoint_id, "after": None}, **MERCHANT)
    assert made["rotateWebhookSecret"]["secret"]
    for variables, because in (
        ({"first": 101}, "`first` must be between 1 and 100"),
        ({"after": "x"}, "`after` is not a cursor of this API"),
    ):
        await assert_nothing_is_done(
            client, database, mutation, {"id": endpoint_id, **variables}, because=because
        )
