"""Variables cost before anybody looks at them: each value in them is brought into the kind that the schema wants."""

from collections.abc import Iterator, Mapping
from typing import Any

from graph.serving.spending import bad_input


def check_values(variables: Mapping[str, Any] | None, most: int) -> int:
    """How many values there are, those in lists and objects counted each; the `GraphQLError` of more than `most`."""
    count = 0
    for count, _ in enumerate(_values(variables or {}), start=1):
        if count > most:
            raise bad_input(f"The variables of an operation have at most {most} values.")
    return count


def _values(outer: object) -> Iterator[object]:
    level = [outer]
    while level:
        each = level.pop()
        inner = each.values() if isinstance(each, Mapping) else each if isinstance(each, list) else ()
        for value in inner:
            yield value
            if isinstance(value, Mapping | list):
                level.append(value)
