"""One line for each request: what an operator needs to find it again, and nothing that is secret."""

import json
from io import StringIO
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from graph.serving.observing import Observed
from main import build_app
from runtime.logs import BLOT
from sandbox.faults import Fault, Rule
from settings import Settings
from tests.client import CREATE_PAYMENT_INTENT, Client
from tests.conftest import JWT_SECRET, Stripe, make_settings, running
from tests.events import event_body, signed
from tests.integration.graph.test_order_updated import address as address
from tests.lines import written_as
from tests.make import Shop
from tests.sockets import follower, token


def requests_in(lines: StringIO) -> list[dict[str, Any]]:
    read = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in read if line["message"] == "request"]


async def test_a_payment_is_told_with_all_that_is_known(client: Client, shop: Shop, stripe: Stripe) -> None:
    order_id = await shop.order()
    with written_as("json") as lines:
        answer = await client.post(CREATE_PAYMENT_INTENT, {"orderId": str(order_id)})
    [line], [payment] = requests_in(lines), await shop.payments(order_id)

    [call] = stripe.sandbox.journal.calls("POST", "/v1/payment_intents")
    assert line.pop("duration_ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "paygraph.requests",
        "message": "request",
        "request_id": answer.headers["x-request-id"],
        "operation": "createPaymentIntent",
        "result": "PaymentIntent",
        "status": 200,
        "user": "ada",
        "order": str(order_id),
        "payment": str(payment.id),
        "stripe_request": call["request_id"],
    }


async def test_who_hangs_up_in_a_webhook_is_told_as_that_and_is_no_fault(settings: Settings) -> None:
    left: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/webhooks/stripe", "query_string": b"", "headers": [],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with written_as("json") as lines:
        await build_app(settings)(scope, receive, send)

    [line] = requests_in(lines)
    assert (line["result"], line["operation"], sent) == ("CLIENT_DISCONNECTED", "stripeWebhook", [])


async def test_an_order_that_is_reused_is_told_with_its_payment(client: Client, shop: Shop) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    with written_as("json") as lines:
        await client.pay(order_id)
    [line], [payment] = requests_in(lines), await shop.payments(order_id)
    assert line["payment"] == str(payment.id)


async def test_a_refusal_of_stripes_is_told_with_its_request_and_so_is_every_line_on_the_way(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="401"), path="/v1/payment_intents"))
    with written_as("json") as lines:
        await client.pay(await shop.order())
    [line] = requests_in(lines)
    assert (line["result"], line["stripe_request"][:4]) == ("PaymentProviderUnavailable", "req_")
    [failed] = [text for text in lines.getvalue().splitlines() if "stripe call failed" in text]
    assert json.loads(failed)["request_id"] == line["request_id"]


async def test_a_database_that_is_away_is_told_whatever_the_status(stripe: Stripe) -> None:
    body, signature = signed(event_body())
    async with running(make_settings("postgresql://127.0.0.1:1/shop", stripe.url)) as http:
        with written_as("json") as lines:
            answer = await Client(http, JWT_SECRET).post("{ orders { nodes { id } } }")
            assert answer.status_code == 200
            headers = {"Stripe-Signature": signature}
            assert (await http.post("/webhooks/stripe", content=body, headers=headers)).status_code == 503
    told = [(line["operation"], line["result"]) for line in requests_in(lines)]
    assert told == [("orders", "SERVICE_UNAVAILABLE"), ("stripeWebhook", "SERVICE_UNAVAILABLE")]
    levels = {json.loads(line)["level"] for line in lines.getvalue().splitlines()}
    assert levels == {"info", "warning"}, "`error` is for faults of ours and for what a person must do"


async def test_a_webhooks_line_has_the_events_id(client: Client) -> None:
    body, signature = signed(event_body())
    with written_as("json") as lines:
        answer = await client.http.post(
            "/webhooks/stripe", content=body, headers={"Stripe-Signature": signature}
        )
    [line] = requests_in(lines)
    assert (answer.status_code, line["event"]) == (200, json.loads(body)["id"])


async def test_what_escapes_a_route_is_told_as_a_fault() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/webhooks/stripe", "headers": []}
    with written_as("json") as lines, pytest.raises(LookupError):
        await Observed(broken)(scope, nothing, nothing)
    [line] = requests_in(lines)
    assert (line["status"], line["result"]) == (500, "INTERNAL_SERVER_ERROR")


async def test_a_preflight_is_no_operation(settings: Settings) -> None:
    origin = "https://shop.example"
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with running(settings.model_copy(update={"cors_origins": (origin,)})) as http:
        with written_as("json") as lines:
            answer = await http.options("/graphql", headers=asks)
    assert (answer.status_code, requests_in(lines)) == (200, [])


async def test_a_new_order_is_told(client: Client, shop: Shop) -> None:
    query = "mutation M($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id } } }"
    items = {"input": {"items": [{"productId": str(await shop.product()), "quantity": 1}]}}
    with written_as("json") as lines:
        made = (await client.data(query, items))["createOrder"]["id"]
    [line] = requests_in(lines)
    assert (line["operation"], line["order"]) == ("createOrder", made)


async def test_a_clients_request_id_is_kept_and_sent_back(client: Client) -> None:
    for given in (
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        "x",
        "1-5759e988-bd862e3fe1be46a994272793",
        "a" * 128,
    ):
        with written_as("json") as lines:
            headers = {"X-Request-Id": given}
            answer = await client.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
        [line] = requests_in(lines)
        assert answer.headers.get_list("x-request-id") == [line["request_id"]] == [given]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a" * 129,
        "two words",
        "line\tbreak",
        "<script>",
        "sk_live_51Habcdef0123456789",
        "eyJhbGciOi.eyJzdWI.Zm9y",
    ],
)
async def test_a_request_id_that_is_malformed_or_a_secret_is_replaced(client: Client, given: str) -> None:
    with written_as("json") as lines:
        answer = await client.http.get("/graphql?query={__typename}", headers={"X-Request-Id": given})
    [line] = requests_in(lines)
    assert answer.headers["x-request-id"] == line["request_id"] != given
    assert len(line["request_id"]) == 32
    assert not given or given not in lines.getvalue()


async def test_every_answer_has_a_request_id(http: httpx.AsyncClient) -> None:
    paths = ("/livez", "/readyz", "/metrics", "/graphql", "/nowhere", "/webhooks/stripe")
    ids = [(await http.get(path)).headers["x-request-id"] for path in paths]
    assert len({*ids}) == len(paths)


async def test_a_user_id_that_is_a_secret_is_redacted(client: Client) -> None:
    with written_as("json") as lines:
        await client.post("{ me { id } }", user="sk_live_51Habcdef0123456789")
    [line] = requests_in(lines)
    assert line["user"] == BLOT


async def test_what_is_no_order_id_is_not_repeated(client: Client) -> None:
    with written_as("json") as lines:
        await client.pay("pi_1_secret_2")
    [line] = requests_in(lines)
    assert (line["result"], "order" in line) == ("OrderNotFound", False)


async def test_webhooks_have_a_line_and_probes_have_none(client: Client) -> None:
    body, signature = signed(event_body(type="payout.paid"))
    with written_as("json") as lines:
        await client.http.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": signature})
        for path in ("/livez", "/readyz", "/metrics"):
            await client.http.get(path)
    [line] = requests_in(lines)
    assert (line["operation"], line["result"], line["status"]) == ("stripeWebhook", "ok", 200)


async def test_an_operation_of_a_socket_has_a_line_when_it_ends(
    settings: Settings, address: str, shop: Shop
) -> None:
    order_id = await shop.order()
    with written_as("json") as lines:
        async with follower(address, token()) as one:
            await one.follow(order_id)
            await one.order()
            await one.send("subscribe", id="2", payload={"query": "{ me { id } }"})
            assert (await one.receive())["type"] == "next"
            assert (await one.receive())["type"] == "complete"
            [asked] = requests_in(lines)
            await one.send("complete", id="1")
            await one.send("subscribe", id="3", payload={"query": "{ nobody }"})
            assert (await one.receive())["type"] == "error"
    told = {line["operation"]: line for line in requests_in(lines)}
    assert (asked["operation"], asked["user"], asked["result"]) == ("me", "ada", "User")
    assert (told["orderUpdated"]["order"], told["orderUpdated"]["result"]) == (str(order_id), "ok")
    assert told["none"]["result"] == "GRAPHQL_VALIDATION_FAILED"


async def test_the_console_shows_the_same(client: Client) -> None:
    with written_as("console") as lines:
        await client.post("{ me { id } }")
    assert "request " in lines.getvalue()
    assert "operation=me" in lines.getvalue()


async def test_no_line_is_written_below_its_level(client: Client) -> None:
    with written_as("json", level="WARNING") as lines:
        await client.post("{ me { id } }")
    assert lines.getvalue() == ""
