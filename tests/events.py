"""Webhook events made by hand, genuine or not."""

import json
import time
from typing import Any
from uuid import uuid4

import stripe as sdk

WEBHOOK_SECRET = "whsec_tests0000000000000000000000000000"


def signed(
    payload: bytes | str, *, secret: str = WEBHOOK_SECRET, at: float | None = None
) -> tuple[bytes, str]:
    body = payload if isinstance(payload, bytes) else payload.encode()
    header = sdk.WebhookSignature.generate_signature_header(
        body.decode("utf-8", "surrogateescape"), secret, int(at if at is not None else time.time())
    )
    return body, header


def event_body(**changes: Any) -> str:
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "pi_of_nobody", "object": "payment_intent"}},
    }
    return json.dumps({**event, **changes})
