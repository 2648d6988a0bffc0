"""Which calls meet which fault."""

import random
import re
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.account.clock import Clock
from sandbox.faults.counting import Counted
from sandbox.faults.fault import Fault, parse_fault
from sandbox.http.answers import ApiRequest


@dataclass(slots=True, kw_only=True)
class Rule(Counted):
    """A fault for calls whose method and path match, from the `nth` on, `times` in a row (None: for ever).

    `path` is a shell pattern. `object` narrows the rule to calls that name this object, in the path or in a
    parameter. `lasts` ends it so many seconds of the sandbox's clock after it was added. With a `probability` each
    of those calls is hit by chance, decided by the seed.
    """

    fault: Fault
    method: str = "*"
    path: str = "*"
    object: str | None = None
    lasts: float | None = None
    ends: float | None = field(default=None, init=False)

    def matches(self, request: ApiRequest) -> bool:
        return (
            fnmatchcase(request.method, self.method)
            and fnmatchcase(request.path, self.path)
            and (self.object is None or names_object(request, self.object))
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def names_object(request: ApiRequest, object_id: str) -> bool:
    """Whether a call is about this object: its path or one of its parameters has the id."""
    text = f"{request.path}?{request.query}&{request.body.decode('ascii', 'replace')}"
    return re.search(rf"(?<!\w){re.escape(object_id)}(?!\w)", text, re.ASCII) is not None


class FaultBook:
    """The rules in force. Every matching rule counts a call; the first that strikes decides."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self.rules: list[Rule] = []
        self.latency = 0.0  # seconds that every call takes
        self.jitter = 0.0  # a call takes up to so many seconds more or less
        self.clear()

    def add(self, rule: Rule) -> Rule:
        if rule.lasts is not None:
            rule.ends = self._clock.time() + rule.lasts
        self.rules.append(rule)
        return rule

    def cure(self, object_id: str) -> None:
        """Drop the rules about this one object."""
        self.rules = [rule for rule in self.rules if rule.object != object_id]

    def clear(self) -> None:
        """Drop all rules and begin the chances anew."""
        self.rules.clear()
        self.latency = self.jitter = 0.0
        self.sow(self._seed)

    def sow(self, seed: int) -> None:
        """Begin the chances anew, from another seed."""
        self._seed = seed
        self._chance = random.Random(self._seed)  # nosec B311  # noqa: S311 - it must be repeatable, not unguessable

    def delay(self) -> float:
        """Seconds that the next call takes before it is answered."""
        if not self.jitter:
            return self.latency
        return max(0.0, self.latency + self._chance.uniform(-self.jitter, self.jitter))

    def take(self, request: ApiRequest) -> Fault | None:
        """The fault for this call: the one its `Sandbox-Fault` header orders, or a rule's."""
        now = self._clock.time()
        alive = [rule for rule in self.rules if rule.ends is None or now < rule.ends]
        struck = [rule for rule in alive if rule.matches(request) and rule.hits(self._chance)]
        ordered = request.headers.get("sandbox-fault")
        if ordered is not None:
            return parse_fault(ordered)
        return struck[0].fault if struck else None
