"""Faults on order: what should go wrong, at which call, before or after the object was made."""

import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from sandbox.answers import Answer, ApiRequest
from sandbox.errors import (
    StripeError,
    error_body,
    key_in_use,
    lock_timeout,
    rate_limited,
    server_error,
    unauthorized,
)

Kind = Literal[
    "429", "409", "500", "502", "401", "402", "400", "lock_timeout",
    "reset", "hang", "truncated", "slow_header", "slow_body",
]  # fmt: skip
Point = Literal["before", "after"]
KINDS: tuple[str, ...] = get_args(Kind)
_OF_AN_ANSWER = ("truncated", "slow_body")  # without an answer there is nothing to cut or to drip
_EXECUTED = ("500", "402")  # recorded under the idempotency key
_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. `point`: before the endpoint ran (no object), or after it (object made, answer lost).

    `seconds` is for hang, slow_header and slow_body; `code` and `decline_code` for 400 and 402; `retry_after`
    (seconds) for 429. `truncated` and `slow_body` are always after.
    """

    kind: Kind
    point: Point = "before"
    seconds: float = 0.0
    code: str | None = None
    decline_code: str | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if self.point not in get_args(Point):
            raise ValueError(f"unknown point {self.point!r}; before or after")
        if self.kind in _OF_AN_ANSWER:
            object.__setattr__(self, "point", "after")

    @property
    def executed(self) -> bool:
        """Whether this answer counts as the endpoint's own, which its idempotency key keeps."""
        return self.kind in _EXECUTED

    def answer(self, made: Answer | None, key: str) -> Answer:
        """What the caller gets instead of `made`, which is None when the endpoint did not run."""
        if self.kind in ("reset", "hang"):
            return Answer(status=0, body=b"", wire="reset")
        if self.kind == "502":
            return Answer(status=502, body=_HTML, headers={"Content-Type": "text/html"})
        if made is not None and self.kind in _OF_AN_ANSWER:
            wire: Literal["truncated", "slow_body"] = "truncated" if self.kind == "truncated" else "slow_body"
            return Answer(
                status=made.status, body=made.body, headers=made.headers, wire=wire, seconds=self.seconds
            )
        if made is not None and self.kind == "slow_header":
            return made
        return self._error(key).answer()

    def _error(self, key: str) -> StripeError:
        if self.kind in ("400", "402"):
            kind = "card_error" if self.kind == "402" else "invalid_request_error"
            code = self.code or ("card_declined" if self.kind == "402" else "parameter_invalid_integer")
            body = error_body(kind, "Sandbox: ordered by a fault.", code=code, decline_code=self.decline_code)
            return StripeError(int(self.kind), body, recorded=self.executed)
        errors = {
            "429": lambda: rate_limited(self.retry_after),
            "409": lambda: key_in_use(key),
            "401": lambda: unauthorized("Invalid API Key provided: sk_test_****"),
            "lock_timeout": lock_timeout,
        }
        return errors.get(self.kind, server_error)()


def parse_fault(text: str) -> Fault:
    """`reset`, or `slow_header; point=after; seconds=2`. ValueError for what is not a fault."""
    kind, *settings = [part.strip() for part in text.split(";")]
    pairs = [setting.partition("=") for setting in settings if setting]
    return fault_from({"kind": kind} | {name.strip(): value.strip() for name, _, value in pairs})


def fault_from(values: dict[str, Any]) -> Fault:
    """From JSON or header values. ValueError names what is wrong."""
    known = {"kind", "point", "seconds", "code", "decline_code", "retry_after"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"a fault has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
    given = {name: value for name, value in values.items() if value is not None}
    if "seconds" in given:
        given["seconds"] = float(given["seconds"])
    if "retry_after" in given:
        given["retry_after"] = int(given["retry_after"])
    return Fault(**{"kind": ""} | given)


@dataclass(slots=True, kw_only=True)
class Rule:
    """A fault for calls whose method and path match, from the `nth` on, `times` in a row (None: for ever).

    `path` is a shell pattern. With a `probability` each of those calls is hit by chance, decided by the seed.
    """

    fault: Fault
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seen: int = field(default=0, init=False)
    applied: int = field(default=0, init=False)

    def matches(self, request: ApiRequest) -> bool:
        return fnmatchcase(request.method, self.method) and fnmatchcase(request.path, self.path)

    def strikes(self, chance: random.Random) -> bool:
        """Count a matching call and say whether it is hit."""
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.applied >= self.times):
            return False
        if self.probability is not None and chance.random() >= self.probability:
            return False
        self.applied += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class FaultBook:
    """The rules in force. Every matching rule counts a call; the first that strikes decides."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.rules: list[Rule] = []
        self.latency = 0.0  # seconds that every call takes
        self.clear()

    def add(self, rule: Rule) -> Rule:
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop all rules and begin the chances anew."""
        self.rules.clear()
        self.latency = 0.0
        self.sow(self._seed)

    def sow(self, seed: int) -> None:
        """Begin the chances anew, from another seed."""
        self._seed = seed
        self._chance = random.Random(self._seed)  # nosec B311  # noqa: S311 - it must be repeatable, not unguessable

    def take(self, request: ApiRequest) -> Fault | None:
        """The fault for this call: the one its `Sandbox-Fault` header orders, or a rule's."""
        struck = [rule for rule in self.rules if rule.matches(request) and rule.strikes(self._chance)]
        ordered = request.headers.get("sandbox-fault")
        if ordered is not None:
            return parse_fault(ordered)
        return struck[0].fault if struck else None
