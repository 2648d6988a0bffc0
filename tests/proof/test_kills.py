"""A server that is killed at any point leaves nothing that a restart, a retry and a sweep don't mend."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.payments import failpoints
from tests.client import Client
from tests.conftest import JWT_SECRET, STRIPE, Stripe
from tests.e2e.processes import Running, Shell, shell
from tests.integration.payments.test_cancel_order import CANCEL
from tests.integration.payments.test_refund_order import REFUND
from tests.make import Shop
from tests.ports import free_ports

PAYING = (
    failpoints.PAYMENT_RECORDED,
    failpoints.STRIPE_ANSWERED,
    failpoints.PAYMENT_OPENED,
    failpoints.EVENT_STORED,
    failpoints.EVENT_APPLIED,
)


class Server:
    """`python main.py serve` on one port, started as often as it was killed."""

    def __init__(self, shell: Shell, database_url: str, stripe: Stripe, **others: str) -> None:
        port = free_ports()
        self.url = f"http://127.0.0.1:{port}"
        self._shell = shell
        self._settings = {
            "DATABASE_URL": database_url,
            "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
            "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
            "STRIPE_WEBHOOK_SECRET": STRIPE.webhook_secret,
            "STRIPE_API_BASE": stripe.url,
            "JWT_SECRET": JWT_SECRET,
            "PORT": str(port),
            **others,
        }
        stripe.sandbox.webhooks.set_url(f"{self.url}/webhooks/stripe")

    async def start(self, failpoint: str | None = None) -> Running:
        off = {"PAYGRAPH_FAILPOINT": failpoint} if failpoint else {}
        running = self._shell.start("serve", **self._settings, **off)
        await asyncio.to_thread(running.answers, f"{self.url}/livez")
        return running

    async def start_reconciled(self) -> None:
        running = self._shell.start("serve", "--reconcile-first", **self._settings)
        await asyncio.to_thread(running.answers, f"{self.url}/livez")

    async def reconcile(self) -> int:
        done = await asyncio.to_thread(lambda: self._shell.run("reconcile", **self._settings))
        return done.code


async def is_killed(running: Running) -> bool:
    """Whether the process ended as by a power cut, within a second or two."""
    for _ in range(100):
        if running.process.poll() is not None:
            return running.process.returncode == -signal.SIGKILL
        await asyncio.sleep(0.02)
    return False


@pytest.fixture
def server(tmp_path: Path, postgres_url: str, stripe: Stripe, database: Database) -> Iterator[Server]:
    with shell(tmp_path) as made:
        yield Server(made, postgres_url, stripe)
    stripe.sandbox.webhooks.set_url(None)


@pytest.fixture
async def ada(server: Server) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        yield Client(http, JWT_SECRET)


def the_server_may_die() -> AbstractContextManager[None]:
    return suppress(httpx.TransportError)


async def free_leases(shop: Shop, order_id: UUID) -> None:
    """The time passes that a dead caller's lease has left."""
    for payment in await shop.payments(order_id):
        await shop.set_payment(payment.id, lease_until=None)


async def refund(client: Client, order_id: UUID) -> dict[str, Any]:
    wish = {"input": {"orderId": str(order_id), "idempotencyKey": "k"}}
    data = await client.data(REFUND, wish, user="shopkeeper", role="merchant")
    result: dict[str, Any] = data["refundOrder"]
    return result


def paid(stripe: Stripe) -> list[dict[str, Any]]:
    return [i for i in stripe.sandbox.state.payment_intents if i["status"] == "succeeded"]


def payable(stripe: Stripe) -> list[dict[str, Any]]:
    return [i for i in stripe.sandbox.state.payment_intents if i["status"].startswith("requires")]


@pytest.mark.parametrize("failpoint", PAYING)
async def test_killed_while_an_order_is_paid_it_is_paid_once_all_the_same(
    failpoint: str, server: Server, ada: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    doomed = await server.start(failpoint)
    with the_server_may_die():
        stripe.sandbox.pay((await ada.pay(order_id))["id"])
    assert await is_killed(doomed)

    await server.start()
    await free_leases(shop, order_id)
    answer = await ada.pay(order_id)
    if answer["__typename"] == "PaymentIntent":
        stripe.sandbox.pay(answer["id"])
    code = await server.reconcile()

    assert (code, await shop.status(order_id)) == (0, OrderStatus.PAID)
    assert len(paid(stripe)) == 1
    assert payable(stripe) == []
    assert [p.state for p in await shop.payments(order_id)] == ["succeeded"]


@pytest.mark.parametrize("failpoint", [failpoints.REFUND_RECORDED, failpoints.REFUND_MADE])
async def test_killed_while_money_goes_back_it_goes_back_once(
    failpoint: str, server: Server, ada: Client, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    doomed = await server.start(failpoint)
    stripe.sandbox.pay((await ada.pay(order_id))["id"])
    await shop.until(order_id, OrderStatus.PAID)
    with the_server_may_die():
        await refund(ada, order_id)
    assert await is_killed(doomed)

    await server.start()
    await refund(ada, order_id)
    code = await server.reconcile()

    assert [made["amount"] for made in stripe.sandbox.state.refunds] == [5_248]
    assert (code, await shop.status(order_id)) == (0, OrderStatus.REFUNDED)


async def test_killed_after_an_order_was_closed_its_intent_is_canceled_all_the_same(
    server: Server, ada: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    doomed = await server.start(failpoints.ORDER_CLOSED)
    await ada.pay(order_id)
    with the_server_may_die():
        await ada.data(CANCEL, {"orderId": str(order_id)})
    assert await is_killed(doomed)

    code = await server.reconcile()

    assert (code, await shop.status(order_id), payable(stripe)) == (0, OrderStatus.CANCELED, [])


async def test_a_restored_backup_is_reconciled_before_the_port_opens(
    server: Server, ada: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    doomed = await server.start()
    intent_id = (await ada.pay(order_id))["id"]
    await asyncio.to_thread(doomed.stop)
    stripe.sandbox.pay(intent_id)
    await shop.forget_payments()

    await server.start_reconciled()

    assert await shop.status(order_id) is OrderStatus.PAID
