"""The shop's endpoints in tests: a dispatcher, a receiver, paid orders, and what became of their deliveries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Row
from services.identity.principal import Principal
from services.notifications.webhook_addresses import AddressRules
from services.notifications.webhook_dispatcher import WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_sender import WebhookSender
from tests.make import Shop
from tests.webhook_receiver import Receiver, receiving

HERE = AddressRules(loopback=True)
KEPT = timedelta(days=30)
MERCHANT = Principal("shopkeeper", roles=frozenset({"merchant"}))


@pytest.fixture
def endpoints(database: Database) -> WebhookEndpoints:
    return WebhookEndpoints(database, HERE)


@pytest.fixture
async def dispatcher(database: Database) -> AsyncIterator[WebhookDispatcher]:
    sender = WebhookSender(HERE, timeout=5.0)
    yield WebhookDispatcher(database, sender, kept=KEPT)
    await sender.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


async def paid_order(shop: Shop) -> UUID:
    order_id = await shop.order()
    await shop.set_order(order_id, status=OrderStatus.PAID, reference=f"A-{order_id}")
    return order_id


async def paid_orders(shop: Shop, count: int) -> None:
    """By plain SQL, in one transaction."""
    await shop.database.rows(
        text(
            "INSERT INTO orders (id, user_id, currency, created_at) SELECT gen_random_uuid(), 'ada', 'USD',"
            " now() - interval '1 hour' FROM generate_series(1, :count)"
        ),
        {"count": count},
    )
    await shop.database.rows(text("UPDATE orders SET status = 'paid' WHERE status = 'pending'"))


async def deliveries(database: Database) -> list[Row]:
    return list(
        await database.rows(
            text(
                "SELECT d.*, e.type FROM webhook_deliveries d JOIN shop_events e ON e.id = d.event_id"
                " ORDER BY e.position, d.id"
            )
        )
    )


async def endpoint(database: Database) -> Row:
    [row] = await database.rows(text("SELECT * FROM webhook_endpoints"))
    return row


async def make_due(database: Database, age: timedelta = timedelta(0)) -> None:
    """As if so much time had passed, and what is postponed were due."""
    for change in (
        "UPDATE webhook_deliveries SET due_at = now(), began_at = began_at - CAST(:age AS interval)"
        " WHERE status = 'due'",
        "UPDATE webhook_endpoints SET failing_since = failing_since - CAST(:age AS interval)",
    ):
        await database.rows(text(change), {"age": age} if ":age" in change else {})


@asynccontextmanager
async def at_work(database: Database, **options: Any) -> AsyncIterator[WebhookDispatcher]:
    made = WebhookDispatcher(database, WebhookSender(HERE, timeout=15.0), kept=KEPT, **options)
    async with made.at_work():
        yield made
