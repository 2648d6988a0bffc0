"""The shop's webhook endpoints, and what was or is to be delivered to each."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.base import database_time, one_of
from models.shop_events.tables import EventType

LONGEST_URL = 2_000
LONGEST_ERROR = 300
SECRET_BYTES = 32
_known = ", ".join(f"'{word}'" for word in EventType)


class DeliveryStatus(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class WebhookEndpoint(SQLModel, table=True):
    """An address that is sent events of `types`; of all types when that is null.

    `signing_key` signs what is sent, so it is kept as it is; `old_key` signs beside it until `old_key_until`.
    `failing_since` is when the first delivery failed behind the last one that was taken; null while it is well.
    `disabled_because` says why it gets nothing any more. Events from `replay_after` to `replay_until`, places of the
    feed, are still to be sent again.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint(f"length(url) BETWEEN 1 AND {LONGEST_URL}", name="webhook_endpoints_url_in_range"),
        CheckConstraint(f"types <@ ARRAY[{_known}]::varchar[]", name="webhook_endpoints_types_known"),
        CheckConstraint("cardinality(types) > 0", name="webhook_endpoints_types_not_empty"),
        CheckConstraint(
            f"octet_length(signing_key) = {SECRET_BYTES} AND octet_length(old_key) = {SECRET_BYTES}",
            name="webhook_endpoints_keys_in_full",
        ),
        CheckConstraint(
            "(disabled_at IS NULL) = (disabled_because IS NULL)",
            name="webhook_endpoints_reason_when_disabled",
        ),
        Index("webhook_endpoints_url", "url", unique=True),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    url: str
    types: list[str] | None = Field(default=None, sa_type=ARRAY(String))
    signing_key: bytes = Field(sa_type=LargeBinary)
    old_key: bytes | None = Field(default=None, sa_type=LargeBinary)
    old_key_until: datetime | None = None
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: str | None = None
    replay_after: int | None = Field(default=None, sa_type=BigInteger)
    replay_until: int | None = Field(default=None, sa_type=BigInteger)
    created_by: str
    created_at: datetime = database_time()


class WebhookDelivery(SQLModel, table=True):
    """One event to one endpoint. While it is `due`, `due_at` is when it is tried, or tried again if whoever is at it
    dies. `attempts` counts tries that were begun. `began_at` is when it was first due: it is given up days after.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        one_of("status", DeliveryStatus, "webhook_deliveries_status_known"),
        CheckConstraint("attempts >= 0", name="webhook_deliveries_attempts_not_negative"),
        CheckConstraint(
            "(delivered_at IS NOT NULL) = (status = 'delivered')",
            name="webhook_deliveries_time_when_delivered",
        ),
        ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="webhook_deliveries_to_an_endpoint",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["event_id"], ["shop_events.id"], name="webhook_deliveries_of_an_event", ondelete="CASCADE"
        ),
        Index("webhook_deliveries_once", "event_id", "endpoint_id", unique=True),
        Index("webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=text("status = 'due'")),
        Index("webhook_deliveries_newest", "endpoint_id", "began_at", "id"),
        Index("webhook_deliveries_by_status", "endpoint_id", "status", "began_at", "id"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    endpoint_id: UUID
    event_id: UUID
    status: str = Field(default=DeliveryStatus.DUE, sa_column_kwargs={"server_default": DeliveryStatus.DUE})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime = database_time()
    last_http_status: int | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None
    began_at: datetime = database_time()
