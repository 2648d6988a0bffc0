"""What calls for a person, as a SELECT tells it."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Select, Text, cast, literal, null, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from models.attention.tables import AttentionKind, AttentionSubject

_nothing, _never = cast(null(), Text), cast(null(), TIMESTAMP(timezone=True))
_no_amount = cast(null(), BigInteger)


class FactRow(NamedTuple):
    """`word` is Stripe's code or status, `sentence` what Stripe said; `amount` is minor units of `currency`, and so is
    `received`, what arrived where `amount` is what is here.
    """

    kind: str
    subject: str
    subject_id: str
    order_id: UUID
    intent_id: str | None
    amount: int | None
    currency: str
    word: str | None
    sentence: str | None
    due_by: datetime | None
    received: int | None


def fact_of(
    kind: AttentionKind,
    subject: AttentionSubject,
    subject_id: Any,
    *,
    order_id: Any,
    intent_id: Any = _nothing,
    amount: Any = _no_amount,
    currency: Any = _nothing,
    word: Any = _nothing,
    sentence: Any = _nothing,
    due_by: Any = _never,
    received: Any = _no_amount,
) -> Select[Any]:
    """The columns of a `FactRow`."""
    return select(
        literal(kind.value, Text).label("kind"),
        literal(subject.value, Text).label("subject"),
        cast(subject_id, Text).label("subject_id"),
        order_id.label("order_id"),
        intent_id.label("intent_id"),
        cast(amount, BigInteger).label("amount"),
        currency.label("currency"),
        word.label("word"),
        sentence.label("sentence"),
        due_by.label("due_by"),
        cast(received, BigInteger).label("received"),
    )
