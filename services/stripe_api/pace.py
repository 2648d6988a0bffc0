"""When the next call to one of Stripe's endpoints may go out, whichever process makes it: https://docs.stripe.com/rate-limits

A turn is lent before its call is prepared, and counts from then on. It counts as sent when the call goes out. So no
second holds more calls than the limit, however long the preparation took.
"""

import math
from collections import deque

MARGIN = 1.05  # calls that left us a second apart may arrive a little closer
SLOWEST = 1 / 8  # of the limit
CUT = 0.7  # after a 429 about the rate: another program uses the account too
LEARNING = 0.05  # how much one call says about how long the next ones will be prepared
MOST_HELD = (
    0.1  # of a window: a moment in which the database is slow doesn't make a promise of minutes longer
)
RECOVERY = 0.002  # of the limit, for each call that goes out: 150 calls undo one cut
# When half of the limit is used, the rest comes evenly, at a little more than the limit's own pace.
SPREAD = 0.9


class Pace:
    """At most `per_second` calls in any second. Times are seconds of one clock, which is the caller's."""

    def __init__(self, per_second: float) -> None:
        self._most = max(1, int(per_second))  # in each window; less than one a second makes the window longer
        self._full_window = self._most / per_second * MARGIN
        self._speed = 1.0  # of the limit
        self._sent: deque[float] = deque()
        self._lent = 0
        self._held = 0.0  # seconds between a turn and its call, lately
        self._even = -math.inf  # when the calls so far would be over, had they come evenly
        self._cut_at = -math.inf

    @property
    def per_second(self) -> float:
        """What goes out now when turns are always wanted."""
        return self._most / (self._window + min(self._held, self._window * MOST_HELD))

    @property
    def _window(self) -> float:
        return self._full_window / self._speed

    @property
    def _gap(self) -> float:
        return SPREAD * self._window / self._most

    def free_at(self, now: float) -> float:
        """When a turn can be lent; infinity while that depends on one that is out."""
        while self._sent and self._sent[0] + self._window <= now:
            self._sent.popleft()
        places = self._most - self._lent
        if places <= 0:
            return math.inf
        too_many = len(self._sent) - places  # that have to grow old before there is a place
        window = self._sent[too_many] + self._window if too_many >= 0 else now
        return max(now, window, self._even - self._gap * (self._most // 2))

    def lend(self, now: float) -> None:
        self._lent += 1
        self._even = max(self._even, now) + self._gap

    def give_back(self) -> None:
        """What was lent is not used."""
        self._lent -= 1
        self._even -= self._gap

    def send(self, now: float, lent_at: float) -> None:
        """A call goes out with a turn that was lent."""
        self._lent -= 1
        self._held += (now - lent_at - self._held) * LEARNING
        self._sent.append(now)
        self._speed = min(1.0, self._speed + RECOVERY)

    def slow_down(self, now: float) -> None:
        """After a 429 about the rate: a pause, then slower, and slowly back. Those of one burst count once."""
        if now - self._cut_at < self._window:
            return
        self._cut_at = now
        self._speed = max(SLOWEST, self._speed * CUT)
        self._sent.clear()
        self._sent.extend([now] * self._most)
