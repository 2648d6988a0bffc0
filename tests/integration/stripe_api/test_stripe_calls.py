"""What goes over the wire to Stripe: version, key, nothing about us, and one more try of what may be tried again."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from uuid import UUID

import pytest
import stripe as sdk
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.metrics import COUNTS
from sandbox.serve import served
from services.payments.intents import AccessDenied, GatewayError, IntentRequest, OutcomeUnknown, RefundRequest
from services.payments.payment_intents import DEADLINE, LEASE
from services.stripe_api.gateway import API_VERSION, NETWORK_RETRIES, StripeGateway
from services.stripe_api.metrics import CALLS
from services.stripe_api.transport import TRY_TIMEOUT
from tests.numbers import numbers_of

KEY = "sk_test_on_the_wire"
WANTED = IntentRequest(payment_id=UUID(int=1), order_id=UUID(int=2), amount=1_999, currency="USD")
INTENT = {
    "id": "pi_1", "object": "payment_intent", "status": "requires_payment_method",
    "amount": 1_999, "amount_received": 0, "currency": "usd", "metadata": {}, "client_secret": "pi_1_secret_x",
}  # fmt: skip


@dataclass
class Wire:
    """The other end: what came, and the statuses that are answered until they are used up; then 200."""

    statuses: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], str]] = field(default_factory=list)
    body: bytes = json.dumps(INTENT).encode()  # of a 200

    async def take(self, request: Request) -> Response:
        self.came.append((dict(request.headers), (await request.body()).decode()))
        status = self.statuses.pop(0) if self.statuses else 200
        body = self.body if status == 200 else b'{"error": {"message": "no"}}'
        return Response(body, status, {"Request-Id": f"req_{len(self.came)}"})


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def gateway(wire: Wire) -> AsyncIterator[StripeGateway]:
    app = Starlette(routes=[Route("/v1/{rest:path}", wire.take, methods=["GET", "POST"])])
    async with served(app) as url:
        made = StripeGateway(KEY, api_base=url)
        yield made
        await made.close()


async def test_a_call_carries_its_version_and_key_and_tells_nothing_of_this_machine(
    gateway: StripeGateway, wire: Wire
) -> None:
    for _ in range(2):  # the SDK's telemetry would tell of the first call in the second
        await gateway.create_intent(WANTED)

    for headers, body in wire.came:
        assert headers["stripe-version"] == API_VERSION == sdk.api_version
        assert headers["authorization"] == f"Bearer {KEY}"
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert headers["idempotency-key"] == WANTED.idempotency_key
        assert "x-stripe-client-telemetry" not in headers
        assert "platform" not in headers["x-stripe-client-user-agent"]
        assert body.split("&") == [
            "amount=1999",
            "currency=usd",
            f"metadata%5Border_id%5D={WANTED.order_id}",
            f"metadata%5Bpayment_id%5D={WANTED.payment_id}",
        ]


@pytest.mark.parametrize("status", [502, 409])
async def test_what_may_be_tried_again_is_tried_once_more_under_the_same_key(
    gateway: StripeGateway, wire: Wire, status: int
) -> None:
    wire.statuses = [status]
    assert (await gateway.create_intent(WANTED)).id == "pi_1"
    assert [headers["idempotency-key"] for headers, _ in wire.came] == [WANTED.idempotency_key] * 2

    wire.came.clear()
    wire.statuses = [status] * 9
    with pytest.raises(GatewayError):
        await gateway.create_intent(WANTED)
    assert len(wire.came) == 1 + NETWORK_RETRIES == 2


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429])
async def test_what_was_refused_is_not_tried_again(gateway: StripeGateway, wire: Wire, status: int) -> None:
    wire.statuses = [status] * 9
    with pytest.raises(GatewayError):
        await gateway.create_intent(WANTED)
    assert len(wire.came) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Sign in to the Wi-Fi</html>", b"[]", b"null", b'"ok"', b'{"ok": true}', b"[" * 100_000],
)
async def test_a_200_that_stripe_did_not_send_leaves_the_outcome_unknown(
    gateway: StripeGateway, wire: Wire, body: bytes
) -> None:
    wire.body = body
    with pytest.raises(OutcomeUnknown):
        await gateway.create_intent(WANTED)


def test_a_call_ends_before_its_caller_gives_up_and_its_lease_outlives_both() -> None:
    assert TRY_TIMEOUT.total is not None
    pauses = NETWORK_RETRIES * sdk.HTTPClient.INITIAL_DELAY
    assert (1 + NETWORK_RETRIES) * TRY_TIMEOUT.total + pauses < DEADLINE <= 10
    assert LEASE.total_seconds() >= DEADLINE


async def test_every_call_has_a_name_that_is_counted_from_zero(gateway: StripeGateway, wire: Wire) -> None:
    refund = RefundRequest(refund_id=UUID(int=3), attempt=1, intent_id="pi_1", amount=1, reason=None)
    now = datetime.now(UTC)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create_intent": lambda: gateway.create_intent(WANTED),
        "retrieve_intent": lambda: gateway.retrieve_intent("pi_1"),
        "reprice_intent": lambda: gateway.reprice_intent("pi_1", 1, idempotency_key="k"),
        "cancel_intent": lambda: gateway.cancel_intent("pi_1"),
        "list_intents": lambda: gateway.list_intents(now),
        "list_events": lambda: gateway.list_events(now),
        "intent_id_of": lambda: gateway.intent_id_of("re_1"),
        "create_refund": lambda: gateway.create_refund(refund),
        "list_refunds": lambda: gateway.list_refunds("pi_1"),
        "list_disputes": lambda: gateway.list_disputes("pi_1"),
        "ping": gateway.ping,
    }
    verbs = {
        name for name, each in vars(StripeGateway).items() if iscoroutinefunction(each) and name[0] != "_"
    }
    assert verbs - {"close", "probe"} == set(calls)
    others: list[Callable[[], Awaitable[object]]] = [
        lambda: gateway.intent_id_of("ch_1"),
        lambda: gateway.intent_id_of("dp_1"),
    ]
    for call in (*calls.values(), *others):
        wire.statuses = [401]
        with pytest.raises(AccessDenied):
            await call()
    denied = numbers_of(generate_latest(COUNTS).decode()).labelled("paygraph_stripe_calls_total")
    assert {call for call, outcome in denied if outcome == "AccessDenied"} == set(CALLS)
