"""Reading one of Stripe's objects, which may be anything: a field is of its type, or named as unreadable."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models.base import LARGEST_AMOUNT
from services.payments.intents import UnreadableAnswer
from services.payments.stripe_ids import is_id

LONGEST_TEXT = 500


class Fields:
    """The fields of a JSON object. Every reader returns a value of its type or raises `UnreadableAnswer`."""

    def __init__(self, data: object, what: str) -> None:
        self.what = what
        if not isinstance(data, dict):
            raise UnreadableAnswer(f"{what}: no object, but {type(data).__name__}")
        self._data: Mapping[str, Any] = data

    def id(self, kind: str, name: str = "id") -> str:
        value = self._data.get(name)
        if not is_id(kind, value):
            raise self._unreadable(name)
        return str(value)

    def word(self, name: str) -> str:
        """A word of Stripe's, such as a status."""
        value = self._data.get(name)
        if not (isinstance(value, str) and 0 < len(value) <= 100 and value.isascii() and value.isprintable()):
            raise self._unreadable(name)
        return value

    def text(self, name: str) -> str | None:
        """Anything readable, cut off at 500 characters; None for anything but text."""
        value = self._data.get(name)
        if not isinstance(value, str):
            return None
        return "".join(filter(str.isprintable, value[:LONGEST_TEXT])) or None

    def amount(self, name: str, *, least: int = 0) -> int:
        """Minor units, as many as Stripe charges at most."""
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_AMOUNT:
            raise self._unreadable(name)
        return value

    def has(self, name: str) -> bool:
        return self._data.get(name) is not None

    def moment(self, name: str) -> datetime:
        """A time in seconds since 1970."""
        value = self._data.get(name)
        try:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError
            return datetime.fromtimestamp(value, UTC)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise self._unreadable(name) from error

    def moment_or_none(self, name: str) -> datetime | None:
        """None for what is no time: what it belongs to matters more."""
        try:
            return self.moment(name)
        except UnreadableAnswer:
            return None

    def metadata(self) -> Mapping[str, object]:
        value = self._data.get("metadata")
        return value if isinstance(value, dict) else {}

    def inside(self, name: str) -> object:
        return self._data.get(name)

    def _unreadable(self, name: str) -> UnreadableAnswer:
        return UnreadableAnswer(f"{self.what}: `{name}` is missing, or not what it should be")


def uuid_in(metadata: Mapping[str, object], name: str) -> UUID | None:
    """A UUID that we may have written; None for anything else."""
    value = metadata.get(name)
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
