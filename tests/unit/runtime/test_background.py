"""Work in the background ends with its block, and nobody's cancellation is taken for another's."""

import asyncio

import pytest

from runtime.background import in_background


async def test_it_is_over_when_the_block_is() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async with in_background(work()):
        await asyncio.sleep(0)
    assert ended == ["work"]


async def test_what_it_raised_is_raised_at_the_end() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with in_background(work()):
            await asyncio.sleep(0)


async def test_who_waits_for_work_that_will_not_end_can_be_called_off() -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), in_background(stubborn()):
            await asyncio.sleep(0)
