"""An order as one statement reads it: its columns, and the JSON of what belongs to it. Amounts are minor units."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID


class LineJson(TypedDict):
    kind: str
    product_id: str | None
    reference: str | None
    name: str
    unit_amount: int
    quantity: int


class RefundJson(TypedDict):
    id: str
    state: str
    cause: str
    amount: int
    reason: str | None
    created_at: str
    failure_code: str | None
    note: str | None
    customer_message: str | None
    requested_by: str | None


class DisputeJson(TypedDict):
    id: str
    status: str
    reason: str
    amount: int
    created_at: str
    due_by: str | None


class TransitionJson(TypedDict):
    from_state: str | None
    to_state: str
    cause: str
    at: str


class PaymentJson(TypedDict):
    """`unwatched`: Stripe was not asked about it in the last few seconds. `is_ours`: recorded here, and not in the
    database that this one is a copy of. `given_up` is what went back in another way, by a person's word.
    """

    id: str
    state: str
    disposition: str | None
    amount: int
    amount_received: int
    currency: str
    intent_id: str | None
    created_at: str
    unwatched: bool
    is_ours: bool
    given_up: int
    refunds: list[RefundJson]
    disputes: list[DisputeJson]
    history: list[TransitionJson]


class ReviewJson(TypedDict):
    id: str
    decision: str
    note: str
    decided_by: str
    decided_at: str


class OrderRow(NamedTuple):
    id: UUID
    status: str
    currency: str
    created_at: datetime
    updated_at: datetime
    total: int
    version: int
    user_id: str | None
    reference: str | None
    expires_at: datetime | None
    cancel_reason: str | None
    canceled_by: str | None
    canceled_at: datetime | None
    shop_metadata: Mapping[str, str]
    receipt_email: str | None
    refunded_by_hand: bool
    lines: list[LineJson]
    payments: list[PaymentJson]
    reviews: list[ReviewJson]
    revision: int
