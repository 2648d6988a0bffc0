"""Stripe's objects, read into our words. Whatever a field holds, the object is read or is an `UnreadableAnswer`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from models.refunds.tables import RefundState
from services.payments.intents import (
    Intent,
    IntentSeen,
    IntentStatus,
    StripeDispute,
    StripeEventSeen,
    StripePage,
    StripeRefund,
    UnreadableAnswer,
)
from services.payments.stripe_ids import CHARGE, DISPUTE, EVENT, INTENT, REFUND, is_id
from services.reconciliation.stripe_events import intent_and_marks, is_taken, marks_from
from services.stripe_api.fields import Fields, uuid_in

REFUND_STATES = frozenset(RefundState) - {RefundState.CREATING}
# Where an object of this kind is read from.
COLLECTIONS = {
    INTENT: "/v1/payment_intents",
    REFUND: "/v1/refunds",
    DISPUTE: "/v1/disputes",
    CHARGE: "/v1/charges",
    EVENT: "/v1/events",
}

T = TypeVar("T")


def intent_from(data: object) -> Intent:
    """https://docs.stripe.com/api/payment_intents/object"""
    fields = Fields(data, "payment intent")
    status = intent_status(fields.word("status"))
    received = fields.has("amount_received") or status is IntentStatus.SUCCEEDED
    marks = marks_from(fields.metadata())
    return Intent(
        id=fields.id(INTENT),
        status=status,
        amount=fields.amount("amount"),
        amount_received=fields.amount("amount_received") if received else 0,
        currency=fields.word("currency").upper(),
        payment_id=marks.payment_id,
        order_id=marks.order_id,
        installation_id=marks.installation_id,
        client_secret=fields.text("client_secret") or "",
    )


def intent_status(word: str) -> IntentStatus:
    try:
        return IntentStatus(word)
    except ValueError as error:
        raise UnreadableAnswer(f"payment intent: the status {word!r} is not known here") from error


def intent_seen(data: object) -> IntentSeen | None:
    """An intent of a list; None for what has no id of an intent's."""
    if not isinstance(data, Mapping) or not is_id(INTENT, data.get("id")):
        return None
    fields = Fields(data, "payment intent of a list")
    intent_id, marks = fields.id(INTENT), marks_from(fields.metadata())
    try:
        return IntentSeen(id=intent_id, marks=marks, intent=intent_from(data))
    except UnreadableAnswer as error:
        return IntentSeen(id=intent_id, marks=marks, intent=None, unreadable=str(error))


def refund_from(data: object) -> StripeRefund:
    """https://docs.stripe.com/api/refunds/object"""
    fields = Fields(data, "refund")
    status = fields.word("status") if fields.has("status") else RefundState.PENDING  # not decided yet
    if status not in REFUND_STATES:
        raise UnreadableAnswer(f"refund: the status {status!r} is not known here")
    return StripeRefund(
        id=fields.id(REFUND),
        status=status,
        amount=fields.amount("amount", least=1),
        reason=fields.text("reason"),
        refund_id=uuid_in(fields.metadata(), "refund_id"),
        failure_code=fields.text("failure_reason"),
        is_booked=fields.has("balance_transaction"),
    )


def dispute_from(data: object) -> StripeDispute:
    """https://docs.stripe.com/api/disputes/object"""
    fields = Fields(data, "dispute")
    details = fields.inside("evidence_details")
    evidence = Fields(details if isinstance(details, dict) else {}, "dispute's evidence_details")
    return StripeDispute(
        id=fields.id(DISPUTE),
        status=fields.word("status"),
        amount=fields.amount("amount"),
        reason=fields.text("reason") or "unknown",
        created_at=fields.moment("created"),
        due_by=evidence.moment_or_none("due_by"),
        currency=(fields.text("currency") or "").upper() or None,
    )


def event_seen(data: object) -> StripeEventSeen | None:
    """An event of a list; None for one that is about no intent, or that can't be read."""
    try:
        fields = Fields(data, "event")
        kind = fields.word("type")
        if not is_taken(kind):
            return None
        about = Fields(Fields(fields.inside("data"), "event's data").inside("object"), "event's object")
        intent_id, marks = intent_and_marks(kind, about.inside)
        if intent_id is None:
            return None
        return StripeEventSeen(
            id=fields.id(EVENT),
            type=kind,
            intent_id=intent_id,
            created_at=fields.moment("created"),
            marks=marks,
        )
    except (UnreadableAnswer, ValueError):
        return None


def intent_id_in(data: object) -> str | None:
    """The intent of a refund, a dispute or a charge."""
    found = Fields(data, "object").inside("payment_intent")
    return str(found) if is_id(INTENT, found) else None


def belonging_to(intent_id: str, read: Callable[[object], T]) -> Callable[[object], T]:
    """`read`, which refuses a refund or a dispute of another intent."""

    def read_its_own(data: object) -> T:
        if (found := intent_id_in(data)) not in (None, intent_id):
            raise UnreadableAnswer(f"{intent_id} was asked about, and {found} was answered")
        return read(data)

    return read_its_own


def page_from(
    data: object,
    read: Callable[[Any], T | None],
    *,
    after: str | None = None,
    answered_at: datetime | None = None,
) -> StripePage[T]:
    """A page of a list. One that is empty and says that there is more can't be continued, so it is unreadable."""
    fields = Fields(data, "list")
    found, more = fields.inside("data"), fields.inside("has_more") is True
    if not isinstance(found, list):
        raise UnreadableAnswer("list: `data` is missing, or no list")
    following = next_of(found) if more else None
    if more and following in (None, after):
        raise UnreadableAnswer("list: it says that there is more, and not where")
    items = tuple(item for item in map(read, found) if item is not None)
    return StripePage(items, following, answered_at)


def next_of(found: list[Any]) -> str | None:
    last = found[-1] if found else None
    cursor = last.get("id") if isinstance(last, Mapping) else None
    return cursor if isinstance(cursor, str) and cursor.isascii() and cursor.isprintable() else None
