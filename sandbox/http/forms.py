"""Stripe's form encoding: `metadata[order_id]=1&expand[]=customer&created[gte]=5`."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.http.answers import Object
from sandbox.http.errors import invalid

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_MOST_FIELDS = 1000


def decode(text: str) -> Object:
    """Nested dicts of strings; `a[]` becomes a list, `a[0]` a dict with the key "0".

    Not UTF-8, too many fields, or a malformed name is a 400 as Stripe's.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise invalid(f"Invalid request: the parameters cannot be read ({error}).") from error
    tree: Object = {}
    for name, value in pairs:
        _put(tree, name, value)
    return tree


def _put(tree: Object, name: str, value: str) -> None:
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid(f"Invalid parameter name: {name!r}", param=name)
    steps = [match[1], *_BRACKET.findall(match[2])]
    node = tree
    for here, following in pairwise(steps):
        if following == "" and steps[-1] == "":
            _listed(node, here, name).append(value)
            return
        node = node.setdefault(here, {})
        if not isinstance(node, dict):
            raise invalid(f"Invalid object: {name} is given both as a value and as a hash", param=name)
    node[steps[-1]] = value


def _listed(node: Object, here: str, name: str) -> list[str]:
    values = node.setdefault(here, [])
    if not isinstance(values, list):
        raise invalid(f"Invalid array: {name} is given both as an array and as something else", param=name)
    return values


def encode(params: Mapping[str, Any]) -> str:
    """The inverse, for calls made inside the process: nested dicts and sequences to one form body."""
    return urlencode([pair for name, value in params.items() for pair in _pairs(name, value)])


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _pairs(f"{name}[{key}]", inner)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(f"{name}[]", str(inner)) for inner in value]
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    return [(name, str(value))]
