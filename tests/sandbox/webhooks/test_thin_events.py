"""Endpoints choose what they are sent: events with their object, or only what an event is about."""

import json
from typing import Any

import pytest
import stripe

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig(webhook_url="http://shop.test/hook", webhook_style="thin"))


def first_event(sandbox: Sandbox) -> Any:
    sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}, idempotency_key="k")
    return next(iter(sandbox.state.events))


def test_a_thin_event_says_what_it_is_about_and_not_how_it_is(sandbox: Sandbox) -> None:
    event = first_event(sandbox)
    thin = json.loads(sandbox.webhook(event["id"]).body)
    intent = event["data"]["object"]["id"]
    about = {"id": intent, "type": "payment_intent", "url": f"/v1/payment_intents/{intent}"}
    assert (thin["object"], thin["type"]) == ("v2.core.event", "v1.payment_intent.created")
    assert thin["related_object"] == about
    assert thin["created"].endswith("Z")
    assert thin["reason"]["request"]["idempotency_key"] == "k"
    assert "data" not in thin
    assert thin["id"] != event["id"]


def test_the_sdk_takes_it_as_a_notification(sandbox: Sandbox) -> None:
    signed = sandbox.webhook(first_event(sandbox)["id"])
    client = stripe.StripeClient("sk_test_1")
    secret = sandbox.config.webhook_secret
    notification = client.parse_event_notification(signed.body, signed.signature, secret)
    assert notification.type == "v1.payment_intent.created"


def test_two_endpoints_are_each_sent_their_style_and_types(sandbox: Sandbox) -> None:
    second = sandbox.webhooks.add("http://other.test/hook", secret="whsec_other", types=["charge.*"])
    intent = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()["id"]
    sandbox.pay(intent)
    sent = [(each.endpoint.url, each.event_id) for each in sandbox.webhooks.outbox]
    assert [url for url, _ in sent].count("http://other.test/hook") == 1
    charge = next(event for event in sandbox.state.events if event["type"] == "charge.succeeded")
    assert charge["pending_webhooks"] == 2
    theirs = next(each for each in sandbox.webhooks.outbox if each.endpoint is second)
    assert json.loads(sandbox.webhooks.prepared(theirs).body)["object"] == "event"
    sandbox.webhooks.note(theirs, 1, 200, None)
    sandbox.webhooks.note(theirs, 2, 200, None)
    assert sandbox.state.events.require(charge["id"])["pending_webhooks"] == 1


def test_an_endpoint_can_be_pinged(sandbox: Sandbox) -> None:
    ping = sandbox.webhooks.ping()
    (dispatch,) = sandbox.webhooks.outbox
    body = json.loads(sandbox.webhooks.prepared(dispatch).body)
    assert body == ping
    assert body["type"] == "v2.core.event_destination.ping"
    assert body["related_object"]["type"] == "v2.core.event_destination"
    sandbox.webhooks.note(dispatch, 1, 200, None)
    assert sandbox.journal.deliveries(ping["id"])[0]["status"] == 200


def test_endpoints_are_made_listed_changed_and_deleted_by_the_api(sandbox: Sandbox) -> None:
    made = sandbox.call(
        "POST", "/v1/webhook_endpoints", {"url": "https://b.test/", "enabled_events": ["refund.*"]}
    ).json()
    assert made["secret"].startswith("whsec_")
    listed = sandbox.call("GET", "/v1/webhook_endpoints").json()["data"]
    assert [each["url"] for each in listed] == ["https://b.test/"]  # v1 knows no thin ones
    assert "secret" not in listed[0]
    path = f"/v1/webhook_endpoints/{made['id']}"
    assert sandbox.call("POST", path, {"disabled": True}).json()["status"] == "disabled"
    assert sandbox.call("GET", path).json()["enabled_events"] == ["refund.*"]
    assert sandbox.call("DELETE", path).json()["deleted"] is True
    assert sandbox.call("GET", path).status == 404


def test_api_v2_lists_every_destination_and_gives_a_thin_event_again(sandbox: Sandbox) -> None:
    sandbox.webhooks.add("http://other.test/hook", secret="whsec_other", types=["charge.*"])
    listed = sandbox.call("GET", "/v2/core/event_destinations").json()["data"]
    assert [(each["event_payload"], each["status"]) for each in listed] == [
        ("snapshot", "enabled"),
        ("thin", "enabled"),
    ]
    path = f"/v2/core/event_destinations/{listed[1]['id']}"
    assert sandbox.call("GET", path).json() == listed[1]
    event = first_event(sandbox)
    sent = json.loads(sandbox.webhook(event["id"]).body)
    assert sandbox.call("GET", f"/v2/core/events/{sent['id']}").json() == sent | {"data": {}}
    for missing in ("events/evt_test_none", f"events/{event['id']}", "event_destinations/ed_test_none"):
        assert sandbox.call("GET", f"/v2/core/{missing}").status == 404
    assert "Sandbox:" in sandbox.call("GET", "/v2/core/accounts").json()["error"]["message"]
