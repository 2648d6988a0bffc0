"""docs/clients.md says what the schema and the code say."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLUnionType, build_schema

from graph.schema import sdl
from graph.serving import bounds, http, spending

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs/clients.md"
SCHEMA = build_schema(sdl())
SPEAKING = (".", "types", "serving")  # folders of graph/ whose files name codes
# Codes in log lines, or of refusals, which the schema documents.
SILENT = ("observing.py", "routes.py", "errors.py", "site.py")


def fields_with(type_name: str) -> list[str]:
    """The mutations that may answer with a type."""
    mutation = SCHEMA.mutation_type
    assert mutation
    unions = {name: field.type for name, field in sorted(mutation.fields.items())}
    return [
        name
        for name, union in unions.items()
        if isinstance(union, GraphQLUnionType) and type_name in {member.name for member in union.types}
    ]


def refusals() -> str:
    """The table of refusals, made from the schema."""
    codes = SCHEMA.type_map["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    lines = ["| `code` | type | meaning | answers |", "|---|---|---|---|"]
    for code, value in sorted(codes.values.items()):
        kind = code.title().replace("_", "")
        assert isinstance(SCHEMA.type_map[kind], GraphQLObjectType)
        fields = ", ".join(f"`{name}`" for name in fields_with(kind))
        lines.append(f"| `{code}` | `{kind}` | {value.description} | {fields} |")
    return "\n".join(lines)


def test_the_table_of_refusals_is_the_schemas() -> None:
    told = re.search(r"<!-- refusals:.*?-->\n(.*?)\n<!-- /refusals -->", DOCUMENT.read_text(), re.DOTALL)

    assert told
    assert told[1] == refusals(), f"put this into docs/clients.md:\n{refusals()}"


def test_every_top_level_code_is_told() -> None:
    files = [file for folder in SPEAKING for file in sorted((ROOT / "graph" / folder).glob("*.py"))]
    sources = "".join(file.read_text() for file in files if file.name not in SILENT)
    codes = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+|UNAUTHENTICATED|FORBIDDEN|TIMEOUT)"', sources))

    assert {"UNAUTHENTICATED", "TIMEOUT", "BAD_USER_INPUT"} <= codes
    assert not [code for code in codes if f"`{code}`" not in DOCUMENT.read_text()]


@pytest.mark.parametrize(
    "words",
    [
        f"{http.LARGEST_OPERATION:,} bytes",
        f"{bounds.LONGEST_TEXT:,} characters",
        f"{bounds.MOST_LINES:,} lines",
        f"{spending.SIGNED_IN.values:,} values",
        f"{spending.SIGNED_IN.tokens:,} tokens",
        f"{bounds.DEEPEST} fields in depth",
        f"{bounds.MOST_ALIASES} aliases",
        f"{bounds.MOST_DIRECTIVES} directives",
        f"{bounds.MOST_FRAGMENTS} fragments",
        f"{bounds.MOST_REPEATED} repeated",
        f"{spending.SIGNED_IN.selected} selected",
        f"{spending.SIGNED_IN.entries} entries",
        f"{spending.SIGNED_IN.work:,} units",
        f"{spending.ANONYMOUS.tokens:,} tokens",
        f"{spending.ANONYMOUS.selected} selected",
        f"{spending.ANONYMOUS.work:,} units",
        f"{http.LONGEST:.0f} seconds",
    ],
)
def test_every_bound_is_told(words: str) -> None:
    assert words in DOCUMENT.read_text()


def test_every_scalar_has_its_type() -> None:
    custom = {"CurrencyCode", "DateTime", "MinorUnits"}
    found = {
        name
        for name, kind in SCHEMA.type_map.items()
        if kind.ast_node and kind.ast_node.kind.startswith("scalar")
    }

    assert found == custom
    assert all(f"| `{name}`" in DOCUMENT.read_text() for name in custom)


def test_the_settings_told_exist() -> None:
    example = (ROOT / ".env.example").read_text()

    assert all(name in example for name in re.findall(r"`(TRUSTED_[A-Z_]+)`", DOCUMENT.read_text()))
