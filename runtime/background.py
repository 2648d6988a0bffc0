"""Work beside other work: it begins with a block, and is called off and over when the block ends."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Raises at the block's end what the work raised by itself."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})  # awaiting the task itself would take our own cancellation for the task's
        if not task.cancelled():
            task.result()
