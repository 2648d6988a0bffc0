"""The id of this installation: it stands in each intent's metadata and keeps two shops on one account apart."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    or_,
    outerjoin,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel, col

from models.base import database_time
from models.payments.tables import GIVEN_UP, Payment, PaymentState
from runtime.database.statements import Query


class Installation(SQLModel, table=True):
    """One row. A restored backup brings it along. A copy of the database gets another id (`new-installation-id`).

    `payments_since` is when this became a copy, None if it is none: servers from before migration 0032 go by it.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("only_one", name="installation_is_one"),)

    only_one: bool = Field(
        default=True, primary_key=True, sa_type=Boolean, sa_column_kwargs={"server_default": text("true")}
    )
    id: UUID = Field(sa_column_kwargs={"server_default": func.gen_random_uuid()})
    payments_since: datetime | None = None
    made_at: datetime = database_time()


class FormerInstallation(SQLModel, table=True):
    """An id that this database had until `left_at`.

    Without `belongs_to` it is that of the installation which the database was copied from. With it, the database had
    this id by mistake, and what was recorded and asked of Stripe under it is that installation's.
    """

    __tablename__ = "former_installations"

    id: UUID = Field(primary_key=True)
    left_at: datetime = database_time()
    belongs_to: UUID | None = None


class InstallationRow(NamedTuple):
    id: UUID
    made_at: datetime


INSTALLATION = Query(InstallationRow, select(col(Installation.id), col(Installation.made_at)))
this_installation = select(col(Installation.id)).scalar_subquery()
own_ids = func.array(
    select(col(Installation.id))
    .union_all(
        select(col(FormerInstallation.id)).where(col(FormerInstallation.belongs_to) == this_installation)
    )
    .scalar_subquery(),
    type_=ARRAY(Uuid),
)
own_ids_as_text = cast(own_ids, ARRAY(Text))  # as an intent's metadata has them


def recorded_here(payment: Any) -> ColumnElement[bool]:
    """A payment that this installation recorded, and not the one whose database this is a copy of."""
    return col(payment.installation_id) == any_(own_ids)


is_recorded_here = recorded_here(Payment)

UNKNOWN_INTENT = (PaymentState.CREATING, *GIVEN_UP)  # Stripe may have made an intent that we don't know


class KnownPaymentRow(NamedTuple):
    """The ids of this installation, and a payment of it that an intent may belong to."""

    own_ids: list[str]
    payment_id: UUID | None
    order_id: UUID | None
    intent_id: str | None
    state: str | None


# The payments that these intents may belong to, and this installation's ids in each row: one row at least.
KNOWN_PAYMENTS = Query(
    KnownPaymentRow,
    select(
        own_ids_as_text.label("own_ids"),
        col(Payment.id).label("payment_id"),
        col(Payment.order_id),
        col(Payment.intent_id),
        col(Payment.state),
    ).select_from(
        outerjoin(
            Installation,
            Payment,
            and_(
                or_(
                    col(Payment.intent_id) == any_(bindparam("intent_ids", type_=ARRAY(Text))),
                    col(Payment.id) == any_(bindparam("payment_ids", type_=ARRAY(Uuid))),
                ),
                is_recorded_here,
            ),
        )
    ),
)
