"""What a resolver can reach: who is calling, and the use cases."""

import time
from dataclasses import dataclass, field
from typing import TypeAlias

import strawberry
import structlog
from graphql import GraphQLError
from starlette.requests import HTTPConnection

from graph.serving.credentials import Credentials
from graph.serving.documents import Documents
from graph.serving.spending import Spending
from graph.serving.work_limits import WorkLimits
from runtime.addresses import TrustedProxies
from runtime.database.database import DatabaseUnavailable
from runtime.observation import note
from services.identity.callers import Callers
from services.identity.principal import Permission, Principal
from services.identity.rate_limits import RateLimits
from services.identity.service_keys import ServiceKeys
from services.identity.tokens import KEYS_UNAVAILABLE, InvalidToken
from services.notifications.event_feed import EventFeed
from services.notifications.order_subscription import OrderSubscriptions
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.orders.checkout_tokens import CheckoutTokenMaker
from services.orders.imports import OrderImports
from services.orders.orders import Orders
from services.orders.products import Catalogue
from services.payments.money_moved import MoneyMoved
from services.payments.order_cancellation import OrderCancellation
from services.payments.order_changes import OrderChanges
from services.payments.payment_intents import PaymentIntents
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refunds import Refunds
from services.payments.reviews import Reviews
from services.reconciliation.attention_cases import AttentionCases

# To be told to sign in, pages would throw away a token that is good.
KEYS_AWAY = (
    "Tokens can't be checked at the moment. Nothing was done: the same operation may be repeated in a moment."
)

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
    checkout_tokens: CheckoutTokenMaker
    service_keys: ServiceKeys
    current_orders: RefreshFromStripe
    order_subscriptions: OrderSubscriptions
    order_cancellation: OrderCancellation
    payment_intents: PaymentIntents
    refunds: Refunds
    reviews: Reviews
    attention: AttentionCases
    event_feed: EventFeed
    webhook_endpoints: WebhookEndpoints
    money_moved: MoneyMoved


@dataclass(slots=True)
class Context:
    """Made anew for each request or socket; all but the principal outlives it.

    A socket's principal is known once its `connection_init` has come, with `connection_params` as it brought them.
    """

    principal: Principal | None
    use_cases: UseCases
    payments: PaymentSettings
    documents: Documents
    limits: RateLimits
    introspection: bool
    spending: Spending = field(default_factory=Spending)  # a new one for each operation
    work_limits: WorkLimits = field(default_factory=WorkLimits)  # one for all
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    address: str = ""  # where the request comes from, as far as its proxy is trusted
    connection_params: dict[str, object] | None = None
    # A token was brought, and could be neither believed nor refused.
    unknown_because: DatabaseUnavailable | GraphQLError | None = None
    callers: Callers | None = None

    def for_request(self, callers: Callers, address: str) -> "Context":
        """The same for another caller, who is not known yet. (`dataclasses.replace` takes ten times as long.)"""
        return Context(
            principal=None,
            use_cases=self.use_cases,
            payments=self.payments,
            documents=self.documents,
            limits=self.limits,
            introspection=self.introspection,
            spending=self.spending,
            work_limits=self.work_limits,
            proxies=self.proxies,
            address=address,
            callers=callers,
        )

    async def recheck(self) -> None:
        """Forget a caller whose token has ended or was revoked since they signed in, as on a socket."""
        if self.principal is None or self.callers is None:
            return
        try:
            valid = self.principal.expires_at > time.time() and await self.callers.is_valid(self.principal)
        except DatabaseUnavailable as error:
            self.unknown_because = error
        else:
            self.principal = self.principal if valid else None

    def caller(self) -> Principal | None:
        """The caller, whichever kind of token they brought; None for an anonymous one."""
        if self.unknown_because is not None:
            raise self.unknown_because
        return self.principal

    def require_principal(self) -> Principal:
        """The caller; strangers are told to sign in."""
        principal = self.caller()
        if principal is None:
            raise GraphQLError(
                "Sign in first: send a valid token as `Authorization: Bearer …`.",
                extensions={"code": "UNAUTHENTICATED"},
            )
        return principal

    def require_user(self) -> Principal:
        """A caller who has orders of their own: no service key and no checkout token."""
        principal = self.require_principal()
        if not principal.is_user:
            raise GraphQLError("This needs a user's token.", extensions={"code": "FORBIDDEN"})
        return principal

    def require(self, permission: Permission) -> Principal:
        """A caller who may do this to what is not theirs, such as a merchant or a key of the right scope."""
        principal = self.require_principal()
        if not principal.may(permission):
            raise GraphQLError(f"This caller may not {permission.value}.", extensions={"code": "FORBIDDEN"})
        return principal


@dataclass(frozen=True, slots=True)
class ContextMaker:
    """Finds out who is calling, once per request. An invalid token means an anonymous caller."""

    callers: Callers
    anonymous: Context
    credentials: Credentials = field(default_factory=Credentials)

    async def __call__(self, request: HTTPConnection) -> Context:
        address = request.client.host if request.client else ""
        context = self.anonymous.for_request(self.callers, address)
        await self.sign_in(context, self.credentials.token_of(request))
        note(user=context.principal.id if context.principal else None)
        return context

    async def sign_in(self, context: Context, token: str | None) -> None:
        """Make the context that of this token's caller."""
        context.principal, context.unknown_because = None, None
        if token is None:
            return
        try:
            context.principal = await self.callers.principal_of(token)
        except InvalidToken as error:
            # No token can be checked then, which is no client's fault.
            tell = log.warning if error.reason == KEYS_UNAVAILABLE else log.info
            tell("token refused", reason=error.reason)
            if error.reason == KEYS_UNAVAILABLE:
                context.unknown_because = GraphQLError(KEYS_AWAY, extensions={"code": "SERVICE_UNAVAILABLE"})
        except DatabaseUnavailable as error:
            log.warning("key not looked up", reason=str(error))
            context.unknown_because = error


Info: TypeAlias = strawberry.Info[Context, None]
