"""How often one user may order and pay: against card testing, which tries stolen cards by the thousand.

Counted in each process for itself, by the minute: with N workers a user gets up to N times as much. What is
bounded for all workers together is Stripe's side, by its own limits.
"""

import math
import time
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from services.refusals import RateLimited


class RateLimits:
    """Limits are calls a minute. Each check counts one call, and raises `RateLimited` for one too many."""

    def __init__(self, *, orders_per_user: int, payments_per_user: int, payments_per_order: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._orders = RateLimitItemPerMinute(orders_per_user)
        self._payments = RateLimitItemPerMinute(payments_per_user)
        self._payments_of_order = RateLimitItemPerMinute(payments_per_order)

    def check_order(self, user_id: str) -> None:
        self._count(self._orders, "order", user_id)

    def check_payment(self, user_id: str, order_id: UUID) -> None:
        self._count(self._payments, "pay", user_id)
        self._count(self._payments_of_order, "pay order", user_id, str(order_id))

    def _count(self, limit: RateLimitItem, *whose: str) -> None:
        if self._limiter.hit(limit, *whose):
            return
        reset_time = self._limiter.get_window_stats(limit, *whose).reset_time
        raise RateLimited(retry_after=max(1, math.ceil(reset_time - time.time())))
