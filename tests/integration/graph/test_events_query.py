"""The query `events`: who may read it, and what it says."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from models import OrderStatus
from models.shop_events.tables import EventType as Type
from services.identity.principal import Principal, Scope
from services.identity.service_keys import ServiceKeys
from services.notifications.event_feed import EventFeed
from services.notifications.webhook_addresses import PUBLIC_ONLY
from services.notifications.webhook_endpoints import WebhookEndpoints
from tests.client import Client
from tests.integration.notifications.test_events import feed as feed
from tests.integration.notifications.test_events import placed
from tests.make import Shop

MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
EVENTS = """
query Events($first: Int! = 100, $after: String, $types: [EventType!]) {
  events(first: $first, after: $after, types: $types) {
    edges { cursor node { id } }
    nodes { id type createdAt orderId subjectId orderStatus orderVersion orderRevision order { id status revision } }
    pageInfo { endCursor hasNextPage hasPreviousPage }
  }
}
"""


async def test_a_merchant_reads_the_events_and_their_orders(
    client: Client, shop: Shop, feed: EventFeed
) -> None:
    order_id = await placed(shop, feed)
    await shop.set_order(order_id, status=OrderStatus.PAID)

    page = (await client.data(EVENTS, **MERCHANT))["events"]

    [event] = page["nodes"]
    assert event == {
        "id": page["edges"][0]["node"]["id"],
        "type": "ORDER_PAID",
        "createdAt": event["createdAt"],
        "orderId": str(order_id),
        "subjectId": None,
        "orderStatus": "PAID",
        "orderVersion": 3,
        "orderRevision": event["order"]["revision"],
        "order": {"id": str(order_id), "status": "PAID", "revision": event["orderRevision"]},
    }
    assert page["pageInfo"] == {
        "endCursor": page["edges"][0]["cursor"],
        "hasNextPage": False,
        "hasPreviousPage": False,
    }
    later = {"after": page["pageInfo"]["endCursor"], "types": ["ORDER_PAID"]}
    assert (await client.data(EVENTS, later, **MERCHANT))["events"]["nodes"] == []


async def test_a_key_for_events_reads_them_and_no_orders(
    client: Client, shop: Shop, feed: EventFeed, http: httpx.AsyncClient
) -> None:
    order_id = await placed(shop, feed)
    await shop.set_order(order_id, status=OrderStatus.PAID)
    scopes = ([Scope.EVENTS_READ], [Scope.EVENTS_READ, Scope.ORDERS_READ], [Scope.ORDERS_READ])
    keys = [(await ServiceKeys(shop.database).create(Principal("operator"), "k", each))[1] for each in scopes]
    asked = [
        (
            await http.post("/graphql", json={"query": EVENTS}, headers={"authorization": f"Bearer {key}"})
        ).json()
        for key in keys
    ]

    [event] = asked[0]["data"]["events"]["nodes"]
    assert (event["orderId"], event["order"]) == (str(order_id), None)
    assert [error["path"][-1] for error in asked[0]["errors"]] == ["order"]
    assert asked[1]["data"]["events"]["nodes"][0]["order"]["status"] == "PAID"
    assert asked[2]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_nobody_else_reads_the_events(client: Client) -> None:
    for user in ("ada", None):
        [error] = (await client.ask("{ events { nodes { id } } }", user=user))["errors"]
        assert error["extensions"]["code"] == ("FORBIDDEN" if user else "UNAUTHENTICATED")


@pytest.mark.parametrize("variables", [{"first": 0}, {"first": 101}, {"after": "nonsense"}])
async def test_a_page_that_can_not_be_is_bad_input(client: Client, variables: dict[str, Any]) -> None:
    [error] = (await client.ask(EVENTS, variables, **MERCHANT))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("order_id", ["", " ", "nonsense", "A-1001"])
async def test_an_id_that_is_none_never_means_the_events_of_all_orders(client: Client, order_id: str) -> None:
    [error] = (await client.ask(OF_ORDER, {"id": order_id}, **MERCHANT))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


OF_ORDER = """
query OfOrder($id: ID!, $first: Int! = 100, $after: String, $types: [EventType!]) {
  events(orderId: $id, first: $first, after: $after, types: $types) {
    nodes { type orderId deliveries { endpointId endpointUrl status attempts event { type deliveries { id } } } }
    pageInfo { endCursor hasNextPage }
  }
}
"""


async def test_an_order_tells_its_events_and_how_each_was_delivered(
    client: Client, shop: Shop, feed: EventFeed
) -> None:
    order_id, other = await placed(shop, feed), await placed(shop, feed)
    address = "https://shop.example/hook"
    view, _ = await WebhookEndpoints(shop.database, PUBLIC_ONLY).create(
        Principal("shopkeeper"), address, [Type.ORDER_PAID]
    )
    for each in (order_id, other):
        await shop.set_order(each, status=OrderStatus.PAID)
        await shop.set_order(each, status=OrderStatus.REFUNDED)
    await feed.newest()  # publishes them

    page = (await client.data(OF_ORDER, {"id": str(order_id), "first": 1}, **MERCHANT))["events"]
    assert page["pageInfo"]["hasNextPage"]
    [paid] = page["nodes"]
    assert (paid["type"], paid["orderId"]) == ("ORDER_PAID", str(order_id))
    [delivery] = paid["deliveries"]
    assert (delivery["endpointId"], delivery["endpointUrl"]) == (str(view.id), address)
    assert (delivery["status"], delivery["event"]["type"]) == ("DUE", "ORDER_PAID")
    assert len(delivery["event"]["deliveries"]) == 1

    later = {"id": str(order_id), "after": page["pageInfo"]["endCursor"]}
    [refunded] = (await client.data(OF_ORDER, later, **MERCHANT))["events"]["nodes"]
    assert (refunded["type"], refunded["deliveries"]) == ("ORDER_REFUNDED", [])
    only = {"id": str(order_id), "types": ["ORDER_REFUNDED"]}
    [event] = (await client.data(OF_ORDER, only, **MERCHANT))["events"]["nodes"]
    assert event["type"] == "ORDER_REFUNDED"
    assert (await client.data(OF_ORDER, {"id": str(uuid4())}, **MERCHANT))["events"]["nodes"] == []
    [error] = (await client.ask(OF_ORDER, {"id": "17"}, **MERCHANT))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_key_for_events_alone_reads_no_deliveries(
    client: Client, shop: Shop, feed: EventFeed
) -> None:
    order_id = await placed(shop, feed)
    await shop.set_order(order_id, status=OrderStatus.PAID)
    _, key = await ServiceKeys(shop.database).create(Principal("operator"), "k", [Scope.EVENTS_READ])
    asked = {"query": OF_ORDER, "variables": {"id": str(order_id)}}
    answer = await client.http.post("/graphql", json=asked, headers={"authorization": f"Bearer {key}"})
    assert answer.json()["data"]["events"]["nodes"] == [
        {"type": "ORDER_PAID", "orderId": str(order_id), "deliveries": None}
    ]
