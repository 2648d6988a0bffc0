"""JSON as strangers send it: an object, or the client's mistake; never an exception of ours, never much work."""

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

DEEPEST_BODY = 64
BYTE_ORDER_MARK = "\ufeff"


class MalformedJson(Exception):
    """What was sent is no JSON object; the message is for the client's developer."""


def read_json(data: str | bytes) -> JsonObject:
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = _DECODER.decode(text.removeprefix(BYTE_ORDER_MARK))  # which .NET's and Windows' clients send
    except (ValueError, RecursionError):
        raise MalformedJson(
            "The body is not JSON in UTF-8, or it is nested too deep, or has a number that is too large."
        ) from None
    if not isinstance(value, dict):
        raise MalformedJson("Send one operation as a JSON object; batches are not taken.")
    if text.count("[") + text.count("{") > DEEPEST_BODY and _depth(value) > DEEPEST_BODY:
        raise MalformedJson(f"The body is nested more than {DEEPEST_BODY} deep.")
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("two members of one name: readers disagree on which of them counts")
    return value


def _no_number(word: str) -> None:
    raise ValueError(f"JSON has no {word}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer)]
    return depth


def _inside(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()
