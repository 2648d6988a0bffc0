"""What is sent to a webhook endpoint: a thin body of ids, and the headers of Standard Webhooks that sign it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC

import orjson

from models.shop_events.tables import EventType
from models.webhooks.deliveries import DueDelivery
from models.webhooks.tables import SECRET_BYTES

PREFIX = "whsec_"  # nosec B105
SUBJECTS = {
    EventType.REFUND_FAILED: "refundId",
    EventType.DISPUTE_OPENED: "disputeId",
    EventType.DISPUTE_CLOSED: "disputeId",
    EventType.ATTENTION_NEEDED: "attentionId",
}


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def secret_as_told(secret: bytes) -> str:
    return PREFIX + base64.b64encode(secret).decode()


def word_of(event_type: EventType) -> str:
    """`order.paid` for ORDER_PAID."""
    return event_type.value.replace("_", ".", 1)


def body_of(event: DueDelivery) -> bytes:
    """What happened, however often it is sent; only the reference is the order's of now."""
    event_type = EventType(event.type)
    data: dict[str, str | int | None] = {
        "orderId": str(event.order_id) if event.order_id else None,
        "reference": event.reference,
        "status": event.order_status.upper() if event.order_status else None,
        "version": event.order_version,
        "revision": event.order_revision,
    }
    if event_type in SUBJECTS:
        data[SUBJECTS[event_type]] = event.subject_id
    moment = event.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": word_of(event_type), "timestamp": moment, "data": data})


def signed_headers(
    event_id: str, body: bytes, signing: Sequence[bytes], *, seconds: int
) -> Mapping[str, str]:
    """Headers for a try at `seconds` since 1970, with one signature for each secret: two while one is rotated."""
    text = f"{event_id}.{seconds}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode() for secret in signing
    ]
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }
