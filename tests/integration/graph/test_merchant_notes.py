"""What the shop wrote for itself reaches no customer by any way: every field that an order has is asked for by each."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
    is_union_type,
)

from graph.schema import schema
from main import build_app
from runtime.database.database import Database
from sandbox.serve import served
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.sockets import follower, token

MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
SECRET = "suspected fraudster"
REFUND = "mutation($input: RefundOrderInput!) { refundOrder(input: $input) { __typename } }"
DEEPEST = 4


def fields_of(kind: GraphQLNamedType | None, above: tuple[str, ...] = ()) -> Iterator[str]:
    """A selection of everything that needs no argument, without coming back to a type."""
    assert kind is not None
    if not isinstance(kind, GraphQLObjectType):
        members = (
            schema.core.get_possible_types(kind) if is_union_type(kind) or is_interface_type(kind) else ()
        )
        for member in members:
            yield f"... on {member.name} {{ {' '.join(('__typename', *fields_of(member, above)))} }}"
        return
    for name, field in kind.fields.items():
        within = get_named_type(field.type)
        if any(map(is_required_argument, field.args.values())) or within.name in (*above, kind.name):
            continue
        if is_leaf_type(within):
            yield name
        elif len(above) + 1 < DEEPEST and (is_object_type(within) or is_union_type(within)):
            first = "(first: 5)" if "first" in field.args else ""
            selected = " ".join(fields_of(within, (*above, kind.name)))
            if selected:
                yield f"{name}{first} {{ {selected} }}"


ORDER = " ".join(fields_of(schema.core.type_map["Order"]))
WAYS = {
    "order": f"query($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}",
    "node": f"query($id: ID!) {{ node(id: $id) {{ ... on Order {{ {ORDER} }} }} }}",
    "orders": f"query {{ orders(first: 1) {{ nodes {{ {ORDER} }} }} }}",
    "payment": "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename ... on OrderNotPayable { code "
    "message orderStatus } } }",
    "cancellation": f"mutation($id: ID!) {{ cancelOrder(orderId: $id) {{ __typename ... on Order {{ {ORDER} }} "
    "... on UserError { code message } } }",
}


@pytest.fixture
async def order_id(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> UUID:
    """Paid, and half of it given back; whatever the shop may write of its own says the same."""
    made = await shop.order()
    await shop.set_metadata(made, {"remark": SECRET})
    stripe.sandbox.pay((await client.pay(made))["id"])
    inbox = Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)
    for event in list(stripe.sandbox.state.events):
        webhook = stripe.sandbox.webhook(event["id"])
        await inbox.receive(webhook.body, webhook.signature)
    await inbox.finish_all()
    wish = {"orderId": str(made), "idempotencyKey": "k", "reason": SECRET, "note": SECRET, "amount": 1_000}
    answer = await client.data(REFUND, {"input": wish}, **MERCHANT)
    assert answer["refundOrder"]["__typename"] == "Refund"
    return made


@pytest.mark.parametrize("way", WAYS)
async def test_no_answer_to_a_customer_has_what_the_shop_wrote(
    client: Client, order_id: UUID, way: str
) -> None:
    variables = {"id": str(order_id)} if "$id" in WAYS[way] else {}
    answer = await client.ask(WAYS[way], variables)
    assert any((answer["data"] or {}).values()), answer
    assert SECRET not in json.dumps(answer)


async def test_the_shop_reads_what_it_wrote_so_that_the_question_would_find_it(
    client: Client, order_id: UUID
) -> None:
    answer = await client.ask(WAYS["order"], {"id": str(order_id)}, **MERCHANT)
    assert json.dumps(answer).count(SECRET) == 3


async def test_no_customer_reads_events_or_the_mails_of_the_shop(client: Client, order_id: UUID) -> None:
    for text in ("{ events(first: 50) { nodes { order { metadata refunds { note } } } } }",):
        answer = await client.ask(text)
        assert answer["errors"]
        assert SECRET not in json.dumps(answer)


async def test_rest_tells_no_customer(client: Client, order_id: UUID) -> None:
    headers = {"authorization": f"Bearer {client.token('ada')}"}
    answer = await client.http.post(
        "/api/payments/create-intent", json={"orderId": str(order_id)}, headers=headers
    )
    assert answer.status_code == 409
    assert SECRET not in answer.text


async def test_a_gateway_reads_no_more_for_a_customer(settings: Settings, order_id: UUID) -> None:
    text = (
        f"query($these: [_Any!]!) {{ _entities(representations: $these) {{ ... on Order {{ {ORDER} }} }} }}"
    )
    these = [{"__typename": "Order", "id": str(order_id)}]
    async with running(settings.model_copy(update={"federation": True})) as http:
        [found] = (await Client(http, JWT_SECRET).data(text, {"these": these}))["_entities"]
        assert found["refunds"]
        assert SECRET not in json.dumps(found)


async def test_who_follows_an_order_is_told_nothing_more(settings: Settings, order_id: UUID) -> None:
    text = f"subscription($id: ID!) {{ orderUpdated(orderId: $id) {{ {ORDER} }} }}"
    async with served(build_app(settings)) as url:
        address = url.replace("http://", "ws://") + "/graphql"
        for bearer, count in ((token(), 0), (token("shopkeeper", role="merchant"), 3)):
            async with follower(address, bearer) as socket:
                await socket.send(
                    "subscribe", id="1", payload={"query": text, "variables": {"id": str(order_id)}}
                )
                message = await socket.receive()
                assert message["payload"]["data"]["orderUpdated"]["refunds"]
                assert json.dumps(message).count(SECRET) == count
