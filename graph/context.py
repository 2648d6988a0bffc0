"""What a resolver can reach: who is calling, and the use cases."""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import strawberry
import structlog
from graphql import GraphQLError
from starlette.requests import HTTPConnection

from graph.serving.bounds import Spending
from graph.serving.credentials import Credentials, bearer_token
from graph.serving.documents import Documents
from runtime.observation import note
from services.identity.rate_limits import RateLimits
from services.identity.tokens import KEYS_UNAVAILABLE, InvalidToken, TokenVerifier, User
from services.notifications.order_subscription import OrderSubscriptions
from services.orders.imports import OrderImports
from services.orders.orders import Orders
from services.orders.products import Catalogue
from services.payments.order_cancellation import OrderCancellation
from services.payments.order_changes import OrderChanges
from services.payments.payment_intents import PaymentIntents
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refunds import Refunds

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """What a browser needs to speak to Stripe; nothing of it is secret."""

    publishable_key: str
    api_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What resolvers may call. Each is built once, in main.py, and serves every request."""

    catalogue: Catalogue
    orders: Orders
    order_changes: OrderChanges
    order_imports: OrderImports
    current_orders: RefreshFromStripe
    order_subscriptions: OrderSubscriptions
    order_cancellation: OrderCancellation
    payment_intents: PaymentIntents
    refunds: Refunds


@dataclass(slots=True)
class Context:
    """Made anew for each request or socket; all but the user outlives it.

    A socket's user is known once its `connection_init` has come, with `connection_params` as it brought them.
    """

    user: User | None
    use_cases: UseCases
    payments: PaymentSettings
    documents: Documents
    limits: RateLimits
    introspection: bool
    spending: Spending = field(default_factory=Spending)  # a new one for each operation
    connection_params: dict[str, object] | None = None

    @property
    def is_merchant(self) -> bool:
        return self.user is not None and self.user.is_merchant

    def require_merchant(self) -> User:
        user = self.require_user()
        if not user.is_merchant:
            raise GraphQLError("Only a merchant may do this.", extensions={"code": "FORBIDDEN"})
        return user

    def require_user(self) -> User:
        if self.user is None:
            raise GraphQLError(
                "Sign in first: send a valid token as `Authorization: Bearer …`.",
                extensions={"code": "UNAUTHENTICATED"},
            )
        return self.user


@dataclass(frozen=True, slots=True)
class ContextMaker:
    """Verifies who is calling, once per request. An invalid token means an anonymous caller."""

    verifier: TokenVerifier
    anonymous: Context
    credentials: Credentials = field(default_factory=Credentials)

    async def __call__(self, request: HTTPConnection) -> Context:
        user = await self.user_with(self.credentials.token_of(request))
        note(user=user.id if user else None)
        return replace(self.anonymous, user=user)

    async def user_of(self, authorization: str | None) -> User | None:
        return await self.user_with(bearer_token(authorization))

    async def user_with(self, token: str | None) -> User | None:
        if token is None:
            return None
        try:
            return await self.verifier.verify(token)
        except InvalidToken as error:
            # Nobody can sign in, which is no client's fault.
            tell = log.error if error.reason == KEYS_UNAVAILABLE else log.info
            tell("token refused", reason=error.reason)
            return None


Info: TypeAlias = strawberry.Info[Context, None]
