"""SQLAlchemy's statements as psycopg sends them: turned into SQL once, and never again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg.sql import Literal
from sqlalchemy import ClauseElement, Column, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler

Parameters = Mapping[str, Any]
R = TypeVar("R", bound=NamedTuple)

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_PLACE = re.compile(r"%\((.+?)\)s|%%")
MOST_REMEMBERED = 1_000  # statements; ours are a few dozen


@dataclass(frozen=True, slots=True, eq=False)
class Query(Generic[R]):
    """A statement and the named tuple that each of its rows becomes: its fields are the statement's columns."""

    row: type[R]
    statement: Executable


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """`text` is for people, `numbered` for the wire: `$1` is the first of `names`."""

    text: str
    numbered: bytes
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    defaults: tuple[tuple[str, Any], ...]

    def values(self, parameters: Parameters) -> list[Any]:
        """What goes into `$1`, `$2`, …; a KeyError names a parameter that is missing."""
        if self.defaults:
            parameters = self.filled(parameters)
        constants = self.constants
        return [constants[name] if name in constants else parameters[name] for name in self.names]

    def filled(self, parameters: Parameters) -> dict[str, Any]:
        """The parameters with the statement's own constants and the tables' defaults."""
        made = {name: default() for name, default in self.defaults if name not in parameters}
        return {**self.constants, **made, **parameters}


@lru_cache(MOST_REMEMBERED)
def sql_of(statement: Executable, columns: tuple[str, ...]) -> Sql:
    """`columns` are the parameters' names: an INSERT without VALUES fills the columns that are called so."""
    assert isinstance(statement, ClauseElement)  # nosec B101  # noqa: S101  every executable of SQLAlchemy's Core is
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)  # nosec B101  # noqa: S101
    defaults = tuple((column.key, _default_of(column)) for column in compiled.insert_prefetch)
    made = {name for name, _ in defaults}
    fixed = {
        name: value
        for name, value in compiled.params.items()
        if name not in made and not compiled.binds[name].required
    }
    numbers: dict[str, int] = {}

    def numbered(place: re.Match[str]) -> str:
        name = place[1]
        if name is None:
            return "%"
        written = _written(fixed[name]) if name in fixed else None
        return written or f"${numbers.setdefault(name, len(numbers) + 1)}"

    text = _PLACE.sub(numbered, str(compiled))
    return Sql(text, text.encode(), tuple(numbers), fixed, defaults)


def _written(value: object) -> str | None:
    """A plain constant of a statement as SQL: as a parameter it would hide from PostgreSQL which partial index fits."""
    plain = isinstance(value, int) or (isinstance(value, str) and value.isprintable())
    return Literal(value).as_string() if plain else None


def _default_of(column: Column[Any]) -> Any:
    """A function that makes what the table's model puts into a column that was not named."""
    default = column.default
    if default is None:
        raise TypeError(f"{column} has a default that only SQLAlchemy's own engine can make")
    argument: Any = default.arg  # type: ignore[attr-defined]
    return (lambda: argument(None)) if callable(argument) else (lambda: argument)
