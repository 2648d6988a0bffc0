"""`/graphql` and `/webhooks/stripe` under random and mutated bytes: no request is a fault of ours, none hangs, and
what is refused is told in a way that can be read."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main import build_app
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.attackers.mutations import FIELD, TEXTS, VALUES, bodies, bounded, headers, mutated
from tests.attackers.wire import Reply, exchange, request
from tests.client import Client
from tests.events import WEBHOOK_SECRET, event_body
from tests.make import Shop

OPERATIONS = [
    "query($v: ID!) { order(id: $v) { id status } }",
    "query($v: Int!) { products(first: $v) { nodes { id name } } }",
    "query($v: String) { orders(first: 2, after: $v) { nodes { id } } }",
    "query($v: OrderStatus) { orders(status: $v) { nodes { id } pageInfo { endCursor } } }",
    "mutation($v: CreateOrderInput!) { createOrder(input: $v) { __typename ... on UserError { message } } }",
    "mutation($v: ID!) { createPaymentIntent(orderId: $v) { __typename ... on UserError { message } } }",
    "mutation($v: ID!) { cancelOrder(orderId: $v) { __typename ... on UserError { message } } }",
    "mutation($v: RefundOrderInput!) { refundOrder(input: $v) { __typename ... on UserError { message } } }",
    "{ me { id } ... @include(if: true) { paymentConfig { apiVersion } } }",
]
JSON = (b"content-type", b"application/json")
REFUSED = (400, 401, 404, 405, 406, 411, 413, 415, 431)


@pytest.fixture
async def url(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings)) as address:
        yield address


@pytest.fixture(autouse=True)
def nothing_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def is_readable(reply: Reply) -> bool:
    """An answer of GraphQL, or a refusal in words; nothing, where the request never ended."""
    kind = reply.headers.get("content-type", "")
    if "json" not in kind or not reply.body:
        return reply.status == 0 or kind.startswith("text/plain") or not reply.body
    answer = reply.json()
    if reply.status in REFUSED and "errors" not in answer:
        return bool(answer["error"])
    return "data" in answer or "received" in answer or all(error["message"] for error in answer["errors"])


def codes(reply: Reply) -> set[str]:
    if "json" not in reply.headers.get("content-type", "") or not reply.body:
        return set()
    return {error["extensions"]["code"] for error in reply.json().get("errors", [])}


async def withstood(attack: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    """Hypothesis and its sockets go to a thread; the server stays here."""
    await asyncio.to_thread(attack)
    assert faults(caplog) == []


def judge(reply: Reply) -> None:
    assert reply.status < 500, (reply.status, reply.body)
    assert is_readable(reply), (reply.status, reply.body)
    assert not codes(reply) & {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"}


def operations(order_id: str) -> st.SearchStrategy[bytes]:
    """Operations of the schema, with variables that fit and with anything."""
    values = {
        "createOrder": st.fixed_dictionaries({"items": st.lists(VALUES, max_size=3), "currency": VALUES}),
        "refundOrder": st.fixed_dictionaries(
            {"orderId": st.just(order_id), "idempotencyKey": TEXTS, "reason": TEXTS}
        ),
    }

    def sent(query: str) -> st.SearchStrategy[bytes]:
        fitting = next((value for name, value in values.items() if name in query), TEXTS | st.just(order_id))
        variables = st.fixed_dictionaries({"v": fitting | VALUES})
        return variables.map(lambda v: json.dumps({"query": query, "variables": v}).encode())

    return st.sampled_from(OPERATIONS).flatmap(sent)


async def test_graphql_withstands_bodies(
    url: str, client: Client, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    sent = operations(str(await shop.order()))
    fields = [JSON, (b"authorization", f"Bearer {client.token('ada', 'merchant')}".encode())]

    @bounded(200)
    @given(body=sent | bodies(sent), cuts=st.lists(st.integers(1, 500), max_size=3))
    def attack(body: bytes, cuts: list[int]) -> None:
        judge(exchange(url, request("POST", b"/graphql", fields, body, cuts=cuts)))

    await withstood(attack, caplog)


async def test_graphql_withstands_methods_queries_and_headers(
    url: str, client: Client, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    token = f"Bearer {client.token('ada')}".encode()
    query = json.dumps({"query": "{ orders { nodes { id } } }"}).encode()
    names = st.sampled_from(["query", "query", "variables", "extensions", "operationName"])
    texts = TEXTS | st.sampled_from(["{ me { id } }", "{}", '{"v": 1}'])
    urls = st.lists(st.tuples(names, texts), max_size=4).map(in_a_url)
    fields = headers(
        content_type=[JSON[1], b"application/json; charset=utf-8", b"multipart/form-data; boundary=x"],
        authorization=[token, b"Bearer x", b"Bearer a.b.c"],
        accept=[b"*/*", b"application/graphql-response+json", b"text/html, */*;q=0.1"],
        content_encoding=[b"identity", b"gzip"],
        x_request_id=[b"1", b"x" * 200],
    )

    @bounded(120)
    @given(
        method=st.sampled_from(["GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS"]),
        query_string=urls | st.binary(max_size=30).map(percent),
        fields=fields,
    )
    def attack(method: str, query_string: bytes, fields: list[tuple[bytes, bytes]]) -> None:
        judge(exchange(url, request(method, b"/graphql?" + query_string, fields, query)))

    await withstood(attack, caplog)


def in_a_url(parameters: list[tuple[str, str]]) -> bytes:
    pairs = [(name.encode(), percent(text.encode(errors="surrogatepass"))) for name, text in parameters]
    return b"&".join(b"=".join(pair) for pair in pairs)


def percent(data: bytes) -> bytes:
    return b"".join(b"%%%02x" % byte for byte in data)


def genuine(body: bytes) -> bytes:
    """Stripe's signature, of bytes that need be no text."""
    now = str(int(time.time()))
    seal = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={seal}".encode()


async def test_the_webhook_withstands_bytes_signed_and_not(
    url: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    objects = st.fixed_dictionaries({}, optional={"id": VALUES, "payment_intent": VALUES, "amount": VALUES})
    events = st.fixed_dictionaries(
        {},
        optional={
            "id": VALUES, "type": VALUES | st.sampled_from(["refund.created", "charge.dispute.created"]),
            "created": VALUES, "livemode": VALUES | st.just(value=False),
            "data": VALUES | st.fixed_dictionaries({"object": objects}),
        },
    ).map(lambda changes: event_body(**changes).encode())  # fmt: skip
    fields = headers(content_type=[b"application/json"], stripe_signature=[b"t=1,v1=00", b"v1=,t=", b""])

    @bounded(150)
    @given(
        body=events | bodies(events),
        fields=fields,
        is_signed=st.integers(0, 2),
        cuts=st.lists(st.integers(1, 900), max_size=2),
    )
    def attack(body: bytes, fields: list[tuple[bytes, bytes]], is_signed: int, cuts: list[int]) -> None:
        if is_signed:
            fields = [(b"stripe-signature", genuine(body))]
        judge(exchange(url, request("POST", b"/webhooks/stripe", fields, body, cuts=cuts)))

    await withstood(attack, caplog)


async def test_the_server_withstands_requests_that_are_hardly_any(
    url: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"query": "{ me { id } }"}).encode()
    whole = [
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {client.token('ada')}".encode()),
    ]
    good = [
        request("POST", target, whole, body, cuts=cuts)
        for target in (b"/graphql", b"/webhooks/stripe", b"/metrics")
        for cuts in ([], [5, 9])
    ]

    @bounded(60)
    @given(mutated(st.sampled_from(good)), FIELD)
    def attack(raw: bytes, more: bytes) -> None:
        reply = exchange(url, raw + more)
        assert reply.status < 500, (reply.status, reply.body)
        assert is_readable(reply) or reply.status == 200, (reply.status, reply.body)

    await withstood(attack, caplog)
