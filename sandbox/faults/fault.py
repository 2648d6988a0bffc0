"""One thing that goes wrong with one call, and what the caller gets instead of the true answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from sandbox.faults.disguises import disguised
from sandbox.http.answers import Answer, ApiRequest, Object, json_answer
from sandbox.http.errors import (
    StripeError,
    dependency_failed,
    error_body,
    key_in_use,
    lock_timeout,
    no_such_object,
    rate_limited,
    server_error,
    too_early,
    unauthorized,
    unavailable,
)

Kind = Literal[
    "400", "401", "402", "404", "409", "424", "425", "429", "500", "502", "503", "lock_timeout",
    "reset", "hang", "truncated", "slow_header", "slow_body",
    "altered", "empty_page", "html", "text", "redirect", "huge",
]  # fmt: skip
Point = Literal["before", "after", "later"]
KINDS: tuple[str, ...] = get_args(Kind)
# Without an answer there is nothing to cut, to drip or to change.
_OF_AN_ANSWER = ("truncated", "slow_body", "altered", "empty_page")
_EXECUTED = ("500", "402")  # recorded under the idempotency key
_LATER = ("500", "reset")  # after any other answer Stripe does no more
_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
_PAGE = b"<!doctype html><html><head><title>Sign in to the network</title></head><body>Sign in</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`point`: before the endpoint ran (no object), after it (object made, answer lost), or `seconds` before it runs.

    `seconds` is for later, hang, slow_header and slow_body; `code` and `decline_code` for 400 and 402; `retry_after`
    (seconds) for 429; `change` and `without` for altered: fields to set and fields to leave out of an object, or of
    each object of a list; `text` for text (200, said to be JSON); `location` for redirect (302; by default a URL of
    the sandbox, so that its journal shows who followed); `size` (bytes) for huge. `truncated`, `slow_body`,
    `altered` and `empty_page` are always after.
    """

    kind: Kind
    point: Point = "before"
    seconds: float = 0.0
    code: str | None = None
    decline_code: str | None = None
    retry_after: int | None = None
    change: Object = field(default_factory=dict)
    without: tuple[str, ...] = ()
    text: str = "[]"
    location: str | None = None
    size: int = 400_000_000

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if self.point not in get_args(Point):
            raise ValueError(f"unknown point {self.point!r}; before, after or later")
        if self.point == "later" and self.kind not in _LATER:
            raise ValueError(f"the point later is for {', '.join(_LATER)}")
        if self.kind in _OF_AN_ANSWER:
            object.__setattr__(self, "point", "after")

    @property
    def executed(self) -> bool:
        """Whether this answer counts as the endpoint's own, which its idempotency key keeps."""
        return self.kind in _EXECUTED

    def answer(self, made: Answer | None, request: ApiRequest) -> Answer:
        """What the caller gets instead of `made`, which is None when the endpoint did not run."""
        if made is not None and self.kind in (*_OF_AN_ANSWER, "slow_header"):
            return self._spoiled(made)
        strange = _STRANGE.get(self.kind)
        return strange(self, request) if strange is not None else self._error(request).answer()

    def _spoiled(self, made: Answer) -> Answer:
        if self.kind == "truncated":
            return replace(made, wire="truncated")
        if self.kind == "slow_body":
            return replace(made, wire="slow_body", seconds=self.seconds)
        if self.kind == "slow_header" or made.status != 200:
            return made
        body = made.json()
        if self.kind == "empty_page":
            return replace(made, body=json_answer(body | {"data": [], "has_more": True}).body)
        if body.get("object") == "list":
            body["data"] = [disguised(each, self.change, self.without) for each in body["data"]]
        else:
            body = disguised(body, self.change, self.without)
        return replace(made, body=json_answer(body).body)

    def _error(self, request: ApiRequest) -> StripeError:
        if self.kind in ("400", "402"):
            kind = "card_error" if self.kind == "402" else "invalid_request_error"
            code = self.code or ("card_declined" if self.kind == "402" else "parameter_invalid_integer")
            body = error_body(kind, "Sandbox: ordered by a fault.", code=code, decline_code=self.decline_code)
            return StripeError(int(self.kind), body, recorded=self.executed)
        errors: dict[str, Callable[[], StripeError]] = {
            "401": lambda: unauthorized("Invalid API Key provided: sk_test_****"),
            "404": lambda: no_such_object(request.path),
            "409": lambda: key_in_use(request.headers.get("idempotency-key", "")),
            "424": dependency_failed,
            "425": too_early,
            "429": lambda: rate_limited(self.retry_after),
            "503": unavailable,
            "lock_timeout": lock_timeout,
        }
        return errors.get(self.kind, server_error)()


def _lost(_: Fault, __: ApiRequest) -> Answer:
    return Answer(status=0, body=b"", wire="reset")


def _redirect(fault: Fault, request: ApiRequest) -> Answer:
    location = fault.location or f"{request.base_url}/v1/redirected"
    return Answer(status=302, body=b"", headers={"Location": location})


_STRANGE: dict[str, Callable[[Fault, ApiRequest], Answer]] = {
    "reset": _lost,
    "hang": _lost,
    "502": lambda _, __: Answer(status=502, body=_HTML, headers={"Content-Type": "text/html"}),
    "html": lambda _, __: Answer(status=200, body=_PAGE, headers={"Content-Type": "text/html"}),
    "text": lambda fault, _: Answer(
        status=200, body=fault.text.encode(), headers={"Content-Type": "application/json"}
    ),
    "redirect": _redirect,
    "huge": lambda fault, _: Answer(
        status=200, body=b"", headers={"Content-Type": "application/json"}, wire="huge", size=fault.size
    ),
}


def parse_fault(text: str) -> Fault:
    """`reset`, or `slow_header; point=after; seconds=2`. ValueError for what is not a fault."""
    kind, *settings = [part.strip() for part in text.split(";")]
    pairs = [setting.partition("=") for setting in settings if setting]
    return fault_from({"kind": kind} | {name.strip(): value.strip() for name, _, value in pairs})


_READERS: dict[str, Callable[[Any], Any]] = {
    "seconds": float,
    "retry_after": int,
    "size": int,
    "change": lambda value: json.loads(value) if isinstance(value, str) else dict(value),
    "without": lambda value: tuple(value.split(",")) if isinstance(value, str) else tuple(value),
}
_KNOWN = (
    "kind", "point", "seconds", "code", "decline_code", "retry_after", "change", "without", "text", "location", "size",
)  # fmt: skip


def fault_from(values: dict[str, Any]) -> Fault:
    """From JSON or header values. ValueError names what is wrong."""
    unknown = sorted(set(values) - set(_KNOWN))
    if unknown:
        raise ValueError(f"a fault has no {unknown[0]!r}; it has {', '.join(sorted(_KNOWN))}")
    given = {name: value for name, value in values.items() if value is not None}
    read = {name: _READERS[name](value) if name in _READERS else value for name, value in given.items()}
    return Fault(**{"kind": ""} | read)
