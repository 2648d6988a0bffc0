"""What is kept of one of Stripe's events: its id, its type, and the object it is about. What it says is asked anew.

Snapshot events carry the object, thin events only its id: https://docs.stripe.com/event-destinations
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.payments.intents import IntentMarks, storable
from services.payments.stripe_ids import CHARGE, DISPUTE, EVENT, INTENT, REFUND, is_id, kind_of_id

INTENT_EVENTS = "payment_intent."
REFUND_EVENTS = ("refund.", "charge.refund")
DISPUTE_EVENTS = "charge.dispute."
THIN, THIN_VERSION = "v2.core.event", "v1."

# The events that Stripe's list is asked for: of the others none brings or takes money, or makes an intent payable.
LISTED_TYPES = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)

# OSError: a time too far away, such as one in nanoseconds.
NOT_AN_EVENT = (ValueError, LookupError, TypeError, AttributeError, OverflowError, OSError)

Object = Mapping[str, Any]


class UnverifiedEvent(Exception):
    """Not signed by Stripe with one of our secrets, or not an event; nothing of it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is kept of an event. `object_id` is an intent's, or, of a thin event, a refund's, dispute's or charge's;

    None when the event is of no interest. `marks` are the intent's metadata; None where the event doesn't tell it.
    """

    id: str
    type: str
    object_id: str | None
    created_at: datetime
    livemode: bool
    marks: IntentMarks | None = None


def event_from(payload: bytes) -> Event:
    """Read a verified event: https://docs.stripe.com/api/events/object"""
    try:
        return _event_in(json.loads(payload))
    except (*NOT_AN_EVENT, RecursionError) as error:
        raise UnverifiedEvent("not an event") from error


def _event_in(data: Object) -> Event:
    event_id, livemode = data["id"], data["livemode"]
    if not is_id(EVENT, event_id) or not isinstance(livemode, bool):
        raise ValueError("not an event of Stripe's")
    kind, thin = _type_of(data)
    object_id: str | None = None
    marks: IntentMarks | None = None
    if is_taken(kind):
        if thin:
            object_id = _related_to(data["related_object"])
        else:
            object_id, found = intent_and_marks(kind, data["data"]["object"].get)
            marks = found if kind.startswith(INTENT_EVENTS) else None
    return Event(
        id=event_id,
        type=kind,
        object_id=object_id,
        created_at=_moment(data["created"]),
        livemode=livemode,
        marks=marks,
    )


def _type_of(data: Object) -> tuple[str, bool]:
    """The type without a thin event's version, and whether the event is thin."""
    kind, thin = data["type"], data.get("object") == THIN
    if not (isinstance(kind, str) and 0 < len(kind) <= 255 and kind.isascii() and kind.isprintable()):
        raise ValueError("a type is a word")
    return (kind.removeprefix(THIN_VERSION) if thin else kind), thin


def _moment(value: object) -> datetime:
    """Seconds since 1970, or, in a thin event, `2026-09-18T19:56:56.947Z`."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a time is seconds or a date")
    return datetime.fromtimestamp(value, UTC)


def _related_to(related: Object) -> str:
    object_id = related["id"]
    if kind_of_id(object_id) not in (INTENT, REFUND, DISPUTE, CHARGE):
        raise ValueError("a thin event is about an object of Stripe's")
    return str(object_id)


def is_taken(event_type: str) -> bool:
    """Whether an event of this type is about an intent, its refunds or its disputes."""
    return event_type.startswith((INTENT_EVENTS, *REFUND_EVENTS, DISPUTE_EVENTS))


def kind_of(event_type: str) -> str:
    """What has to be asked of Stripe after an event of this type."""
    if event_type.startswith(INTENT_EVENTS):
        return INTENT_EVENTS
    return DISPUTE_EVENTS if event_type.startswith(DISPUTE_EVENTS) else REFUND_EVENTS[0]


def prefixes_of(kind: str) -> list[str]:
    """The types of a kind, as patterns of SQL."""
    prefixes = REFUND_EVENTS if kind == REFUND_EVENTS[0] else (kind,)
    return [prefix.replace("_", r"\_") + "%" for prefix in prefixes]


def intent_and_marks(event_type: str, field: Callable[[str], object]) -> tuple[str | None, IntentMarks]:
    """The intent that a snapshot event is about, None for none, and what the intent's metadata says.

    Raises ValueError for an id that is none of Stripe's.
    """
    of_intent = event_type.startswith(INTENT_EVENTS)
    intent_id = field("id") if of_intent else field("payment_intent")
    if intent_id is None and not of_intent:
        return None, IntentMarks()
    if not is_id(INTENT, intent_id):
        raise ValueError("not the id of an intent")
    metadata = field("metadata") if of_intent else None
    return str(intent_id), marks_from(metadata if isinstance(metadata, dict) else {})


def marks_from(metadata: Mapping[str, object]) -> IntentMarks:
    installation = metadata.get("installation_id")
    return IntentMarks(
        installation_id=storable(str(installation)) if installation not in (None, "") else None,
        payment_id=_uuid(metadata.get("payment_id")),
        order_id=_uuid(metadata.get("order_id")),
    )


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
