"""Stripe's request limits, when a test wants them: https://docs.stripe.com/rate-limits."""

from sandbox.account.clock import Clock
from sandbox.http.errors import rate_limited


class RateLimit:
    """At most `per_second` calls to one endpoint (a bucket holds one second's worth); None is no limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.per_second: float | None = None
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, endpoint: str) -> None:
        """Take one call; 429 when there is none left."""
        if self.per_second is None:
            return
        now = self._clock.time()
        left, before = self._buckets.get(endpoint, (self.per_second, now))
        left = min(self.per_second, left + (now - before) * self.per_second)
        self._buckets[endpoint] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise rate_limited()

    def set(self, per_second: float | None) -> None:
        self.per_second = per_second
        self._buckets.clear()
