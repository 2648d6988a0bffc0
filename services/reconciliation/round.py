"""A way around one of our tables that goes on where the last run ended, so that its front holds up nobody behind."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.reconciliation.sweep_step import StepRun

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round(Generic[T]):
    """`read` returns the next rows behind a place, in the order of their places; "" is before all of them.

    `due` leaves out what needs no work now, which then costs nothing of the budget.
    """

    read: Callable[[str], Awaitable[Sequence[T]]]
    place_of: Callable[[T], str]
    item_id: Callable[[T], str]
    work: Callable[[T], Awaitable[None]]
    due: Callable[[Sequence[T]], Awaitable[Sequence[T]]]

    async def run(self, step: StepRun) -> None:
        """Once around, from the step's cursor back to it, as far as the budget goes."""
        start = step.cursor or ""
        whole = await self._go(step, start, "")
        if whole and start:
            whole = await self._go(step, "", start)
        if whole and step.cursor is not None:
            await step.keep(None)

    async def _go(self, step: StepRun, place: str, end: str) -> bool:
        """False when the budget ended before the last row, or before `end`."""
        while rows := await self.read(place):
            here = [row for row in rows if not end or self.place_of(row) <= end]
            left = await step.each_but(await self.due(here), self.item_id, self.work)
            if left:
                step.is_whole = False
                await step.keep(self._before(left[0], here, place))
                return False
            if len(here) < len(rows):
                return True
            place = self.place_of(rows[-1])
            await step.keep(place)
        return True

    def _before(self, first: T, rows: Sequence[T], place: str) -> str:
        done = [self.place_of(row) for row in rows if self.place_of(row) < self.place_of(first)]
        return max(done, default=place)
