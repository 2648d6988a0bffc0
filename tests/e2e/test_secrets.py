"""P8: the whole life of an order, with everything that can go wrong told at DEBUG; then every answer, every line, the
metrics and a dump of the database are searched for what must be in none of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.client import CREATE_PAYMENT_INTENT
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET
from tests.e2e.processes import HTTP, eventually
from tests.e2e.shop import Customer, pay
from tests.e2e.test_serve import Town
from tests.e2e.test_serve import town as town
from tests.events import event_body, signed
from tests.sockets import FOLLOW

METRICS_TOKEN = "the-scraper-s-own-token-0123456789"
CARD = "4242424242424242"
SHAPES = re.compile(
    r"_secret_|[sr]k_(?:test|live)_|whsec_|eyJ[\w-]+\.[\w-]+|(?i:bearer) [\w.-]{8,}|\"object\": ?\"event\""
)
CANCEL = "mutation($id: ID!) { cancelOrder(orderId: $id) { __typename ... on UserError { message } } }"
REFUND = "mutation($wish: RefundOrderInput!) { refundOrder(input: $wish) { __typename ... on UserError { message } } }"
CREATE_ENDPOINT = """mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
  __typename ... on NewWebhookEndpoint { secret endpoint { id } } } }"""
ENDPOINTS = "{ webhookEndpoints { url deliveries { nodes { lastError event { type } } } } }"
TELLING = (CREATE_PAYMENT_INTENT, CREATE_ENDPOINT)  # whose answers hold a secret
HISTORY = """query($id: ID!) { order(id: $id) { status refunds { status } payments { id status paymentIntentId
  history { fromStatus toStatus cause } } } }"""


@dataclass(frozen=True)
class Listened(Customer):
    """A customer of whose answers each is kept, with what it answers."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = super().answer(query, **variables)
        self.heard.append((query, json.dumps(answer)))
        return answer


def rows(database_url: str) -> Iterator[str]:
    """All that the database holds, as text."""
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(database_url) as connection:
        names = [sql.Identifier(name) for (name,) in connection.execute(tables)]
        for name in names:
            yield from (
                text for (text,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(name))
            )


def fail(town: Town, kind: str) -> None:
    rule = {"method": "POST", "path": "/v1/payment_intents", "times": 1, "fault": {"kind": kind}}
    HTTP.post(f"{town.stripe_url}/_sandbox/faults", json=rule).raise_for_status()


def follow(town: Town, customer: Listened, order_id: str) -> None:
    with connect(
        f"{town.url.replace('http', 'ws')}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
    ) as ws:
        ws.send(
            json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {customer.token}"}})
        )
        ws.recv(30)
        ws.send(
            json.dumps(
                {"type": "subscribe", "id": "1", "payload": {"query": FOLLOW, "variables": {"id": order_id}}}
            )
        )
        customer.heard.append((FOLLOW, str(ws.recv(30))))


def go_wrong(town: Town, customer: Listened, secret: str) -> None:
    """What strangers send, and what they hold in their hands while they do."""
    token = customer.token
    for bad in (
        token[:-3] + "AAA",
        token.rpartition(".")[0] + ".",
        "x." + token,
        STRIPE.secret_keys[0],
        JWT_SECRET,
    ):
        Listened(town.url, bad, customer.heard).answer("{ me { id } }")
    customer.answer(f"{{ {secret} }}")
    customer.answer("query($id: ID!) { order(id: $id) { id } }", id=secret)
    customer.answer(
        "query($n: Int!) { orders(first: $n) { nodes { id } } }", n=f"{CARD} {secret} {WEBHOOK_SECRET}"
    )
    HTTP.get(f"{town.url}/graphql", params={"query": "{", "token": token, "card": CARD})
    HTTP.get(f"{town.url}/metrics", headers={"Authorization": f"Bearer {token}"})
    forged: list[tuple[str | bytes, str]] = [
        (secret, f"t=1,v1={WEBHOOK_SECRET}"),
        signed(json.dumps({"client_secret": secret, "card": CARD})),
        signed(
            event_body(
                type=f"payment_intent.{secret}", data={"object": {"id": None, "client_secret": secret}}
            )
        ),
        (event_body(data={"object": {"id": "pi_x", "client_secret": secret}}), "t=1,v1=00"),
    ]
    for body, signature in forged:
        sent = HTTP.post(f"{town.url}/webhooks/stripe", headers={"Stripe-Signature": signature}, content=body)
        assert sent.status_code == 400
        customer.heard.append(("webhook", sent.text))


def live(town: Town, customers: list[Listened], orders: list[str], merchant: Listened) -> list[str]:
    """Paid and refunded, canceled, and made in bad weather; the client secrets that were released."""
    intents = [
        customer.payment_intent(order) for customer, order in zip(customers[:2], orders[:2], strict=True)
    ]
    pay(town.stripe_url, STRIPE.publishable_key, intents[0])
    customers[0].is_told(orders[0], "PAID")
    follow(town, customers[0], orders[0])
    refund = {"orderId": orders[0], "idempotencyKey": "once", "reason": "REQUESTED_BY_CUSTOMER"}
    merchant.answer(REFUND, wish=refund)
    eventually(lambda: customers[0].status(orders[0]) == "REFUNDED")
    customers[1].ask(CANCEL, id=orders[1])
    fail(town, "500")
    fail(town, "401")
    for _ in range(3):
        customers[2].answer(CREATE_PAYMENT_INTENT, orderId=orders[2])
    for customer, order in zip(customers, orders, strict=True):
        merchant.answer(HISTORY, id=order)
        customer.answer(HISTORY, id=order)
    return [intent["clientSecret"] for intent in intents]


def test_no_secret_is_in_an_answer_a_line_a_number_or_a_row(town: Town) -> None:
    server = town.serve(LOG_LEVEL="DEBUG", METRICS_TOKEN=METRICS_TOKEN)
    seeded = town.seed(3)
    heard: list[tuple[str, str]] = []
    customers = [Listened(town.url, token, heard) for _, token in seeded]
    words = ("token", "--user", "grace", "--role", "merchant", "--hours", "1")
    merchant = Listened(town.url, town.sh.run(*words, **town.settings).out.strip(), heard)
    wish = {"url": "https://shop.invalid/paygraph?token=of-the-shop"}
    made = merchant.answer(CREATE_ENDPOINT, input=wish)["data"]["createWebhookEndpoint"]
    secrets = live(town, customers, [order for order, _ in seeded], merchant)
    merchant.answer(ENDPOINTS)
    go_wrong(town, customers[0], secrets[0])

    metrics = HTTP.get(f"{town.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).text
    ready = HTTP.get(f"{town.url}/readyz").text
    written, kept = server.stop().out, "\n".join(rows(town.settings["DATABASE_URL"]))
    told = "\n".join(answer for query, answer in heard if query not in TELLING)
    places = {"log": written, "rows": kept, "metrics": metrics, "readiness": ready, "answers": told}

    assert "webhook refused" in written
    assert "token refused" in written
    assert "createPaymentIntent" in metrics
    assert secrets[0].partition("_secret_")[0] in kept
    released = "".join(answer for query, answer in heard if query == CREATE_PAYMENT_INTENT)
    assert all(secret in released for secret in secrets)
    never = [
        *secrets,
        made["secret"],
        *(token for _, token in seeded),
        merchant.token,
        WEBHOOK_SECRET,
        JWT_SECRET,
        METRICS_TOKEN,
        CARD,
    ]
    for place, text in places.items():
        assert not [secret for secret in never if secret in text], place
        assert SHAPES.findall(text) == [], place
