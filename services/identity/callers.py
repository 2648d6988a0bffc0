"""Every door in one place: the caller behind a bearer token, whichever kind it is of."""

from services.identity.checkout_tokens import CheckoutTokens
from services.identity.opaque_tokens import CHECKOUT_TOKEN, SERVICE_KEY, prefix_of
from services.identity.principal import Principal
from services.identity.service_keys import ServiceKeys
from services.identity.tokens import TokenVerifier


class Callers:
    def __init__(
        self, verifier: TokenVerifier, service_keys: ServiceKeys, checkout_tokens: CheckoutTokens
    ) -> None:
        self._verifier = verifier
        self.service_keys = service_keys
        self._checkout_tokens = checkout_tokens

    async def principal_of(self, token: str) -> Principal:
        """Who brings this token; raises `InvalidToken`, or `DatabaseUnavailable` when a key can't be looked up."""
        kind = prefix_of(token)
        if kind == SERVICE_KEY:
            return await self.service_keys.principal_of(token)
        if kind == CHECKOUT_TOKEN:
            return await self._checkout_tokens.principal_of(token)
        return await self._verifier.verify(token)

    async def is_valid(self, principal: Principal) -> bool:
        """Whether a caller who stayed may stay: a key may be revoked meanwhile, and a checkout token ends with its
        order. The time is told by `expires_at`."""
        if principal.token_hash is not None:
            return await self._checkout_tokens.is_live(principal.token_hash)
        return principal.key_id is None or await self.service_keys.is_live(principal.key_id)
