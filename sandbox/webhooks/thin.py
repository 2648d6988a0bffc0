"""Thin events: what happened and to which object, without the object. https://docs.stripe.com/event-destinations

The sandbox sends a thin event in place of a snapshot event to endpoints that want it so.
"""

from datetime import UTC, datetime

from sandbox.account.ids import new_id
from sandbox.http.answers import Object

PING = "v2.core.event_destination.ping"
_URLS = {
    "payment_intent": "payment_intents",
    "charge": "charges",
    "refund": "refunds",
    "dispute": "disputes",
    "customer": "customers",
    "payment_method": "payment_methods",
    "setup_intent": "setup_intents",
}


def thin_id(event_id: str) -> str:
    """A thin event has an id of its own: it is never listed under /v1/events."""
    return f"evt_test_{event_id.removeprefix('evt_')}"


def snapshot_id(event_id: str) -> str:
    """The other way round."""
    return f"evt_{event_id.removeprefix('evt_test_')}"


def thin_event(event: Object) -> Object:
    """The thin event for a snapshot event."""
    about = event["data"]["object"]
    request = event["request"]
    reason = None if request["id"] is None else {"type": "request", "request": request}
    return _thin(
        thin_id(event["id"]),
        f"v1.{event['type']}",
        event["created"],
        {"id": about["id"], "type": about["object"], "url": _url(about)},
        reason,
    )


def ping(endpoint_id: str, second: int) -> Object:
    """What Stripe sends when a ping is sent from the dashboard."""
    destination = f"ed_test_{endpoint_id.removeprefix('we_')}"
    url = f"/v2/core/event_destinations/{destination}"
    about = {"id": destination, "type": "v2.core.event_destination", "url": url}
    return _thin(f"evt_test_{new_id('')[1:]}", PING, second, about, None)


def _thin(event_id: str, event_type: str, second: int, about: Object, reason: Object | None) -> Object:
    return {
        "id": event_id,
        "object": "v2.core.event",
        "type": event_type,
        "livemode": False,
        "created": iso_time(second),
        "related_object": about,
        "reason": reason,
        "context": None,
    }


def iso_time(second: int) -> str:
    """`2026-09-18T19:56:56.000Z`"""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _url(about: Object) -> str:
    return f"/v1/{_URLS.get(about['object'], about['object'] + 's')}/{about['id']}"
