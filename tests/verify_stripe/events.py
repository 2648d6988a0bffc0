"""Each kind of event: made by a small story, read from the list, signed and read as a webhook."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import stripe

from services.reconciliation.stripe_events import event_from
from services.stripe_api.signatures import StripeSignatureCheck
from tests.verify_stripe.api import Api
from tests.verify_stripe.normal import plain
from tests.verify_stripe.probes import Probe, Seen, open_intent, paid

_SECRET = "whsec_verify"
_PATIENCE, _PAUSE = 30.0, 1.0
Story = Callable[[Api], Awaitable[str]]


async def _paid(api: Api) -> str:
    return str((await paid(api))["id"])


async def _declined(api: Api) -> str:
    intent = await open_intent(api)
    await api.pay(intent, "pm_card_visa_chargeDeclined")
    return intent


async def _asked(api: Api) -> str:
    intent = await open_intent(api)
    await api.pay(intent, "pm_card_authenticationRequired")
    return intent


async def _canceled(api: Api) -> str:
    intent = await open_intent(api)
    await api.post(f"payment_intents/{intent}/cancel")
    return intent


async def _captured(api: Api) -> str:
    intent = str((await paid(api, capture_method="manual"))["id"])
    await api.post(f"payment_intents/{intent}/capture", amount_to_capture=1500)
    return intent


async def _let_go(api: Api) -> str:
    intent = str((await paid(api, capture_method="manual"))["id"])
    await api.post(f"payment_intents/{intent}/cancel")
    return intent


async def _refunded(api: Api) -> str:
    intent = await _paid(api)
    await api.post("refunds", payment_intent=intent, amount=500)
    return intent


async def _disputed(api: Api) -> str:
    return str((await paid(api, "pm_card_createDispute"))["id"])


STORIES: dict[str, tuple[Story, str]] = {
    "paid": (_paid, "payment_intent.succeeded"),
    "declined": (_declined, "payment_intent.payment_failed"),
    "asked for 3-D Secure": (_asked, "payment_intent.requires_action"),
    "canceled": (_canceled, "payment_intent.canceled"),
    "captured": (_captured, "payment_intent.succeeded"),
    "let go": (_let_go, "payment_intent.canceled"),
    "refunded": (_refunded, "refund.created"),
    "disputed": (_disputed, "charge.dispute.created"),
}


def story(tell: Story, last: str) -> Probe:
    """Tell it, wait for its last event, and see all of them: as listed, and as our webhook would read them."""

    async def probe(api: Api) -> Seen:
        since = int(time.time()) - 60
        intent = await tell(api)
        events = await _events_about(api, intent, since, last)
        return {
            "types": sorted({event["type"] for event in events}),
            "events": {event["type"]: plain(event) for event in events},
            "read by us": {event["type"]: _as_webhook(event) for event in events},
        }

    return probe


async def _events_about(api: Api, intent: str, since: int, last: str) -> list[dict[str, Any]]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + _PATIENCE
    while True:
        page = (await api.get("events", limit=100, created={"gte": since})).body.get("data", [])
        found = [event for event in page if intent in _ids(event["data"]["object"])]
        if any(event["type"] == last for event in found) or loop.time() >= ends:
            return found
        await asyncio.sleep(_PAUSE)


def _ids(value: dict[str, Any]) -> tuple[Any, Any]:
    return value.get("id"), value.get("payment_intent")


def _as_webhook(event: dict[str, Any]) -> Seen:
    payload = json.dumps(event)
    header = stripe.WebhookSignature.generate_signature_header(payload, _SECRET)
    StripeSignatureCheck((_SECRET,))(payload.encode(), header)
    read = event_from(payload.encode())
    return {"type": read.type, "about an object": read.object_id is not None}


EVENTS: dict[str, Probe] = {f"events of {name}": story(*told) for name, told in STORIES.items()}
