"""The sandbox's time: the wall clock, plus what a test has added, and never backwards."""

import time


class Clock:
    """Seconds since the epoch. `advance` is how a test lives through the 24 hours of an idempotency key."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._latest = 0

    def time(self) -> float:
        """The present, with fractions."""
        return time.time() + self._offset

    def now(self) -> int:
        """The present in whole seconds, as Stripe stamps its objects; a step back of the wall clock is not shown."""
        self._latest = max(self._latest, int(self.time()))
        return self._latest

    def catch_up(self, second: int) -> None:
        """Never show less than `second`: objects of an earlier run may have been made in an advanced time."""
        self._latest = max(self._latest, second)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`; negative ones are refused, since lists are kept in order of creation."""
        if seconds < 0:
            raise ValueError("the sandbox's clock only goes forward")
        self._offset += seconds
