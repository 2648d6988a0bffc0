"""Which of the calls, or events, that a fault is meant for it really hits."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Counted:
    """From the `nth` on, `times` in a row (None: for ever); with a `probability` each of those by chance."""

    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seen: int = field(default=0, init=False)
    applied: int = field(default=0, init=False)

    def hits(self, chance: random.Random) -> bool:
        """Count one more, and say whether it is hit."""
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.applied >= self.times):
            return False
        if self.probability is not None and chance.random() >= self.probability:
            return False
        self.applied += 1
        return True
