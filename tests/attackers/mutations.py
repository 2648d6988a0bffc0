"""Bytes, JSON and headers as an attacker makes them: at random, and from good ones with something changed."""

import json
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Json = Any

# The same attacks each time; FUZZ_EXAMPLES=20000 looks for new ones.
MORE = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def bounded(examples: int) -> settings:
    return settings(max_examples=MORE or examples, derandomize=not MORE, database=None, deadline=None)


# JSON can spell what UTF-8 can't: a lone surrogate comes as \ud800.
TEXTS = st.one_of(
    st.text(st.characters(), max_size=30),
    st.sampled_from(
        ["\ud800", "\0", "\udfff\ud800", "\u202e", "\U0010ffff", "é" * 300, "__proto__", "' OR 1=1 --"]
    ),
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**31, -(2**63), 2**64, 10**400, -0.0, 5e-324, 1e308]),
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
HOSTILE = st.sampled_from(
    [
        b"", b"null", b'"x"', b"[]", b"{}", b"[" * 50_000, b'{"a":' * 20_000, b"9" * 5_000, b"-" * 9, b"1e999999",
        b'{"query":"\\ud800"}', b'{"query": "\xed\xa0\x80"}', b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}", b"NaN",
        b'{"query": NaN}', b'{"a": 1, "a": 2}', b"{" + b" " * 99_000 + b"}", b"\x1f\x8b\x08\x00", b"x" * 300_000,
    ]
)  # fmt: skip


def mutated(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Good bytes with a few of them changed, lost, doubled or moved."""
    edit = st.tuples(
        st.sampled_from(["change", "lose", "double", "insert"]), st.integers(0, 10_000), st.binary(max_size=6)
    )
    return st.tuples(good, st.lists(edit, min_size=1, max_size=4)).map(lambda drawn: _edited(*drawn))


def _edited(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, extra in edits:
        at = place % (len(data) + 1)
        end = min(at + max(1, len(extra)), len(data))
        middle = {"change": extra, "lose": b"", "double": data[at:end] * 2, "insert": extra + data[at:end]}[
            kind
        ]
        data = data[:at] + middle + data[end:]
    return data


def bodies(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    as_json = VALUES.map(lambda value: json.dumps(value).encode())
    return st.one_of(good, mutated(good), as_json, HOSTILE, st.binary(max_size=300))


# What may stand in a header's value, without what would end it.
FIELD = st.binary(max_size=60).map(lambda value: value.translate(None, b"\r\n\0"))


def headers(**known: list[bytes]) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    """For each name one of the known values mostly, none, or anything."""
    choices = [
        st.one_of(*[st.sampled_from(values)] * 4, FIELD, st.none()).map(
            lambda value, name=name: (name.replace("_", "-").encode(), value)  # type: ignore[misc]
        )
        for name, values in known.items()
    ]
    return st.tuples(*choices).map(
        lambda pairs: [(name, value) for name, value in pairs if value is not None]
    )
