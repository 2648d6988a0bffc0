"""Changes of an order that wait for Stripe: recorded before its intent is repriced, gone when the order has them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, SQLModel, col

from models.base import LARGEST_AMOUNT, among, database_time, minor_units
from models.currencies.charge_limits import ChargeLimit
from models.orders.tables import Order
from models.payments.tables import LIVE, Payment
from runtime.database.statements import Query


class OrderChange(SQLModel, table=True):
    """The lines that an order gets once Stripe has its intent's new amount; at most one for each order.

    `id` is part of the idempotency key at Stripe. `total` is minor units of the order's currency. `from_version` is
    the version of the order that the change was made for.
    """

    __tablename__ = "order_changes"
    __table_args__ = (
        CheckConstraint(f"total BETWEEN 1 AND {LARGEST_AMOUNT}", name="order_changes_total_in_range"),
        ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="order_changes_of_an_order", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["payment_id"], ["payments.id"], name="order_changes_of_a_payment"),
        Index("order_changes_by_age", "created_at"),
    )

    order_id: UUID = Field(primary_key=True)
    id: UUID
    payment_id: UUID
    from_version: int
    lines: list[dict[str, Any]] = Field(sa_type=JSONB)
    total: int = minor_units()
    sets_expiry: bool
    expires_at: datetime | None = None
    created_at: datetime = database_time()


_order_id = bindparam("order_id", type_=Uuid)
_this_order = col(Order.id) == _order_id
_this_change = col(OrderChange.order_id) == _order_id


class OrderToChange(NamedTuple):
    status: str
    currency: str
    version: int


LOCK_ORDER_TO_CHANGE = Query(
    OrderToChange,
    select(col(Order.status), col(Order.currency), col(Order.version)).where(_this_order).with_for_update(),
)


class ChargeLimitRow(NamedTuple):
    """Minor units."""

    minimum: int
    maximum: int
    step: int


CHARGE_LIMIT = Query(
    ChargeLimitRow,
    select(col(ChargeLimit.minimum), col(ChargeLimit.maximum), col(ChargeLimit.step)).where(
        col(ChargeLimit.currency) == bindparam("currency", type_=Text)
    ),
)

STAGE_CHANGE = insert(OrderChange).values(
    order_id=_order_id,
    id=bindparam("id", type_=Uuid),
    payment_id=bindparam("payment_id", type_=Uuid),
    from_version=bindparam("from_version"),
    lines=cast(bindparam("lines", type_=Text), JSONB),
    total=bindparam("total", type_=BigInteger),
    sets_expiry=bindparam("sets_expiry", type_=Boolean),
    expires_at=bindparam("expires_at", type_=DateTime(timezone=True)),
)


class StagedChange(NamedTuple):
    """`lines` is their JSON; `total` is minor units.

    `is_outdated`: the order has other items by now, or another currency than its intent, so it never gets the lines.
    """

    id: UUID
    payment_id: UUID
    intent_id: str
    from_version: int
    lines: str
    total: int
    sets_expiry: bool
    expires_at: datetime | None
    is_outdated: bool


STAGED_CHANGE = Query(
    StagedChange,
    select(
        col(OrderChange.id),
        col(OrderChange.payment_id),
        col(Payment.intent_id),
        col(OrderChange.from_version),
        cast(col(OrderChange.lines), Text).label("lines"),
        col(OrderChange.total),
        col(OrderChange.sets_expiry),
        col(OrderChange.expires_at),
        or_(
            col(Order.version) != col(OrderChange.from_version), col(Order.currency) != col(Payment.currency)
        ).label("is_outdated"),
    )
    .join(Payment, col(Payment.id) == col(OrderChange.payment_id))
    .join(Order, col(Order.id) == col(OrderChange.order_id))
    .where(_this_change),
)
RENEW_CHANGE = (
    update(OrderChange)
    .where(
        col(OrderChange.order_id) == bindparam("changed_order", type_=Uuid),
        col(OrderChange.id) == bindparam("tried", type_=Uuid),
    )
    .values(id=bindparam("new_id", type_=Uuid))
)
DROP_CHANGE = (
    delete(OrderChange).where(_this_change, col(OrderChange.id) == bindparam("id", type_=Uuid))
).returning(col(OrderChange.id))
# Its payment is given up, and nobody can be asked to reprice it any more.
DROP_CHANGE_OF_PAYMENT = delete(OrderChange).where(
    col(OrderChange.payment_id) == bindparam("payment_id", type_=Uuid)
)


class OldChange(NamedTuple):
    order_id: UUID


# Left behind by who carried them out and died, or could not hear from Stripe.
OLD_CHANGES = Query(
    OldChange,
    select(col(OrderChange.order_id))
    .where(col(OrderChange.created_at) < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 30))
    .order_by(col(OrderChange.created_at))
    .limit(bindparam("limit")),
)


class OrderVersion(NamedTuple):
    version: int


SET_EXPIRY = Query(
    OrderVersion,
    update(Order)
    .where(_this_order)
    .values(
        expires_at=case(
            (
                bindparam("sets_expiry", type_=Boolean),
                cast(bindparam("expires_at", type_=DateTime(timezone=True)), DateTime(timezone=True)),
            ),
            else_=col(Order.expires_at),
        ),
        updated_at=func.now(),
    )
    .returning(col(Order.version)),
)


class PaymentToReprice(NamedTuple):
    """`leased` is None for a payment without a lease."""

    id: UUID
    state: str
    intent_id: str | None
    amount: int
    currency: str
    order_version: int
    leased: bool | None


LOCK_PAYMENT_TO_REPRICE = Query(
    PaymentToReprice,
    select(
        col(Payment.id),
        col(Payment.state),
        col(Payment.intent_id),
        col(Payment.amount),
        col(Payment.currency),
        col(Payment.order_version),
        (col(Payment.lease_until) > func.now()).label("leased"),
    )
    .where(
        col(Payment.order_id) == _order_id,
        among(col(Payment.state), LIVE),
    )
    .with_for_update(),
)
