"""The statements that place orders, ours and the shop's, and find the one that the same call placed before."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Interval, Text, Uuid, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col

from models.orders.tables import Order
from models.payments.installation import Installation
from runtime.database.statements import Query


class AddedOrder(NamedTuple):
    id: UUID
    created_at: datetime
    updated_at: datetime
    version: int
    revision: int
    expires_at: datetime | None


# Orders expire by the database's clock, so their lifetime counts from what it shows.
_expires = func.now() + bindparam("lifetime", type_=Interval)
ADD_ORDER = Query(
    AddedOrder,
    insert(Order)
    .values(
        id=bindparam("id", type_=Uuid),
        user_id=bindparam("user_id", type_=Text),
        currency=bindparam("currency", type_=Text),
        idempotency_key=bindparam("idempotency_key", type_=Text),
        import_digest=bindparam("asked", type_=Text),
        expires_at=_expires,
    )
    .on_conflict_do_nothing()  # of its user's key, or of its own id, when the transaction is tried again
    .returning(
        col(Order.id),
        col(Order.created_at),
        col(Order.updated_at),
        col(Order.version),
        col(Order.revision),
        col(Order.expires_at),
    ),
)


class PlacedAs(NamedTuple):
    import_digest: str | None


# What was asked when it was placed here; null for an order of a server that did not write it.
PLACED_AS = Query(
    PlacedAs, select(col(Order.import_digest)).where(col(Order.id) == bindparam("order_id", type_=Uuid))
)


class ImportedOrder(NamedTuple):
    id: UUID


# An order of the shop's own system; no row when its reference or its id is taken.
IMPORT_ORDER = Query(
    ImportedOrder,
    insert(Order)
    .values(
        id=bindparam("id", type_=Uuid),
        user_id=bindparam("user_id", type_=Text),
        currency=bindparam("currency", type_=Text),
        reference=bindparam("reference", type_=Text),
        receipt_email=bindparam("receipt_email", type_=Text),
        expires_at=func.coalesce(bindparam("expires_at", type_=DateTime(timezone=True)), _expires),
        shop_metadata=cast(bindparam("shop_metadata", type_=Text), JSONB),
        import_digest=bindparam("import_digest", type_=Text),
    )
    .on_conflict_do_nothing()
    .returning(col(Order.id)),
)


class EarlierImport(NamedTuple):
    """`id` is None for a reference that is new."""

    installation_id: UUID
    id: UUID | None
    import_digest: str | None


IMPORTED_ORDER = Query(
    EarlierImport,
    select(col(Installation.id).label("installation_id"), col(Order.id), col(Order.import_digest))
    .select_from(Installation)
    .outerjoin(Order, col(Order.reference) == bindparam("reference", type_=Text)),
)
