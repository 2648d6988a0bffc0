"""Checkout tokens, recognized when a request brings one: the order they open, while it can be paid or just was.

A token that was recognized is believed for five seconds, so that a page that asks often costs few statements.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from models.keys.statements import CHECKOUT_TOKEN
from runtime.database.database import Database
from services.identity.opaque_tokens import hash_of, is_well_formed
from services.identity.principal import Principal, checkout_principal
from services.identity.token_claims import InvalidToken

AFTER_END = timedelta(hours=1)  # in which a paid or canceled order is still shown
BELIEVED_SECONDS = 5.0
MOST_BELIEVED = 2048


class CheckoutTokens:
    """`now` is monotonic seconds."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._believed: dict[bytes, tuple[Principal, float]] = {}

    async def principal_of(self, token: str) -> Principal:
        """Who brings this token, or `InvalidToken`."""
        if not is_well_formed(token):
            raise InvalidToken("malformed-checkout-token")
        return await self._principal_of(hash_of(token))

    async def is_live(self, hashed: bytes) -> bool:
        """Whether the token of a caller who stayed, such as on a socket, still opens its order."""
        try:
            await self._principal_of(hashed)
        except InvalidToken:
            return False
        return True

    async def _principal_of(self, hashed: bytes) -> Principal:
        known, until = self._believed.get(hashed, (None, 0.0))
        if known is not None and self._now() < until:
            return known
        row = await self._database.row(CHECKOUT_TOKEN, {"token_hash": hashed, "after_end": AFTER_END})
        if row is None:
            raise InvalidToken("unknown-checkout-token")
        found = checkout_principal(row.order_id, row.expires_at.timestamp(), hashed)
        self._remember(hashed, found)
        return found

    def _remember(self, hashed: bytes, found: Principal) -> None:
        self._believed.pop(hashed, None)
        if len(self._believed) >= MOST_BELIEVED:
            del self._believed[next(iter(self._believed))]
        self._believed[hashed] = (found, self._now() + BELIEVED_SECONDS)
