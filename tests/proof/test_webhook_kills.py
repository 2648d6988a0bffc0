"""P11: whatever the endpoint does and however often the server is killed, the shop hears of every paid order."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.notifications.event_feed import EventFeed
from services.payments import failpoints
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe
from tests.e2e.processes import shell
from tests.integration.notifications.test_webhook_endpoints import CREATE, MERCHANT
from tests.make import Shop
from tests.proof.test_kills import Server, is_killed, the_server_may_die
from tests.webhook_receiver import HANG_UP, Received, receiving

ORDERS = 6
KILLS = 3
LEASES_RUN_OUT = text("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'due'")


@pytest.fixture
def server(tmp_path: Path, postgres_url: str, stripe: Stripe, database: Database) -> Iterator[Server]:
    with shell(tmp_path) as made:
        yield Server(made, postgres_url, stripe, WEBHOOKS_TO_PRIVATE_NETWORKS="true")
    stripe.sandbox.webhooks.set_url(None)


async def test_every_paid_order_is_heard_of_though_the_endpoint_fails_and_the_server_is_killed(
    server: Server, shop: Shop, stripe: Stripe
) -> None:
    luck = random.Random(11)  # noqa: S311  no secret

    def reply(_: Received) -> Any:
        return luck.choice([(204, b""), (204, b""), (500, b""), HANG_UP])

    async with receiving(reply=reply) as receiver, httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        client = Client(http, JWT_SECRET)
        orders = [await shop.order() for _ in range(ORDERS)]
        running = await server.start(failpoints.WEBHOOK_ANSWERED)
        wish = {"input": {"url": receiver.url, "types": ["ORDER_PAID"]}}
        made = (await client.data(CREATE, wish, **MERCHANT))["createWebhookEndpoint"]
        assert made["__typename"] == "NewWebhookEndpoint", made
        with the_server_may_die():
            await pay_all(client, stripe, orders)
        for number in range(KILLS):
            assert await is_killed(running)
            await shop.database.rows(LEASES_RUN_OUT)
            running = await server.start(failpoints.WEBHOOK_ANSWERED if number < KILLS - 1 else None)
        await pay_all(client, stripe, orders)  # what the killed server could not do
        await server.reconcile()
        for order_id in orders:
            await shop.until(order_id, OrderStatus.PAID)

        async with asyncio.timeout(60):
            while not set(map(str, orders)) <= {m.message["data"]["orderId"] for m in receiver.received}:
                await shop.database.rows(LEASES_RUN_OUT)
                await asyncio.sleep(0.05)

        feed = await EventFeed(shop.database).page(first=100, after=None)
        assert {event.order_id for event in feed.items if event.type == "order_paid"} == set(orders)


async def pay_all(client: Client, stripe: Stripe, orders: list[UUID]) -> None:
    for order_id in orders:
        intent = await client.pay(order_id)
        if intent["__typename"] == "PaymentIntent":
            stripe.sandbox.pay(intent["id"])
