"""How far the pool of database connections is used: looked at each second, since waiting leaves no trace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runtime.background import in_background
from runtime.database.database import Database
from runtime.metrics import POOL_IN_USE, POOL_SIZE, POOL_WAITING

EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that may be open, those in use, and callers that wait for one."""

    size: int
    in_use: int
    waiting: int


def pool_use(database: Database) -> PoolUse:
    pool = database.pool
    return PoolUse(pool.size, pool.in_use, pool.waiting)


def show(database: Database) -> None:
    use = pool_use(database)
    POOL_SIZE.set(use.size)
    POOL_IN_USE.set(use.in_use)
    POOL_WAITING.set(use.waiting)


@asynccontextmanager
async def pool_shown(database: Database) -> AsyncIterator[None]:
    """Keep the gauges of this process up to date until the block ends."""
    async with in_background(_show_each_second(database)):
        yield


async def _show_each_second(database: Database) -> None:
    while True:
        show(database)
        await asyncio.sleep(EVERY)
