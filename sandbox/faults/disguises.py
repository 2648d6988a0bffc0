"""Objects that are shown otherwise than they are: an unknown status, a field that is missing or null."""

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.http.answers import Object


def disguised(value: Object, change: Mapping[str, Any], without: Collection[str]) -> Object:
    """The same object with fields changed and left out."""
    return {name: inner for name, inner in (value | dict(change)).items() if name not in without}


class Disguises:
    """Which objects are shown changed: when they are read, in lists, inside other objects, in events and webhooks."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Object, tuple[str, ...]]] = {}

    def put_on(self, object_id: str, change: Mapping[str, Any], without: Collection[str]) -> None:
        self._of[object_id] = dict(change), tuple(without)

    def take_off(self, object_id: str) -> None:
        self._of.pop(object_id, None)

    def clear(self) -> None:
        self._of.clear()

    def shown(self, value: Object) -> Object:
        """The value as an outsider sees it; the same one while nothing wears a disguise."""
        if not self._of:
            return value
        changed: Object = self._inside(value)
        return changed

    def _inside(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._inside(each) for each in value]
        if not isinstance(value, dict):
            return value
        inner = {name: self._inside(each) for name, each in value.items()}
        worn = self._of.get(inner["id"]) if isinstance(inner.get("id"), str) else None
        return inner if worn is None else disguised(inner, *worn)
