"""Webhook endpoints over GraphQL: who may have them, what is refused, and what is told of their secrets."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.identity.principal import Principal, Scope
from services.identity.service_keys import ServiceKeys
from services.notifications.webhook_endpoints import MOST_ENABLED
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running
from tests.lines import written_as
from tests.make import Shop
from tests.webhook_receiver import Receiver, receiving

SHOWN = "endpoint { id url types enabled disabledBecause createdAt }"
CREATE = f"""
mutation Create($input: CreateWebhookEndpointInput!) {{
  createWebhookEndpoint(input: $input) {{
    __typename ... on NewWebhookEndpoint {{ secret {SHOWN} }} ... on UserError {{ code message retryable }}
  }}
}}
"""
ROTATE = f"""
mutation Rotate($id: ID!) {{
  rotateWebhookSecret(endpointId: $id) {{
    __typename ... on NewWebhookEndpoint {{ secret {SHOWN} }} ... on UserError {{ code message }}
  }}
}}
"""
SWITCH = """
mutation Switch($id: ID!, $enabled: Boolean!) {
  setWebhookEndpointEnabled(endpointId: $id, enabled: $enabled) {
    __typename ... on WebhookEndpoint { enabled disabledBecause } ... on UserError { code message }
  }
}
"""
REPLAY = """
mutation Replay($id: ID!, $since: DateTime!) {
  replayEvents(endpointId: $id, since: $since) {
    __typename ... on WebhookEndpoint { id } ... on UserError { code message }
  }
}
"""
ENDPOINTS = """
query Endpoints($first: Int! = 20, $after: String, $status: DeliveryStatus) {
  webhookEndpoints {
    id url types enabled
    deliveries(first: $first, after: $after, status: $status) {
      nodes {
        id status attempts lastHttpStatus lastError dueAt deliveredAt event { type orderId order { status } }
      }
      pageInfo { endCursor hasNextPage }
    }
  }
}
"""
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
URL = "https://shop.example/paygraph"


async def create(client: Client, url: str = URL, **others: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await client.data(CREATE, {"input": {"url": url, **others}}, **MERCHANT))[
        "createWebhookEndpoint"
    ]
    return made


async def test_an_endpoint_tells_its_secret_once(client: Client, database: Database) -> None:
    made = await create(client, types=["ORDER_PAID", "ORDER_CANCELED"])
    assert made["secret"].startswith("whsec_")
    assert made["endpoint"] == {
        "id": made["endpoint"]["id"],
        "url": URL,
        "types": ["ORDER_PAID", "ORDER_CANCELED"],
        "enabled": True,
        "disabledBecause": None,
        "createdAt": made["endpoint"]["createdAt"],
    }
    again = (await client.data(ROTATE, {"id": made["endpoint"]["id"]}, **MERCHANT))["rotateWebhookSecret"]
    assert again["endpoint"] == made["endpoint"]
    assert again["secret"] not in ("", made["secret"])
    listed = await client.data(ENDPOINTS, **MERCHANT)
    rows = await database.rows(text("SELECT webhook_endpoints::text AS shown FROM webhook_endpoints"))
    for secret in (made["secret"], again["secret"]):
        assert secret not in json.dumps(listed)
        assert secret not in rows[0].shown


async def test_the_log_tells_who_changed_an_endpoint(client: Client) -> None:
    endpoint = (await create(client))["endpoint"]["id"]
    changes = (
        (ROTATE, {"id": endpoint}, "webhook secret rotated"),
        (SWITCH, {"id": endpoint, "enabled": False}, "webhook endpoint disabled"),
        (SWITCH, {"id": endpoint, "enabled": True}, "webhook endpoint enabled"),
        (REPLAY, {"id": endpoint, "since": "2026-01-01T00:00:00Z"}, "webhook events replayed"),
    )
    for change, variables, told in changes:
        with written_as("json", "INFO") as lines:
            await client.data(change, variables, **MERCHANT)
        [line] = [json.loads(line) for line in lines.getvalue().splitlines() if told in line]
        assert (line["by"], line["endpoint"]) == ("shopkeeper", endpoint)


async def test_all_types_are_meant_when_none_is_named(client: Client) -> None:
    assert len((await create(client))["endpoint"]["types"]) == 9


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"url": "http://shop.example/"}, "An address begins with https://."),
        ({"url": "https://169.254.169.254/latest"}, "169.254.169.254 is a link-local or metadata address"),
        ({"url": "https://localhost/"}, "Localhost is this machine"),
        ({"url": "nonsense"}, "It is no address such as"),
        ({"url": URL, "types": []}, "It asks for no type of event"),
    ],
)
async def test_what_makes_no_endpoint_is_refused(client: Client, wish: dict[str, Any], words: str) -> None:
    answer = await create(client, **wish)
    assert (answer["__typename"], answer["code"]) == ("InvalidWebhookEndpoint", "INVALID_WEBHOOK_ENDPOINT")
    assert answer["message"].startswith(words)


async def test_an_address_has_one_endpoint_and_there_are_so_many(client: Client) -> None:
    first = await create(client)
    assert "already" in (await create(client))["message"]
    for number in range(1, MOST_ENABLED):
        assert (await create(client, f"{URL}/{number}"))["__typename"] == "NewWebhookEndpoint"
    assert "disable some" in (await create(client, f"{URL}/more"))["message"]

    off = {"id": first["endpoint"]["id"], "enabled": False}
    switched = (await client.data(SWITCH, off, **MERCHANT))["setWebhookEndpointEnabled"]
    assert switched["enabled"] is False
    assert switched["disabledBecause"]
    assert (await create(client, f"{URL}/more"))["__typename"] == "NewWebhookEndpoint"
    on = {**off, "enabled": True}
    refused = (await client.data(SWITCH, on, **MERCHANT))["setWebhookEndpointEnabled"]
    assert refused["code"] == "INVALID_WEBHOOK_ENDPOINT"


async def test_the_last_place_is_given_once(client: Client) -> None:
    for number in range(MOST_ENABLED - 1):
        await create(client, f"{URL}/{number}")
    made = await asyncio.gather(*(create(client, f"{URL}/last/{number}") for number in range(4)))
    assert sorted(answer["__typename"] for answer in made) == [
        "InvalidWebhookEndpoint", "InvalidWebhookEndpoint", "InvalidWebhookEndpoint", "NewWebhookEndpoint",
    ]  # fmt: skip


async def test_enabled_endpoints_are_listed_however_many_are_switched_off(
    client: Client, database: Database
) -> None:
    enabled = (await create(client))["endpoint"]["id"]
    await database.rows(
        text(
            "INSERT INTO webhook_endpoints (id, url, signing_key, created_by, disabled_at, disabled_because)"
            " SELECT gen_random_uuid(), 'https://shop.test/' || n, decode(repeat('ab', 32), 'hex'), 'x', now(), 'off'"
            " FROM generate_series(1, 60) n"
        )
    )
    listed = (await client.data("{ webhookEndpoints { id } }", **MERCHANT))["webhookEndpoints"]
    assert listed[0]["id"] == enabled


async def test_one_endpoint_is_found_by_its_id_with_since_when_it_fails(
    client: Client, database: Database
) -> None:
    made = (await create(client))["endpoint"]
    await create(client, f"{URL}/another")
    query = "query One($id: ID!) { webhookEndpoint(id: $id) { id url failingSince } }"
    assert (await client.data(query, {"id": made["id"]}, **MERCHANT))["webhookEndpoint"] == {
        "id": made["id"], "url": URL, "failingSince": None,
    }  # fmt: skip
    await database.rows(
        text("UPDATE webhook_endpoints SET failing_since = '2026-11-26T10:00Z' WHERE url = :url"),
        {"url": URL},
    )
    failing = (await client.data(query, {"id": made["id"]}, **MERCHANT))["webhookEndpoint"]
    assert failing["failingSince"] == "2026-11-26T10:00:00+00:00"
    for missing in ("nonsense", "00000000-0000-0000-0000-000000000001"):
        assert (await client.data(query, {"id": missing}, **MERCHANT))["webhookEndpoint"] is None


@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-0000-0000-000000000001"])
async def test_an_endpoint_that_is_not_there_is_refused_everywhere(client: Client, wrong: str) -> None:
    asked = (
        (ROTATE, {"id": wrong}),
        (SWITCH, {"id": wrong, "enabled": True}),
        (SWITCH, {"id": wrong, "enabled": False}),
        (REPLAY, {"id": wrong, "since": "2026-01-01T00:00:00Z"}),
    )
    for query, variables in asked:
        [answer] = (await client.data(query, variables, **MERCHANT)).values()
        assert (answer["code"], answer["message"]) == (
            "INVALID_WEBHOOK_ENDPOINT",
            "There is no such endpoint.",
        )


async def test_a_disabled_endpoint_is_sent_nothing_again(client: Client) -> None:
    wanted = {"id": (await create(client))["endpoint"]["id"]}
    await client.data(SWITCH, {**wanted, "enabled": False}, **MERCHANT)
    answer = await client.data(REPLAY, {**wanted, "since": "2026-01-01T00:00:00Z"}, **MERCHANT)
    assert answer["replayEvents"]["message"] == "It is disabled: enable it first."


async def test_only_merchants_and_keys_for_webhooks_may(
    client: Client, http: httpx.AsyncClient, database: Database
) -> None:
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        (CREATE, {"input": {"url": URL}}),
        (ROTATE, {"id": "x"}),
        (SWITCH, {"id": "x", "enabled": True}),
        (REPLAY, {"id": "x", "since": "2026-01-01T00:00:00Z"}),
        (ENDPOINTS, {}),
        ("query One($id: ID!) { webhookEndpoint(id: $id) { id } }", {"id": "x"}),
    )
    every_other = [scope for scope in Scope if scope is not Scope.WEBHOOKS_WRITE]
    keys = ServiceKeys(database)
    _, wrong = await keys.create(Principal("operator"), "other", every_other)
    _, right = await keys.create(Principal("operator"), "webhooks", [Scope.WEBHOOKS_WRITE])
    for query, variables in calls:
        for user in ("ada", None):
            [error] = (await client.ask(query, variables, user=user))["errors"]
            assert error["extensions"]["code"] == ("FORBIDDEN" if user else "UNAUTHENTICATED")
        body = {"query": query, "variables": variables}
        refused = await http.post("/graphql", json=body, headers={"authorization": f"Bearer {wrong}"})
        assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        taken = await http.post("/graphql", json=body, headers={"authorization": f"Bearer {right}"})
        assert "errors" not in taken.json()


async def test_the_server_delivers_what_happens_and_lists_it(settings: Settings, shop: Shop) -> None:
    """The whole way: an endpoint is created, an order is paid, the event arrives, its delivery is listed."""
    allowing = settings.model_copy(update={"webhooks_to_private_networks": True})
    async with receiving() as receiver, running(allowing) as http:
        client = Client(http, JWT_SECRET)
        await create(client, receiver.url, types=["ORDER_PAID"])
        order_id = await shop.order()
        await shop.set_order(order_id, status=OrderStatus.PAID)
        await receiver.until(lambda: receiver.received)
        delivery = await delivered(client, receiver)

        assert delivery["event"] == {
            "type": "ORDER_PAID",
            "orderId": str(order_id),
            "order": {"status": "PAID"},
        }
        assert (delivery["attempts"], delivery["lastHttpStatus"], delivery["lastError"]) == (1, 204, None)
        assert delivery["dueAt"] is None
        assert (await listed(client, status="GIVEN_UP"))["nodes"] == []

        await shop.set_order(order_id, status=OrderStatus.REVIEW)
        await shop.set_order(order_id, status=OrderStatus.PAID)
        await receiver.until(lambda: len(receiver.received) == 2)
        first = await listed(client, first=1)
        second = await listed(client, first=1, after=first["pageInfo"]["endCursor"])
        assert first["pageInfo"]["hasNextPage"] is True
        assert second["pageInfo"]["hasNextPage"] is False
        assert second["nodes"][0]["id"] == delivery["id"]

        [endpoint] = (await client.data(ENDPOINTS, **MERCHANT))["webhookEndpoints"]
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        await client.data(REPLAY, {"id": endpoint["id"], "since": since}, **MERCHANT)
        await receiver.until(lambda: len(receiver.received) == 4)
        assert len({message.event_id for message in receiver.received}) == 2


async def listed(client: Client, **variables: Any) -> dict[str, Any]:
    [endpoint] = (await client.data(ENDPOINTS, variables, **MERCHANT))["webhookEndpoints"]
    page: dict[str, Any] = endpoint["deliveries"]
    return page


async def delivered(client: Client, receiver: Receiver) -> dict[str, Any]:
    """The one delivery, once its answer is written down."""
    while not (nodes := (await listed(client, status="DELIVERED"))["nodes"]):
        assert receiver.received
    [delivery] = nodes
    found: dict[str, Any] = delivery
    return found
