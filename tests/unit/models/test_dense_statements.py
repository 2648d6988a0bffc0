"""The few dense statements stand beside the SQL that they become, so that it can be read without running anything."""

import inspect
import re
from types import ModuleType

import pytest

from models.payments import statements as payments
from models.reconciliation import statements as sweep
from runtime.database.database import Query
from runtime.database.statements import sql_of


def plain(sql: str) -> str:
    """Without what SQLAlchemy adds for the wire: types of constants, names that are the columns' own, line breaks."""
    sql = re.sub(r"::(TIMESTAMP WITH TIME ZONE|[A-Z]+)", "", sql)
    sql = re.sub(r"\b(\w+)\.(\w+) AS \2\b", r"\1.\2", sql)
    sql = re.sub(r" AS (least|concat|coalesce|anon)_\d+(?=[,\s])(?! [(A-Z])", "", sql)
    return on_one_line(sql)


def on_one_line(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).replace("( ", "(").strip()


def comment_of(name: str, module: ModuleType) -> str:
    """The comment that begins with `NAME in SQL:`, up to the code that follows it."""
    found = re.search(rf"^# {name} in SQL:\n((?:#.*\n)+)", inspect.getsource(module), re.MULTILINE)
    assert found, f"{module.__name__} has no comment `# {name} in SQL:`"
    return on_one_line(re.sub(r"^#", "", found[1], flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("CLAIM", payments),
        ("OPEN_PAYMENT", payments),
        ("TO_BE_CLOSED", sweep),
        ("PAYABLE_TO_BE_LOOKED_AT", sweep),
    ],
)
def test_the_comment_is_the_sql_that_is_sent(name: str, module: ModuleType) -> None:
    query = getattr(module, name)
    assert isinstance(query, Query)
    assert comment_of(name, module) == plain(sql_of(query.statement, ()).text)
