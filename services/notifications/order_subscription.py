"""Following one order: its present state at once, then every change, until the caller's token ends."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from services.identity.tokens import User
from services.notifications.order_news import OrderNews
from services.orders.refusals import OrderNotFound
from services.orders.views import PlacedOrder
from services.payments.refresh_from_stripe import RefreshFromStripe

LOOK_EVERY = 20.0  # seconds: a follower heals an order whose webhook is missing


class TokenExpired(Exception):
    """The follower's token has run out; they have to sign in anew."""


class OrderSubscriptions:
    def __init__(self, current_orders: RefreshFromStripe, news: OrderNews) -> None:
        self._current_orders = current_orders
        self._news = news

    async def follow(self, user: User, order_id: UUID) -> AsyncIterator[PlacedOrder]:
        """The order now, and again whenever it differs. Raises `OrderNotFound`, `RateLimited` or `TokenExpired`."""
        shown: PlacedOrder | None = None
        with self._news.of(order_id, user.id) as changed:
            while True:
                changed.clear()
                order = await self._current_orders.find(user, order_id)
                if order is None:
                    raise OrderNotFound
                if shown is None or as_shown(order) != as_shown(shown):
                    shown = order
                    yield order
                await _change(changed, user)


async def _change(changed: asyncio.Event, user: User) -> None:
    left = user.expires_at - time.time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), max(0, min(LOOK_EVERY, left)))
    if time.time() >= user.expires_at:
        raise TokenExpired


def as_shown(order: PlacedOrder) -> PlacedOrder:
    """The order without what no client sees."""
    return replace(order, payments=tuple(replace(p, unwatched=False) for p in order.payments))
