"""Giving committed events their places in the feed, and a delivery for each webhook endpoint that asked for them.

One process at a time does it, in the order in which events were written. PostgreSQL's own numbers are no places: a
transaction that took a lower one may commit later, behind a reader's back.
"""

import asyncio
import time

from models.shop_events.statements import IS_ANY_UNPUBLISHED, TAKE_PUBLISHING
from models.webhooks.deliveries import PUBLISH_AND_FAN_OUT
from runtime.database.database import Database, Transaction

BATCH = 500
PAUSE = 0.01  # seconds


async def publish_events(database: Database, *, patience: float = 0.0) -> int:
    """How many events got a place: one `BATCH`, and more only while `patience`, in seconds, lasts.

    When another process is at it, it does the work, and is waited for as long.
    """
    published, deadline = 0, time.monotonic() + patience
    while await database.row(IS_ANY_UNPUBLISHED):
        count = await database.transaction(_publish_some)
        published += count
        if 0 < count < BATCH or time.monotonic() >= deadline:
            break
        if not count:
            await asyncio.sleep(PAUSE)
    return published


async def _publish_some(transaction: Transaction) -> int:
    gate = await transaction.one(TAKE_PUBLISHING)
    if not gate.is_taken:
        return 0
    return len(await transaction.rows(PUBLISH_AND_FAN_OUT, {"limit": BATCH}))
