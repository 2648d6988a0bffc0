"""What mypy believes of a statement's rows is what PostgreSQL answers: names, types, and what may be null."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import BindParameter, ClauseElement, Column, Executable, Interval
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

import models
from models.attention.fact import FactRow
from models.attention.facts import FACTS_WITHOUT_CASE
from models.operations.metric_statements import Figure
from models.orders.placing import EarlierImport
from models.orders.searches import orders_search
from models.orders.statements import EVERY_PART, orders_reading
from models.payments.installation import KnownPaymentRow
from models.payments.statements import ClaimRow
from runtime.database.database import Query
from runtime.database.statements import sql_of

# By the oid that PostgreSQL has for a type.
TYPES: Mapping[int, type] = {
    16: bool, 17: bytes, 20: int, 21: int, 23: int, 25: str, 19: str, 1043: str, 1184: datetime, 1186: timedelta,
    2950: UUID,
}  # fmt: skip
JSON_TYPES = (114, 3802)  # read as objects and lists, whose members no statement declares
INTERVAL = 1186
TEXTS = (1009, 1015)  # arrays of text
# Rows with columns that an outer join leaves empty, or that only some parts of a union have.
SHARED = (ClaimRow, KnownPaymentRow, FactRow, Figure, EarlierImport)


def queries() -> Iterator[tuple[str, Query[Any]]]:
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if "migrations" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Query):
                    yield f"{module.name.removeprefix('models.')}.{name}", value
    yield from ((f"untold {number}", query) for number, query in enumerate(FACTS_WITHOUT_CASE))
    yield "orders", orders_reading(EVERY_PART, with_status=True, after=True)
    yield "search", orders_search(EVERY_PART, frozenset(), statuses=2, after=True)


QUERIES = dict(queries())


def columns_of(statement: object) -> Sequence[Any]:
    """As SQLAlchemy knows them; none for SQL that was written as text."""
    if isinstance(statement, SelectBase):
        return list(statement.selected_columns)
    return list(statement.exported_columns) if isinstance(statement, UpdateBase) else []


@pytest.mark.parametrize("name", QUERIES)
async def test_rows_are_typed_as_postgresql_answers_them(name: str, postgres_url: str) -> None:
    query = QUERIES[name]
    hints = get_type_hints(query.row)
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        described = await described_columns(connection, query.statement)

    assert sorted(described) == sorted(query.row._fields)
    for column, oid in described.items():
        assert believed(hints[column]) == answered(oid), column


@pytest.mark.parametrize("name", QUERIES)
def test_what_may_be_null_may_be_none(name: str) -> None:
    query = QUERIES[name]
    hints = get_type_hints(query.row)
    for column in columns_of(query.statement):
        if isinstance(column, Column) and not column.nullable and NoneType in get_args(hints[column.key]):
            assert query.row in SHARED, f"{column} is never null"


async def described_columns(connection: psycopg.AsyncConnection, statement: Executable) -> dict[str, int]:
    """Column names with their types' oids, from a statement that is prepared and not run."""
    wire, sql = connection.pgconn, sql_of(statement, ())
    intervals = [name for name, bind in binds_of(statement).items() if isinstance(bind.type, Interval)]
    types = [INTERVAL if name in intervals else 0 for name in sql.names]  # 0: PostgreSQL finds it
    assert not wire.prepare(b"asked", sql.numbered, types).error_message
    result = wire.describe_prepared(b"asked")
    names = [result.fname(number) or b"" for number in range(result.nfields)]
    return {each.decode(): result.ftype(number) for number, each in enumerate(names)}


def binds_of(statement: Executable) -> Mapping[str, BindParameter[Any]]:
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    assert isinstance(compiled, SQLCompiler)
    return compiled.binds


def believed(hint: Any) -> Any:
    """The type of a field, without None."""
    kinds = [each for each in get_args(hint) if each is not NoneType]
    if NoneType in get_args(hint):
        hint = kinds[0]
    return JSON_TYPES if get_origin(hint) in (list, dict, Mapping) or is_typeddict(hint) else hint


def answered(oid: int) -> Any:
    if oid in (*JSON_TYPES, *TEXTS):
        return JSON_TYPES
    return TYPES.get(oid, f"an oid of {oid}")
