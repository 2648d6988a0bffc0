"""Turns by key: who wants the same thing as another waits here, and holds nothing meanwhile, such as a connection."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """One turn at a time for each key, in the order of arrival. A key without a holder takes no memory."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, key: Hashable) -> AsyncIterator[None]:
        lock, others = self._queues.get(key, (asyncio.Lock(), 0))
        self._queues[key] = lock, others + 1
        try:
            async with lock:
                yield
        finally:
            self._leave(key)

    def __len__(self) -> int:
        """Keys that are held or waited for."""
        return len(self._queues)

    def _leave(self, key: Hashable) -> None:
        lock, here = self._queues[key]
        if here == 1:
            del self._queues[key]
        else:
            self._queues[key] = lock, here - 1
