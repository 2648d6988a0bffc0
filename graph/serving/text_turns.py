"""New texts are checked one after the other, and for a bounded part of the time: however many callers send some, those
who send known ones hardly notice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

REST = 3  # times as long as the last text took: texts have a quarter of the time


@dataclass(slots=True)
class TextTurns:
    """The turns of this process. A caller has one place in the queue, whatever they send at once."""

    free_at: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def of(self, caller: asyncio.Lock) -> AsyncIterator[None]:
        """A turn for one text; `caller` is the lock of whoever sent it."""
        async with caller, self._turn:
            await asyncio.sleep(max(0.0, self.free_at - time.perf_counter()))
            began = time.perf_counter()
            try:
                yield
            finally:
                ended = time.perf_counter()
                self.free_at = ended + REST * (ended - began)
