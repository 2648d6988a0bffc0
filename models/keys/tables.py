"""Service keys of the shop's own systems, and checkout tokens for one order. Of either only the SHA-256 is kept."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.base import database_time

SCOPES = (
    "orders_read",
    "orders_write",
    "refunds_write",
    "products_write",
    "events_read",
    "webhooks_write",
    "keys_write",
)
LONGEST_NAME = 100
_known = ", ".join(f"'{scope}'" for scope in SCOPES)


class ServiceKey(SQLModel, table=True):
    """A key of one of the shop's own systems; `last_used_at` is exact to ten minutes."""

    __tablename__ = "service_keys"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="service_keys_name_in_range"),
        CheckConstraint("octet_length(key_hash) = 32", name="service_keys_hash_is_sha256"),
        CheckConstraint(f"scopes <@ ARRAY[{_known}]::varchar[]", name="service_keys_scopes_known"),
        CheckConstraint("cardinality(scopes) > 0", name="service_keys_scopes_not_empty"),
        Index("service_keys_hash", "key_hash", unique=True),
        Index("service_keys_live", "id", postgresql_where=text("revoked_at IS NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str
    scopes: list[str] = Field(sa_type=ARRAY(String))
    key_hash: bytes = Field(sa_type=LargeBinary)
    created_by: str
    created_at: datetime = database_time()
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class CheckoutToken(SQLModel, table=True):
    """Opens one order to its bearer, until `expires_at`; a while after that it is deleted."""

    __tablename__ = "checkout_tokens"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="checkout_tokens_hash_is_sha256"),
        ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="checkout_tokens_of_an_order", ondelete="CASCADE"
        ),
        Index("checkout_tokens_by_order", "order_id"),
        Index("checkout_tokens_by_expiry", "expires_at"),
    )

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    order_id: UUID
    created_by: str
    created_at: datetime = database_time()
    expires_at: datetime
