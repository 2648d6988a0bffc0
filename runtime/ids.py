"""Ids as clients send them."""

import re
from uuid import UUID

# `UUID()` also takes braces, urn:, underscores and digits of other scripts; an id has one spelling here.
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def read_id(text: str) -> UUID | None:
    """The id, or None for a text that is none: to its sender that is the same as an id that isn't there."""
    return UUID(text) if _CANONICAL.fullmatch(text) else None
