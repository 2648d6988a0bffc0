"""The sandbox's time: the wall clock, plus what a test has added, and never backwards."""

import time


class Clock:
    """Seconds since the epoch, running or frozen.

    `advance` is how a test lives through the 24 hours of an idempotency key.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None
        self._latest = 0

    def time(self) -> float:
        """The present, with fractions."""
        return (time.time() if self._frozen is None else self._frozen) + self._offset

    def freeze(self, at: float | None = None) -> None:
        """Stand still from now on, or at `at` (seconds since the epoch, never before the present), until advanced."""
        if at is not None and at < self.time():
            raise ValueError("the sandbox's clock only goes forward")
        self._frozen, self._offset = (self.time() if at is None else at), 0.0

    def thaw(self) -> None:
        """Go on from where it stands."""
        if self._frozen is not None:
            self._offset, self._frozen = self.time() - time.time(), None

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
