"""The official SDK drives the sandbox over real HTTP, in good weather and bad."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import stripe
from starlette.applications import Starlette

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Fault, Rule, parse_fault
from sandbox.http.app import build_sandbox
from sandbox.serve import served

CONFIG = SandboxConfig()
SECRET = CONFIG.secret_keys[0]
PARAMS: dict[str, Any] = {"amount": 1999, "currency": "usd", "metadata": {"order_id": "7"}}
Connect = Callable[..., stripe.StripeClient]


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[tuple[str, Starlette]]:
    app = build_sandbox(CONFIG)
    async with served(app) as url:
        yield url, app


@pytest.fixture
async def sandbox(address: tuple[str, Starlette]) -> Sandbox:
    sandbox: Sandbox = address[1].state.sandbox
    sandbox.reset()
    return sandbox


@pytest.fixture
async def connect(address: tuple[str, Starlette], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Clients of the sandbox; `timeout` in seconds."""
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    opened: list[stripe.AIOHTTPClient] = []

    def client(*, key: str = SECRET, retries: int = 0, timeout: float = 5) -> stripe.StripeClient:
        http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=timeout))
        opened.append(http)
        return stripe.StripeClient(
            key, base_addresses={"api": address[0]}, http_client=http, max_network_retries=retries
        )

    yield client
    for http in opened:
        await http.close_async()  # type: ignore[no-untyped-call]


def order(sandbox: Sandbox, fault: str, **rule: Any) -> None:
    sandbox.faults.add(Rule(fault=parse_fault(fault), method="POST", **rule))


async def create(client: stripe.StripeClient, key: str = "k") -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {"amount": 1999, "currency": "usd", "metadata": {"order_id": "7"}}, {"idempotency_key": key}
    )


async def test_an_order_is_paid_and_refunded(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    intent = await create(client)
    paid = await client.v1.payment_intents.confirm_async(
        intent.id,
        {"payment_method": "pm_card_visa", "return_url": "https://shop.test/", "expand": ["latest_charge"]},
    )
    assert (paid.status, paid.amount_received) == ("succeeded", 1999)
    assert isinstance(paid.latest_charge, stripe.Charge)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    assert refund.status == "succeeded"
    events = await client.v1.events.list_async({"type": "payment_intent.succeeded"})
    assert [event.data.object["id"] for event in events.data] == [intent.id]
    assert (await client.v1.balance.retrieve_async()).available[0].amount == 1499


async def test_a_raw_request_keeps_headers_and_replays(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    first = await client.raw_request_async("post", "/v1/payment_intents", idempotency_key="k", **PARAMS)
    again = await client.raw_request_async("post", "/v1/payment_intents", idempotency_key="k", **PARAMS)
    assert first.data["id"] == again.data["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Stripe-Version"] == stripe.api_version
    assert first.request_id == first.headers["Request-Id"] != again.request_id


async def test_lists_page_through_everything(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    made = [(await create(client, f"k{number}")).id for number in range(7)]
    page = await client.v1.payment_intents.list_async({"limit": 3, "created": {"gte": 0}})
    assert [intent.id async for intent in page.auto_paging_iter()] == made[::-1]


async def test_refusals_arrive_as_the_sdks_own_errors(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    intent = await create(client)
    with pytest.raises(stripe.IdempotencyError):
        await client.v1.payment_intents.create_async(
            {"amount": 5, "currency": "usd"}, {"idempotency_key": "k"}
        )
    with pytest.raises(stripe.InvalidRequestError) as small:
        await client.v1.payment_intents.create_async({"amount": 5, "currency": "usd"})
    assert small.value.code == "amount_too_small"
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_chargeDeclined", "return_url": "https://shop.test/"}
        )
    assert declined.value.code == "card_declined"
    with pytest.raises(stripe.AuthenticationError):
        await connect(key="sk_test_wrong").v1.balance.retrieve_async()
    with pytest.raises(stripe.InvalidRequestError) as types:
        await client.raw_request_async("post", "/v1/payment_intents", payment_method_types=["card"], **PARAMS)
    assert types.value.code == "payment_method_types_no_longer_supported"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", stripe.RateLimitError),
        ("409", stripe.APIError),
        ("500", stripe.APIError),
        ("502", stripe.APIError),
        ("reset", stripe.APIConnectionError),
        ("hang; seconds=30", stripe.APIConnectionError),
        ("slow_header; seconds=30", stripe.APIConnectionError),
    ],
)
@pytest.mark.parametrize("point", ["before", "after"])
async def test_each_fault_looks_to_the_sdk_as_it_would(
    connect: Connect, sandbox: Sandbox, fault: str, point: str, error: type[Exception]
) -> None:
    order(sandbox, f"{fault}; point={point}")
    with pytest.raises(error):
        await create(connect(timeout=0.3))
    made = len(sandbox.state.payment_intents)
    assert made == (1 if point == "after" else 0)


async def test_a_body_that_breaks_off_is_noticed_while_it_is_read(connect: Connect, sandbox: Sandbox) -> None:
    """The SDK's aiohttp client lets errors of reading the body escape as they are."""
    order(sandbox, "truncated")
    with pytest.raises((aiohttp.ClientPayloadError, stripe.APIConnectionError)):
        await create(connect())
    assert len(sandbox.state.payment_intents) == 1


async def test_a_retry_after_a_lost_answer_gets_it_and_makes_nothing_new(
    connect: Connect, sandbox: Sandbox
) -> None:
    order(sandbox, "reset; point=after")
    intent = await create(connect(retries=1))
    assert [each["id"] for each in sandbox.state.payment_intents] == [intent.id]
    lost, replayed = sandbox.journal.calls("POST")
    assert (lost["wire"], replayed["replayed"]) == ("reset", True)


async def test_the_sdk_tries_again_where_stripe_says_that_it_helps(
    connect: Connect, sandbox: Sandbox
) -> None:
    """`lock_timeout` is a 429, which the SDK leaves alone unless `Stripe-Should-Retry` says true."""
    order(sandbox, "lock_timeout")
    await create(connect(retries=1))
    assert [call["status"] for call in sandbox.journal.calls("POST")] == [429, 200]
    order(sandbox, "429")
    with pytest.raises(stripe.RateLimitError):
        await create(connect(retries=1))
    assert len(sandbox.journal.calls("POST")) == 3


async def test_a_slow_answer_arrives_in_the_end(connect: Connect, sandbox: Sandbox) -> None:
    order(sandbox, "slow_body; seconds=0.2", times=2)
    order(sandbox, "slow_header; seconds=0.1", nth=3)
    client = connect()
    for key in "abc":
        assert (await create(client, key)).status == "requires_payment_method"


async def test_many_calls_with_one_key_make_one_intent(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="slow_header", seconds=0.1), method="POST"))
    client = connect()
    results = await asyncio.gather(*(create(client) for _ in range(20)), return_exceptions=True)
    intents = {result.id for result in results if isinstance(result, stripe.PaymentIntent)}
    conflicts = [result for result in results if isinstance(result, stripe.APIError)]
    assert len(intents) == len(sandbox.state.payment_intents) == 1
    assert all(conflict.http_status == 409 for conflict in conflicts)
    assert conflicts


async def test_the_sdk_accepts_the_signature_of_every_event(connect: Connect, sandbox: Sandbox) -> None:
    intent = await create(connect())
    sandbox.pay(intent.id)
    for event in sandbox.state.events:
        signed = sandbox.webhook(event["id"])
        text = signed.body.decode()
        assert stripe.WebhookSignature.verify_header(
            text, signed.signature, CONFIG.webhook_secret, tolerance=300
        )
        parsed = stripe.Webhook.construct_event(signed.body, signed.signature, CONFIG.webhook_secret)
        assert parsed.id == event["id"]
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(text, signed.signature, "whsec_other", tolerance=300)
