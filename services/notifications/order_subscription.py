"""Following one order: its present state at once, then every change, until the caller's token ends.

A follower reads our own tables when PostgreSQL says that the order changed, and never asks Stripe: what a lost
webhook left open is found by the sweep. While the database is away the follower waits, and goes on afterwards.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from runtime.database.database import DatabaseUnavailable
from services.identity.principal import Principal
from services.notifications.order_news import OrderNews
from services.orders.orders import Orders
from services.orders.refusals import OrderNotFound
from services.orders.views import PlacedOrder

# Followers of one process that read at once: a thousand who are woken leave connections to others.
READERS = 3
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds for a database that is away; the last one for all that follow


class TokenExpired(Exception):
    """The follower's token has run out or was revoked; they have to sign in anew."""


class Validity(Protocol):
    async def is_valid(self, principal: Principal) -> bool:
        """Whether what this caller signed in with was not revoked meanwhile."""


class OrderSubscriptions:
    def __init__(self, orders: Orders, news: OrderNews, validity: Validity) -> None:
        self._orders = orders
        self._news = news
        self._validity = validity
        self._reading = asyncio.Semaphore(READERS)

    async def follow(self, principal: Principal, order_id: UUID) -> AsyncIterator[PlacedOrder]:
        """The order now, and again whenever it differs. Raises `OrderNotFound`, `RateLimited` or `TokenExpired`."""
        shown: PlacedOrder | None = None
        with self._news.of(order_id, principal.id) as changed:
            while True:
                changed.clear()
                order = await self._read(principal, order_id)
                if shown is None or as_shown(order) != as_shown(shown):
                    shown = order
                    yield order
                await _until(changed, principal)

    async def _read(self, principal: Principal, order_id: UUID) -> PlacedOrder:
        """The order as it is once the database answers."""
        attempt = 0
        while True:
            try:
                async with self._reading:
                    if not await self._validity.is_valid(principal):
                        raise TokenExpired
                    order = await self._orders.find(principal, order_id)
            except DatabaseUnavailable:
                pause = PAUSES[min(attempt, len(PAUSES) - 1)] * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311
                attempt += 1
                await _sleep(pause, principal)
                continue
            if order is None:
                raise OrderNotFound
            return order


async def _until(changed: asyncio.Event, principal: Principal) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, principal.expires_at - time.time())):
            await changed.wait()
    _raise_if_expired(principal)


async def _sleep(seconds: float, principal: Principal) -> None:
    await asyncio.sleep(max(0.0, min(seconds, principal.expires_at - time.time())))
    _raise_if_expired(principal)


def _raise_if_expired(principal: Principal) -> None:
    if time.time() >= principal.expires_at:
        raise TokenExpired


def as_shown(order: PlacedOrder) -> PlacedOrder:
    """The order without what no client sees."""
    return replace(order, payments=tuple(replace(p, unwatched=False) for p in order.payments))
