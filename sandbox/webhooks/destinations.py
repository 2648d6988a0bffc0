"""Event destinations and thin events of API v2: https://docs.stripe.com/api/v2/core/event-destinations."""

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, error_body
from sandbox.webhooks.endpoints import WebhookEndpoint
from sandbox.webhooks.thin import iso_time, snapshot_id, thin_event


def destination_id(endpoint: WebhookEndpoint) -> str:
    return f"ed_test_{endpoint.id.removeprefix('we_')}"


def destination(endpoint: WebhookEndpoint) -> Object:
    """Every webhook endpoint as v2 shows it, without the secret and the address that v2 shows when asked to."""
    made = iso_time(endpoint.created)
    return {
        "id": destination_id(endpoint),
        "object": "v2.core.event_destination",
        "created": made,
        "description": endpoint.description or "",
        "enabled_events": endpoint.enabled_events,
        "event_payload": endpoint.style,
        "events_from": ["self"],
        "livemode": False,
        "metadata": endpoint.metadata,
        "name": endpoint.url,
        "snapshot_api_version": None,
        "status": "enabled" if endpoint.enabled else "disabled",
        "status_details": None,
        "type": "webhook_endpoint",
        "updated": made,
        "webhook_endpoint": {"signing_secret": None, "url": None},
    }


def list_destinations(account: Account, _: Call) -> Object:
    found = [destination(endpoint) for endpoint in reversed(account.endpoints)]
    return {"data": found, "next_page_url": None, "previous_page_url": None}


def retrieve_destination(account: Account, call: Call) -> Object:
    for endpoint in account.endpoints:
        if destination_id(endpoint) == call.id:
            return destination(endpoint)
    raise _not_found("event destination", call.id)


def retrieve_event(account: Account, call: Call) -> Object:
    """What was sent, once more; pings are not kept."""
    event = account.events.get(snapshot_id(call.id)) if call.id.startswith("evt_test_") else None
    if event is None:
        raise _not_found("event", call.id)
    return thin_event(event) | {"data": {}}


def _not_found(noun: str, object_id: str) -> StripeError:
    message = f"Requested {noun} not found: {object_id}"
    return StripeError(404, error_body("invalid_request_error", message, code="not_found"))
