"""What happens by itself when its time has come: a refund fails at the bank, an authorization lapses."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from sandbox.account.clock import Clock

Task = Callable[[], None]


class Schedule:
    """Tasks by the sandbox's clock. They run in order when a request asks whether time has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: list[tuple[float, int, Task]] = []
        self._number = count()

    def at(self, second: float, task: Task) -> None:
        heappush(self._tasks, (second, next(self._number), task))

    def run_due(self) -> int:
        """Run what is due by now; how many tasks that were."""
        ran = 0
        while self._tasks and self._tasks[0][0] <= self._clock.time():
            heappop(self._tasks)[2]()
            ran += 1
        return ran

    def clear(self) -> None:
        self._tasks.clear()
