"""What goes in and what comes out: a request and an answer without any HTTP library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Object = dict[str, Any]
"""A Stripe object. It is never changed in place: an update is a new dict, so that events can share the old one."""

Wire = Literal["whole", "reset", "truncated", "slow_body", "huge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One call as it arrived. `path` has no query, `headers` have lower-case names, `base_url` is ours.

    `from_elsewhere`: a browser made it for a page of another site.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    base_url: str = "http://sandbox.invalid"
    from_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, and how it travels: whole, or as a connection that breaks or drips over `seconds`.

    A huge one sends `size` bytes of JSON that are made as they go, without saying how many.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Wire = "whole"
    seconds: float = 0.0
    size: int = 0

    def json(self) -> Any:
        """The decoded body. A reset connection has none: ConnectionResetError."""
        if self.wire == "reset":
            raise ConnectionResetError("the sandbox was told to drop this connection")
        return json.loads(self.body)

    def with_headers(self, more: Mapping[str, str]) -> "Answer":
        """The same answer with headers added; those it has already are kept."""
        return replace(self, headers={**more, **self.headers})


def json_answer(body: Object, *, status: int = 200) -> Answer:
    """An ordinary JSON answer."""
    text = json.dumps(body, separators=(",", ":"))
    return Answer(status=status, body=text.encode(), headers={"Content-Type": "application/json"})
