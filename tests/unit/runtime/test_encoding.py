"""JSON by orjson says what the standard library's says, and gives up on the same texts."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.encoding import from_json, to_json

texts = st.text(st.characters())  # halves of characters too
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_what_is_written_is_read_by_others_as_it_was(value: object) -> None:
    assert json.loads(to_json(value)) == value


@given(values)
def test_what_others_write_is_read(value: object) -> None:
    assert json.dumps(from_json(json.dumps(value).encode())) == json.dumps(json.loads(json.dumps(value)))


def test_a_number_of_more_than_64_bits_is_written_whole() -> None:
    assert to_json({"amount": 2**70}) == b'{"amount": 1180591620717411303424}'


def test_an_id_is_its_text() -> None:
    order = uuid.uuid4()
    assert to_json({"order": order}) == b'{"order":"%s"}' % str(order).encode()


def test_what_json_has_no_word_for_is_refused_or_made_plain() -> None:
    with pytest.raises(TypeError):
        to_json({"error": ValueError("no")})
    assert to_json({"error": ValueError("no")}, str) == b'{"error":"no"}'


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 5_000, b'{"id": "pi_1"}}', b"<html>"])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
