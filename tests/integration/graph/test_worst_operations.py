"""The dearest operations that the bounds allow do little, whoever asks: fields, rows and statements are counted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from graphql import parse
from sqlalchemy import text as sql

from bench.attacks import catalogue, names, order_in_full, pages, quantities, repetitions
from graph.context import Context, ContextMaker, PaymentSettings
from graph.serving.bounds import exceeded
from graph.serving.documents import Documents
from graph.serving.http import GraphQLEndpoint
from graph.serving.spending import ANONYMOUS, ENTRY, SIGNED_IN
from main import build_use_cases
from models import OrderStatus
from runtime.database.database import Database
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

LARGEST_ORDER = [(100, 1)] * 500
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}


class CountingDatabase(Database):
    """What is read of it by single statements, and the lines within the rows of orders."""

    statements = 0
    counted_rows = 0
    under_way = 0

    async def rows(self, *arguments: Any, **named: Any) -> Any:
        self.under_way += 1
        try:
            rows = await super().rows(*arguments, **named)
        finally:
            self.under_way -= 1
        self.statements += 1
        self.counted_rows += len(rows) + sum(len(getattr(row, "lines", ())) for row in rows)
        return rows

    async def row(self, *arguments: Any, **named: Any) -> Any:
        self.statements += 1
        row = await super().row(*arguments, **named)
        self.counted_rows += 1 + len(getattr(row, "lines", ()))
        return row


@pytest.fixture
def counting(database: Database) -> CountingDatabase:
    return CountingDatabase(database.pool)


@pytest.fixture
async def quiet(
    postgres_url: str, settings: Settings, counting: CountingDatabase, gateway: StripeGateway
) -> AsyncIterator[Client]:
    payments, news = PaymentSettings("pk_test_x", API_VERSION), OrderNews(postgres_url)
    callers = Callers(settings.token_verifier(None), ServiceKeys(counting), CheckoutTokens(counting))
    use_cases = build_use_cases(counting, gateway, news, callers)
    anonymous = Context(None, use_cases, payments, Documents(), settings.rate_limits(), introspection=False)
    transport = httpx.ASGITransport(GraphQLEndpoint(ContextMaker(callers, anonymous)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        yield Client(http, JWT_SECRET)


def fields_in(answer: Any) -> int:
    if isinstance(answer, dict):
        return sum(1 + fields_in(value) for value in answer.values())
    return sum(map(fields_in, answer)) if isinstance(answer, list) else 0


async def filled(shop: Shop) -> list[UUID]:
    for _ in range(100):
        await shop.product()
    large = [await shop.order(items=LARGEST_ORDER) for _ in range(5)]
    for _ in range(95):
        await shop.order()
    return large


async def test_the_worst_that_is_allowed_is_little(
    quiet: Client, counting: CountingDatabase, shop: Shop
) -> None:
    large = list(map(str, await filled(shop)))
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "a stranger's catalogue": (catalogue(), {"user": None}),
        "a stranger's text": (repetitions(1, 15), {"user": None}),
        "a customer's text": (names(1, 40), {}),
        "a whole order": (order_in_full(large[0]), {}),
        "quantities": (quantities(large[:3]), {}),
        "a page": (pages(), {}),
        "a merchant's text": (names(2, 40), {"role": "merchant"}),
        "a merchant's orders": (quantities(large[:3]), {"user": "shopkeeper", "role": "merchant"}),
    }
    for name, (text, caller) in asked.items():
        counting.statements = counting.counted_rows = 0
        allowance = ANONYMOUS if caller.get("user", "ada") is None else SIGNED_IN

        answer = await quiet.ask(text, **caller)

        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        assert codes <= {"UNAUTHENTICATED"}, (name, answer["errors"])
        assert fields_in(answer["data"]) <= allowance.work, name
        assert counting.statements <= 20, name
        assert counting.counted_rows <= allowance.work // ENTRY // 2, name


async def test_one_step_more_is_refused_at_little_cost(
    quiet: Client, counting: CountingDatabase, shop: Shop
) -> None:
    large = list(map(str, await filled(shop)))
    page_of_items = "{ orders(first: 100) { nodes { items { quantity } } } }"
    for text in (
        quantities(large[:5]),
        "{" + order_in_full(large[0])[1:-1] + "o1: " + order_in_full(large[1])[2:],
        page_of_items,
        pages(15),
    ):
        counting.statements = counting.counted_rows = 0

        answer = await quiet.ask(text)

        assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}, text[:60]
        assert fields_in(answer.get("data")) <= SIGNED_IN.work
        assert counting.counted_rows <= SIGNED_IN.work // 2 + 2


ALIASED = [
    ("order", 'o{n}: order(id: "{each}") {{ items {{ quantity }} }}'),
    ("a whole order", "o{n}: " + order_in_full("{each}").replace("{ ", "{{ ").replace(" }", " }}")[3:-3]),
    ("node", 'o{n}: node(id: "{each}") {{ ... on Order {{ lines {{ name }} }} }}'),
    ("order by its reference", 'o{n}: orderByReference(reference: "R-{n}") {{ lines {{ name }} }}'),
]


@pytest.mark.parametrize(("name", "field"), ALIASED)
async def test_aliases_read_no_more_lines_than_an_operation_may_show(
    quiet: Client, counting: CountingDatabase, database: Database, shop: Shop, name: str, field: str
) -> None:
    ids = [await shop.order(user="shopkeeper", items=LARGEST_ORDER) for _ in range(20)]
    for number, each in enumerate(ids):
        await database.rows(
            sql("UPDATE orders SET reference = :to WHERE id = :id"), {"to": f"R-{number}", "id": each}
        )
    counting.counted_rows = 0

    answer = await quiet.ask(
        "{" + " ".join(field.format(n=n, each=each) for n, each in enumerate(ids)) + "}", **MERCHANT
    )
    while counting.under_way:  # noqa: ASYNC110  an answer with an error does not wait for its other fields
        await asyncio.sleep(0.01)

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}, name
    assert counting.counted_rows <= SIGNED_IN.work // 2 + 100


LISTS_OF_ORDERS = [
    "{ attention(first: 100) { nodes { order { lines { quantity } } } } }",
    "{ events(types: [ORDER_REVIEW]) { nodes { order { lines { quantity } } } } }",
    "{ webhookEndpoints { deliveries(first: 100) { nodes { event { order { lines { quantity } } } } } } }",
    "{ allOrders(first: 100) { nodes { lines { quantity } } } }",
    "{ a: orders(first: 3) { nodes { ...F } } b: orders(first: 3) { nodes { ...F } }"
    " c: orders(first: 3) { nodes { ...F } } d: orders(first: 3) { nodes { ...F } } }"
    " fragment F on Order { items { quantity } }",
]


@pytest.mark.parametrize("text", LISTS_OF_ORDERS)
async def test_no_list_reads_more_lines_than_an_operation_may_show(
    quiet: Client, counting: CountingDatabase, database: Database, shop: Shop, text: str
) -> None:
    wanted = '{ url: "https://shop.example/paygraph", types: [ORDER_REVIEW] }'
    await quiet.data(f"mutation {{ createWebhookEndpoint(input: {wanted}) {{ __typename }} }}", **MERCHANT)
    for _ in range(8):
        order_id = await shop.order(user="shopkeeper", items=LARGEST_ORDER)
        await shop.set_order(order_id, status=OrderStatus.REVIEW)
    await Attention(database).derive()
    await publish_events(database, patience=60.0)
    counting.statements = counting.counted_rows = 0

    answer = await quiet.ask(text, **MERCHANT)
    while counting.under_way:  # noqa: ASYNC110  an answer with an error does not wait for its other fields
        await asyncio.sleep(0.01)

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert counting.counted_rows <= SIGNED_IN.work // 2 + 100


@pytest.mark.parametrize(
    ("text", "allowance"),
    [
        (repetitions(1, 61), SIGNED_IN),
        (repetitions(1, 40), ANONYMOUS),
        (names(1, 60), SIGNED_IN),
    ],
)
def test_a_text_that_is_dear_to_validate_is_refused_before(text: str, allowance: Any) -> None:
    assert list(exceeded(parse(text), allowance))
