"""Answers that must come in time, whatever becomes of the work behind them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises; TimeoutError after `seconds`.

    Unlike `asyncio.timeout` it doesn't wait for the end of work that was called off: a statement is called off by
    asking the server to stop it, and a server that is gone takes ten seconds not to answer.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.add_done_callback(_ignore_error)
            task.cancel()
    if not done:
        raise TimeoutError
    return task.result()


def _ignore_error(task: "asyncio.Task[Any]") -> None:
    """An error that comes after the time limit is dropped."""
    if not task.cancelled():
        task.exception()
