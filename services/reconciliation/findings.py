"""What a sweep did and what it could not do."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Findings:
    """What a sweep did, by name, and what it can't do: each of `for_a_person` is a sentence.

    `unreachable`: Stripe gave no answer, so that only the steps were done that don't need it. `unfinished` are the
    steps that did not come to their end; the next sweep goes on with them.
    """

    done: Counter[str] = field(default_factory=Counter)
    for_a_person: list[str] = field(default_factory=list)
    unreachable: bool = False
    unfinished: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = [f"{name}: {count}" for name, count in sorted(self.done.items()) if count]
        return "\n".join([*(done or ["nothing to do"]), *self.for_a_person])
