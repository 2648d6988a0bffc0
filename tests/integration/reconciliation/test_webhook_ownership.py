"""What comes through the webhook's door: thin and snapshot events of ours, and nothing of other applications."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Row
from sandbox.objects.strangers import Application
from sandbox.webhooks.thin import ping, thin_event
from tests.client import Client
from tests.conftest import Stripe
from tests.events import event_body, signed
from tests.make import Shop


async def stored(database: Database) -> Sequence[Row]:
    return await database.rows(text("SELECT * FROM stripe_events ORDER BY received_at"))


async def post(http: httpx.AsyncClient, body: str) -> int:
    payload, signature = signed(body)
    answer = await http.post("/webhooks/stripe", content=payload, headers={"stripe-signature": signature})
    return answer.status_code


async def test_events_of_strangers_are_answered_and_cost_neither_a_row_nor_a_call(
    http: httpx.AsyncClient, database: Database, stripe: Stripe
) -> None:
    metadata = {"order_id": "{uuid}", "payment_id": "{uuid}"}
    stripe.sandbox.strangers.move_in(Application(events_a_month=10_000, metadata=metadata))
    stripe.sandbox.strangers.move_in(Application(events_a_month=10_000))
    theirs = newest(stripe, 40)

    for event in theirs:
        assert await post(http, json.dumps(event)) == 200

    assert await stored(database) == []
    assert stripe.sandbox.journal.calls("GET") == []


def newest(stripe: Stripe, count: int) -> list[dict[str, Any]]:
    answer = stripe.sandbox.call("GET", "/v1/events", {"limit": count, "types": ["payment_intent.*"]})
    stripe.sandbox.journal.clear()
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize("whose", ["another installation", "an id that is no UUID", "ours"])
async def test_the_metadata_of_the_payload_tells_whose_it_is(
    http: httpx.AsyncClient, database: Database, shop: Shop, whose: str
) -> None:
    ids = {
        "another installation": str(uuid4()),
        "an id that is no UUID": "shop-1",
        "ours": await shop.installation_id(),
    }
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"installation_id": ids[whose]}}

    assert await post(http, event_body(data={"object": about})) == 200

    assert len(await stored(database)) == (1 if whose == "ours" else 0)


async def test_an_intent_from_before_there_were_ids_is_ours_by_our_tables(
    http: httpx.AsyncClient, client: Client, database: Database, shop: Shop
) -> None:
    intent = await client.pay(await shop.order())
    about = {"id": intent["id"], "object": "payment_intent", "metadata": {}}

    assert await post(http, event_body(data={"object": about})) == 200

    assert [event.object_id for event in await stored(database)] == [intent["id"]]


@pytest.mark.parametrize("kind", ["refund.updated", "charge.refunded", "charge.dispute.created"])
async def test_what_has_no_metadata_is_ours_when_its_intent_is(
    http: httpx.AsyncClient, client: Client, database: Database, shop: Shop, kind: str
) -> None:
    intent = await client.pay(await shop.order())
    for payment_intent in ("pi_9", None, intent["id"]):
        about = {"id": "re_1", "object": "refund", "payment_intent": payment_intent}
        assert await post(http, event_body(type=kind, data={"object": about})) == 200

    assert [event.object_id for event in await stored(database)] == [intent["id"]]


async def test_thin_events_make_an_order_paid_and_refunded(
    http: httpx.AsyncClient, client: Client, database: Database, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    stripe.sandbox.pay(intent["id"])
    await deliver_thin(http, stripe, "payment_intent.succeeded")
    await shop.until(order_id, OrderStatus.PAID)

    stripe.sandbox.refund(intent["id"])
    await deliver_thin(http, stripe, "refund.created")

    await shop.until(order_id, OrderStatus.REFUNDED)
    assert {event.object_id[:3] for event in await stored(database)} == {"pi_", "re_"}


async def test_a_thin_event_about_a_strangers_refund_is_finished_and_applied_to_nothing(
    http: httpx.AsyncClient, database: Database, stripe: Stripe
) -> None:
    made = stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}).json()
    stripe.sandbox.pay(made["id"])
    stripe.sandbox.refund(made["id"])
    stripe.sandbox.journal.clear()
    await deliver_thin(http, stripe, "payment_intent.succeeded")
    assert await stored(database) == []

    await deliver_thin(http, stripe, "refund.created")

    async with asyncio.timeout(5):
        while not all(event.finished_at for event in await stored(database)):  # noqa: ASYNC110  a row gives no sign
            await asyncio.sleep(0.01)
    assert [entry["path"][:12] for entry in stripe.sandbox.journal.calls()] == ["/v1/refunds/"]


async def deliver_thin(http: httpx.AsyncClient, stripe: Stripe, kind: str) -> None:
    for event in list(stripe.sandbox.state.events):
        if event["type"] == kind:
            assert await post(http, json.dumps(thin_event(event))) == 200


async def test_the_ping_of_an_event_destination_and_unknown_types_are_answered(
    http: httpx.AsyncClient, database: Database
) -> None:
    assert await post(http, json.dumps(ping("we_1", 1_700_000_000))) == 200
    assert await post(http, event_body(type="v1.something.new", object="v2.core.event")) == 200
    assert await post(http, event_body(type="something.new", data=None)) == 200
    assert await stored(database) == []


MALFORMED: list[dict[str, Any]] = [
    {"data": {"object": {"id": "pi_1/../../balance"}}},
    {"data": {"object": {"id": "pi_1_secret_2"}}},
    {"data": {"object": {"id": ["pi_1"]}}},
    {"type": "refund.created", "data": {"object": {"id": "re_1", "payment_intent": "pi_1?x=1"}}},
    {"id": "evt_1/../x"},
    {"livemode": None},
    {"object": "v2.core.event", "type": "v1.payment_intent.succeeded"},
    {"object": "v2.core.event", "type": "v1.refund.created", "related_object": {"id": "re_1/.."}},
    {"object": "v2.core.event", "type": "v1.refund.created", "related_object": {"id": "acct_1"}},
]


@pytest.mark.parametrize("changes", MALFORMED)
async def test_a_signed_event_with_what_is_no_id_is_refused(
    http: httpx.AsyncClient, database: Database, changes: dict[str, Any]
) -> None:
    assert await post(http, event_body(**changes)) == 400
    assert await stored(database) == []
