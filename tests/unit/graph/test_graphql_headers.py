"""What a header costs before anybody is asked who is calling: so much of it is read, and no more."""

import pytest
from starlette.exceptions import HTTPException

from graph.serving.compressed_files import MOST_NAMED, accepted_encodings, tags
from graph.serving.http import (
    LEGACY,
    LONGEST_TYPE,
    MODERN,
    MOST_PARAMETERS,
    MOST_RANGES,
    is_json,
    media_type_for,
)


def after(ranges: int, last: str) -> str:
    return ",".join(["text/html"] * ranges + [last])


def test_so_many_ranges_of_an_accept_header_are_read() -> None:
    assert media_type_for(after(MOST_RANGES - 1, MODERN)) == MODERN
    with pytest.raises(HTTPException) as refused:
        media_type_for(after(MOST_RANGES, MODERN))
    assert refused.value.status_code == 406


def test_so_many_parts_of_a_range_are_read() -> None:
    def weighed_after(parts: int) -> str:
        return media_type_for(f"{MODERN};{'a;' * parts}q=0.1,{LEGACY};q=0.5")

    assert weighed_after(MOST_PARAMETERS - 2) == LEGACY
    assert weighed_after(MOST_PARAMETERS - 1) == MODERN


def test_so_long_a_content_type_is_read() -> None:
    start = f"{LEGACY};charset=utf-8;x="
    assert is_json(start + "x" * (LONGEST_TYPE - len(start)))
    assert not is_json(start + "x" * (LONGEST_TYPE - len(start) + 1))


def test_so_many_encodings_and_tags_are_read() -> None:
    others = [f"x{number}" for number in range(MOST_NAMED)]
    assert accepted_encodings([*others[1:], "br"]) == {"br"}
    assert accepted_encodings([*others, "br"]) == set()
    assert "mine" in tags(",".join([*others[1:], "mine"]))
    assert tags(",".join([*others, "mine"])) == set(others)
