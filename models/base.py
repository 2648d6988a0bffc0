"""What all tables share: how constraints are named, and the words for common columns."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    MetaData,
    func,
    literal_column,
)
from sqlmodel import Field, SQLModel

# The one catalogue of tables; migrations are compared with it. Every constraint has a name, so that an
# error tells the rule it broke and a migration can find it; CHECKs and foreign keys are named where they stand.
metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "%(table_name)s_%(column_0_name)s_idx",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ck": "%(constraint_name)s",
    "pk": "%(table_name)s_pkey",
}

LARGEST_AMOUNT = 999_999_999_999  # Stripe's largest charge has twelve digits


def minor_units(**options: Any) -> Any:
    """An amount in the minor units that Stripe charges in: a 64-bit integer, never a float."""
    return Field(sa_type=BigInteger, **options)


def counted_minor_units() -> int:
    """An amount that triggers of the database count from zero; nothing else writes it."""
    amount: int = minor_units(default=None, sa_column_kwargs={"server_default": "0"})
    return amount


def database_time() -> datetime:
    """A column that the database fills when the row is made."""
    made: datetime = Field(default=None, sa_column_kwargs={"server_default": func.now()})
    return made


def one_of(column: str, values: type[StrEnum], name: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=name)


def among(column: Any, values: Iterable[StrEnum]) -> ColumnElement[bool]:
    """`column IN ('a', 'b')`, written out: PostgreSQL finds a partial index by it, and nothing is bound each time."""
    return cast(ColumnElement[bool], column.in_([literal_column(f"'{value}'") for value in values]))
