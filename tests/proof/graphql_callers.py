"""GraphQL as a shop's systems and guests call it in the proof: the real schema, two servers' callers, no sockets."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from secrets import token_urlsafe
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from graph.context import Context, ContextMaker, PaymentSettings
from graph.schema import schema
from graph.serving.documents import Documents
from main import build_use_cases
from runtime.database.database import Database
from services.identity.callers import Callers
from services.identity.checkout_tokens import CheckoutTokens
from services.identity.rate_limits import RateLimits
from services.identity.service_keys import ServiceKeys
from services.identity.token_rules import TokenRules
from services.identity.tokens import TokenVerifier
from services.notifications.order_news import OrderNews
from services.payments.payment_intents import PaymentIntents
from tests.proof.gateway import SandboxGateway
from tests.proof.one_moment import at_one_moment

Server = Literal["this", "other"]
LIMIT = 1_000_000  # calls a minute: the proof is in no hurry to be refused
OPERATIONS = {
    "import": "mutation($input: ImportOrderInput!) { done: importOrder(input: $input) { __typename } }",
    "update": "mutation($input: UpdateOrderInput!) { done: updateOrder(input: $input) { __typename } }",
    "refund": "mutation($input: RefundOrderInput!) { done: refundOrder(input: $input)"
    " { __typename ... on Refund { id requestedBy } } }",
    "cancel": "mutation($id: ID!) { done: cancelOrder(orderId: $id) { __typename } }",
    "pay": "mutation($id: ID!) { done: createPaymentIntent(orderId: $id)"
    " { __typename ... on PaymentIntent { id clientSecret } } }",
    "read": "query($id: ID!) { done: order(id: $id) { __typename id status } }",
    "read the feed": "query { done: events(first: 5) { __typename } }",
    "close a case": 'mutation($id: ID!) { done: closeAttention(id: $id, note: "-") { __typename } }',
    "make a token": "mutation($id: ID!, $minutes: Int!) { done: createCheckoutToken(orderId: $id, minutes: $minutes)"
    " { __typename ... on CheckoutToken { token } } }",
    "make a key": "mutation($input: CreateServiceKeyInput!) { done: createServiceKey(input: $input)"
    " { __typename ... on NewServiceKey { secret key { id scopes } } } }",
    "revoke a key": "mutation($id: ID!) { done: revokeServiceKey(id: $id) { __typename } }",
}
# What callers can change, with who did it.
CHANGEABLE = at_one_moment(
    {
        "orders": "SELECT id, status, version, cancel_reason FROM orders ORDER BY id",
        "payments": "SELECT id, state, amount FROM payments ORDER BY id",
        "refunds": "SELECT id, requested_by AS done_by FROM refunds ORDER BY id",
        "closed": "SELECT id, closed_by AS done_by FROM attention WHERE closed_by IS NOT NULL ORDER BY id",
        "tokens": "SELECT encode(token_hash, 'hex') AS id, created_by AS done_by FROM checkout_tokens ORDER BY 1",
        "keys": "SELECT id, created_by AS done_by, revoked_at IS NULL AS good FROM service_keys ORDER BY id",
    }
)
BY_SOMEBODY = ("refunds", "closed", "tokens", "keys")
# The order ended an hour ago, by what the feed says of its statuses, and was not open since, whatever else happened.
OPENS_NOTHING = text(
    "SELECT 1 FROM orders AS o WHERE id = :order_id AND status NOT IN ('pending', 'review')"
    " AND (updated_at < now() - interval '61 minutes' OR EXISTS ("
    "SELECT 1 FROM shop_events AS ended WHERE ended.order_id = o.id"
    " AND ended.order_status NOT IN ('pending', 'review') AND ended.created_at < now() - interval '61 minutes'"
    " AND NOT EXISTS (SELECT 1 FROM shop_events AS later WHERE later.order_id = o.id"
    " AND later.order_status IN ('pending', 'review') AND later.written > ended.written)))"
)


@dataclass
class Answer:
    """`code` of a top-level error; `data` of the one field that was asked for."""

    code: str | None
    data: dict[str, Any] | None

    @property
    def type(self) -> str | None:
        return self.data["__typename"] if self.data else None


@dataclass
class Books:
    """What callers can change, at one moment."""

    tables: dict[str, list[dict[str, Any]]]

    def new_since(self, before: "Books") -> list[tuple[str, dict[str, Any]]]:
        """Rows of what somebody did, that were not there before."""
        return [
            (table, row)
            for table in BY_SOMEBODY
            for row in self.tables[table]
            if row["id"] not in {known["id"] for known in before.tables[table]}
        ]

    def renamed_since(self, before: "Books") -> list[tuple[str, dict[str, Any]]]:
        """Rows that were there before, and are somebody else's deed now."""
        known = {(table, row["id"]): row["done_by"] for table in BY_SOMEBODY for row in before.tables[table]}
        return [
            (table, row)
            for table in BY_SOMEBODY
            for row in self.tables[table]
            if known.get((table, row["id"]), row["done_by"]) != row["done_by"]
        ]

    def canceled_since(self, before: "Books") -> set[str | None]:
        """The reasons of the orders that were canceled since."""
        known = {row["id"] for row in before.tables["orders"] if row["status"] == "canceled"}
        orders = self.tables["orders"]
        return {
            row["cancel_reason"] for row in orders if row["status"] == "canceled" and row["id"] not in known
        }


@dataclass
class Credential:
    """`born`, `ended_at` and `ends` are seconds of the proof; `is_gone` after a backup that knew nothing of it."""

    name: str  # by which what it did is recorded
    secret: str
    born: float
    ends: float
    born_on: Server
    scopes: frozenset[str] = frozenset()
    order_id: UUID | None = None
    ended_at: float | None = None
    ended_on: Server | None = None
    is_gone: bool = False
    key_id: str = ""


@dataclass
class GraphQLCallers:
    """`seconds` is the time of the proof, which passes when it says so; what servers believe ends by it.

    `clock` is seconds since 1970 as the servers read it; the database's rows are made older instead.
    """

    database: Database
    seconds: Callable[[], float]
    clock: Callable[[], float]
    servers: dict[Server, ContextMaker] = field(default_factory=dict)

    def open(self, gateway: SandboxGateway, payments: PaymentIntents) -> None:
        """Two servers begin; neither remembers anything."""
        self.servers = {"this": self._server(gateway, payments), "other": self._server(gateway, payments)}

    def _server(self, gateway: SandboxGateway, payments: PaymentIntents) -> ContextMaker:
        keys = ServiceKeys(self.database, now=self.seconds, clock=self.clock)
        tokens = CheckoutTokens(self.database, now=self.seconds)
        callers = Callers(TokenVerifier(TokenRules(secrets=(token_urlsafe(40),))), keys, tokens)
        built = build_use_cases(self.database, gateway, OrderNews(""), callers)  # type: ignore[arg-type]
        use_cases = replace(built, payment_intents=payments)
        limits = RateLimits(orders_per_user=LIMIT, payments_per_user=LIMIT, payments_per_order=LIMIT)
        anonymous = Context(None, use_cases, PaymentSettings("", ""), Documents(), limits, introspection=True)
        return ContextMaker(callers, anonymous)

    async def call(self, server: Server, secret: str, deed: str, variables: dict[str, Any]) -> Answer:
        maker = self.servers[server]
        context = maker.anonymous.for_request(maker.callers, "")
        await maker.sign_in(context, secret)
        result = await schema.execute(OPERATIONS[deed], variables, context_value=context)
        codes = [(error.extensions or {}).get("code", str(error)) for error in result.errors or ()]
        return Answer(codes[0] if codes else None, (result.data or {}).get("done"))

    async def books(self) -> Books:
        row = await self.database.row(CHANGEABLE)
        assert row is not None
        return Books(row._asdict())

    async def opens_nothing(self, order_id: UUID) -> bool:
        """Whether a token of this order has ended with it for sure."""
        return bool(await self.database.rows(OPENS_NOTHING, {"order_id": order_id}))
