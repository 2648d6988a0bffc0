"""How often one caller may do what costs: against card testing, which tries stolen cards by the thousand.

Counted in each process for itself, by the minute: with N workers a user gets up to N times as much. What is
bounded for all workers together is Stripe's side, by its own limits.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from services.identity.refusals import RateLimited

WINDOW = 60.0  # seconds
CREDENTIALS_PER_MINUTE = 600  # of one caller: a checkout token for each order of a busy shop


class RateLimits:
    """Limits are calls a minute. Each check counts one call, and raises `RateLimited` for one too many.

    All counts begin anew together, each minute: nothing has to be expired one by one.
    """

    def __init__(
        self,
        *,
        orders_per_user: int,
        payments_per_user: int,
        payments_per_order: int,
        cancels_per_user: int = 60,
        cancels_per_order: int = 20,
        refunds_per_user: int = 300,
        refunds_per_order: int = 60,
        reads_per_user: int = 600,
        imports_per_caller: int = 6_000,
        updates_per_caller: int = 1_500,
        updates_per_order: int = 120,
        product_saves_per_caller: int = 600,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._orders = orders_per_user
        self._payments = payments_per_user
        self._payments_of_order = payments_per_order
        self._cancels, self._cancels_of_order = cancels_per_user, cancels_per_order
        self._refunds, self._refunds_of_order = refunds_per_user, refunds_per_order
        self._reads = reads_per_user
        self._imports = imports_per_caller
        self._updates, self._updates_of_order = updates_per_caller, updates_per_order
        self._product_saves = product_saves_per_caller
        self._now = now
        self._counts: Counter[tuple[str | UUID, ...]] = Counter()
        self._ends = -math.inf

    def check_order(self, user_id: str) -> None:
        self._count(self._orders, "order", user_id)

    def check_payment(self, user_id: str, order_id: UUID) -> None:
        self._count(self._payments, "pay", user_id)
        self._count(self._payments_of_order, user_id, order_id)

    def check_read(self, user_id: str) -> None:
        """For one order at a time, which may cost a look at Stripe."""
        self._count(self._reads, "read", user_id)

    def check_cancel(self, principal_id: str, order_id: UUID) -> None:
        """Canceling asks Stripe first. By caller and order, so that a stranger uses up only their own."""
        self._count(self._cancels, "cancel", principal_id)
        self._count(self._cancels_of_order, "cancel", principal_id, order_id)

    def check_refund(self, principal_id: str, order_id: UUID | None) -> None:
        """For refunds and reviews, and for closing a case, which is about no order of the caller's."""
        self._count(self._refunds, "refund", principal_id)
        if order_id is not None:
            self._count(self._refunds_of_order, "refund", principal_id, order_id)

    def check_import(self, principal_id: str) -> None:
        """For who brings in orders of the shop's own system."""
        self._count(self._imports, "import", principal_id)

    def check_update(self, principal_id: str, order_id: UUID) -> None:
        """A change of an order may cost a call at Stripe."""
        self._count(self._updates, "update", principal_id)
        self._count(self._updates_of_order, "update", principal_id, order_id)

    def check_product_save(self, principal_id: str) -> None:
        """For one call of up to a hundred products."""
        self._count(self._product_saves, "products", principal_id)

    def check_credential(self, principal_id: str) -> None:
        """For callers that make service keys and checkout tokens."""
        self._count(CREDENTIALS_PER_MINUTE, "credential", principal_id)

    def _count(self, limit: int, *whose: str | UUID) -> None:
        now = self._now()
        if now >= self._ends:
            self._counts.clear()
            self._ends = now + WINDOW
        self._counts[whose] += 1
        if self._counts[whose] > limit:
            raise RateLimited(retry_after=max(1, math.ceil(self._ends - now)))
