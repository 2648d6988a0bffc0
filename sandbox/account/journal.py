"""What happened, for tests to read: every API call and every attempt to deliver a webhook, without secrets."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from sandbox.http.answers import Object

_KEPT = 20_000
_SECRET = frozenset(("client_secret", "key", "number", "cvc", "token"))
Entry = dict[str, Any]


class Journal:
    """The latest 20,000 entries; `kind` is `call` or `delivery`."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)

    def __iter__(self) -> Iterator[Entry]:
        """Oldest first."""
        return iter(self._entries)

    def add(self, entry: Entry) -> Entry:
        self._entries.append(entry)
        return entry

    def calls(self, method: str | None = None, path: str | None = None) -> list[Entry]:
        """API calls, oldest first; an entry's status is None while it is in flight."""
        return [
            entry
            for entry in self._entries
            if entry["kind"] == "call" and method in (None, entry["method"]) and path in (None, entry["path"])
        ]

    def deliveries(self, event_id: str | None = None) -> list[Entry]:
        """Attempts to deliver, oldest first."""
        return [e for e in self._entries if e["kind"] == "delivery" and event_id in (None, e["event"])]

    def clear(self) -> None:
        self._entries.clear()


def without_secrets(tree: Object) -> Object:
    """The same parameters with card numbers, keys and client secrets struck out."""
    return {name: "[removed]" if name in _SECRET else _inner(value) for name, value in tree.items()}


def _inner(value: Any) -> Any:
    return without_secrets(value) if isinstance(value, dict) else value
