"""Whatever bytes come, reading them gives an object or says that they are malformed."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.serving.bodies import DEEPEST_BODY, MalformedJson, read_json

NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES))
def test_an_object_is_read_as_it_was_written(value: dict[str, object]) -> None:
    assert read_json(json.dumps(value)) == read_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_an_object_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        assert isinstance(read_json(data), dict)


def nested(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def test_an_object_is_as_deep_as_is_allowed() -> None:
    assert read_json(nested(DEEPEST_BODY))
    with pytest.raises(MalformedJson, match=str(DEEPEST_BODY)):
        read_json(nested(DEEPEST_BODY + 1))


def test_a_flat_object_may_hold_many_others() -> None:
    assert len(read_json(json.dumps({"items": [{"n": n} for n in range(500)]}))["items"]) == 500


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 100_000, '{"a":[' * 50_000, "9" * 5_000, '{"a":1e9999999']
)
def test_what_would_exhaust_a_reader_is_malformed(text: str) -> None:
    with pytest.raises(MalformedJson):
        read_json(text)
