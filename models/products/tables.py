"""The catalogue: what is sold and for how much. Prices come from here, never from a client."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Uuid,
    any_,
    bindparam,
    text,
)
from sqlmodel import Field, SQLModel, col, select, tuple_

from models.base import LARGEST_AMOUNT, database_time, minor_units
from runtime.database.statements import Query


class Product(SQLModel, table=True):
    """A thing with one price: `unit_amount` in minor units of `currency`, as Stripe charges them.

    `reference` is the shop's own id of it, such as a SKU; null for one that was never saved by `saveProducts`.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("name <> ''", name="products_name_not_empty"),
        CheckConstraint(f"unit_amount BETWEEN 0 AND {LARGEST_AMOUNT}", name="products_unit_amount_in_range"),
        ForeignKeyConstraint(["currency"], ["charge_limits.currency"], name="products_currency_supported"),
        CheckConstraint("reference <> ''", name="products_reference_not_empty"),
        Index("products_reference", "reference", unique=True),
        Index("products_listing", "created_at", "id", postgresql_where=text("active")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    reference: str | None = None
    name: str
    description: str = Field(default="", sa_column_kwargs={"server_default": ""})
    image: str | None = None
    unit_amount: int = minor_units()
    currency: str
    active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    created_at: datetime = database_time()


class ProductRow(NamedTuple):
    """`unit_amount` is minor units."""

    id: UUID
    reference: str | None
    name: str
    description: str
    image: str | None
    unit_amount: int
    currency: str
    created_at: datetime


READ = tuple(col(getattr(Product, name)) for name in ProductRow._fields)
_products = (
    select(*READ)
    .where(col(Product.active))
    .order_by(col(Product.created_at), col(Product.id))
    .limit(bindparam("limit"))
)
_later = tuple_(col(Product.created_at), col(Product.id)) > tuple_(
    bindparam("after", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid)
)
_with_ids = _products.where(col(Product.id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
PRODUCTS, PRODUCTS_AFTER = Query(ProductRow, _products), Query(ProductRow, _products.where(_later))
PRODUCTS_WITH_IDS = Query(ProductRow, _with_ids)
PRODUCTS_WITH_IDS_AFTER = Query(ProductRow, _with_ids.where(_later))
