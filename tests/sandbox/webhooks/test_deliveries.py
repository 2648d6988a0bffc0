"""Webhooks really delivered: signed, tried again, and wrong where a fault is injected."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from sandbox.webhooks.dispatch import WebhookFault

SECRET = "whsec_for_this_test"
PARAMS = {"amount": "1999", "currency": "usd"}


@dataclass
class Endpoint:
    """A shop's webhook: remembers what came, and answers with the statuses it was given, then 200."""

    statuses: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    async def take(self, request: Request) -> Response:
        body = await request.body()
        try:
            event = stripe.Webhook.construct_event(body, request.headers["stripe-signature"], SECRET)
        except stripe.SignatureVerificationError:
            self.refused += 1
            return Response(status_code=400)
        self.received.append(event.to_dict())
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.received]


@dataclass
class Stage:
    url: str
    sandbox: Sandbox
    endpoint: Endpoint
    idle: Callable[[], Awaitable[None]]
    http: aiohttp.ClientSession

    async def create(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.sandbox.config.secret_keys[0]}"}
        async with self.http.post(f"{self.url}/v1/payment_intents", data=PARAMS, headers=headers) as response:
            intent: dict[str, Any] = await response.json()
            return intent


@asynccontextmanager
async def staged(endpoint: Endpoint) -> AsyncIterator[Stage]:
    shop = Starlette(routes=[Route("/hook", endpoint.take, methods=["POST"])])
    async with served(shop) as shop_url:
        config = SandboxConfig(
            webhook_url=f"{shop_url}/hook", webhook_secret=SECRET, retry_delays=(0.02, 0.02)
        )
        app = build_sandbox(config)
        async with served(app) as url, aiohttp.ClientSession() as http:
            yield Stage(url, app.state.sandbox, endpoint, app.state.postman.idle, http)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(Endpoint()) as stage:
        yield stage


def pending(stage: Stage) -> list[int]:
    return [event["pending_webhooks"] for event in stage.sandbox.state.events]


async def test_an_event_is_delivered_signed_and_counted(stage: Stage) -> None:
    intent = await stage.create()
    await stage.idle()
    (event,) = stage.endpoint.received
    assert (event["type"], event["data"]["object"]["id"]) == ("payment_intent.created", intent["id"])
    assert pending(stage) == [0]
    (attempt,) = stage.sandbox.journal.deliveries(event["id"])
    assert (attempt["status"], attempt["attempt"]) == (200, 1)


async def test_a_refused_event_is_tried_again(stage: Stage) -> None:
    stage.endpoint.statuses = [500, 302]
    await stage.create()
    await stage.idle()
    assert len(stage.endpoint.received) == 3
    assert pending(stage) == [0]
    assert [attempt["status"] for attempt in stage.sandbox.journal.deliveries()] == [500, 302, 200]


async def test_an_event_never_taken_stays_undelivered_until_it_is_sent_again(stage: Stage) -> None:
    stage.endpoint.statuses = [500] * 3
    await stage.create()
    await stage.idle()
    assert pending(stage) == [1]
    (event,) = stage.sandbox.call("GET", "/v1/events", {"delivery_success": False}).json()["data"]
    stage.sandbox.webhooks.redeliver(event["id"])
    await stage.idle()
    assert pending(stage) == [0]


async def test_a_shop_that_is_down_is_waited_for(stage: Stage) -> None:
    url = stage.sandbox.webhooks.url
    stage.sandbox.webhooks.set_url("http://127.0.0.1:1/hook")
    await stage.create()
    await stage.idle()
    assert stage.sandbox.journal.deliveries()[-1]["error"] == "ClientConnectorError"
    stage.sandbox.webhooks.set_url(url)
    stage.sandbox.webhooks.resume()
    await stage.idle()
    assert (pending(stage), len(stage.endpoint.received)) == ([0], 1)


async def test_a_dropped_event_never_comes(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="dropped", type="charge.*"))
    stage.sandbox.pay((await stage.create())["id"])
    await stage.idle()
    assert sorted(stage.endpoint.types) == ["payment_intent.created", "payment_intent.succeeded"]
    assert sum(pending(stage)) == 1


async def test_a_duplicate_comes_as_often_as_ordered(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="duplicate", copies=5))
    await stage.create()
    await stage.idle()
    assert len(stage.endpoint.received) == 5
    assert len({event["id"] for event in stage.endpoint.received}) == 1


async def test_a_reordered_event_comes_after_the_next(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="reordered", type="payment_intent.created"))
    intent = await stage.create()
    stage.sandbox.cancel(intent["id"])
    await stage.idle()
    assert stage.endpoint.types == ["payment_intent.canceled", "payment_intent.created"]


async def test_a_delayed_event_comes_later(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="delayed", seconds=0.2))
    began = time.monotonic()
    await stage.create()
    await stage.idle()
    assert time.monotonic() - began >= 0.2
    assert len(stage.endpoint.received) == 1


async def test_an_early_event_comes_before_the_answer(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="early"))
    await stage.create()
    assert len(stage.endpoint.received) == 1


async def test_a_corrupted_signature_is_refused_and_the_retry_taken(stage: Stage) -> None:
    stage.sandbox.webhooks.faults.append(WebhookFault(kind="corrupted"))
    await stage.create()
    await stage.idle()
    assert (stage.endpoint.refused, len(stage.endpoint.received)) == (1, 1)


async def test_a_burst_is_delivered_whole(stage: Stage) -> None:
    made = await asyncio.gather(*(stage.create() for _ in range(100)))
    await stage.idle()
    assert {event["data"]["object"]["id"] for event in stage.endpoint.received} == {
        each["id"] for each in made
    }


async def test_the_sandbox_stops_while_deliveries_wait() -> None:
    endpoint = Endpoint(statuses=[500] * 9)
    async with staged(endpoint) as stage:
        stage.sandbox.webhooks.faults.append(WebhookFault(kind="delayed", seconds=60))
        await stage.create()
    assert endpoint.received == []
