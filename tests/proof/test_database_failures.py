"""PostgreSQL that is restarted as by a power cut, has no connection left, or picks us as a deadlock's victim."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from main import build_app
from models import OrderStatus
from runtime.database.database import Database, DatabaseUnavailable, Transaction, build_database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.serve import served
from services.identity.refusals import Refusal
from services.payments import failpoints
from services.payments.refusals import PaymentInProgress
from tests.client import Client
from tests.conftest import EMPTY, JWT_SECRET, Stripe, make_settings, running
from tests.events import WEBHOOK_SECRET, signed
from tests.make import Shop
from tests.proof.cluster import Cluster, own_cluster
from tests.proof.invariants import World, check_at_the_end
from tests.proof.whole_shop import ADA, WholeShop
from tests.sockets import follower, token

PAYABLE = {"amount": 1_000, "currency": "usd", "metadata": {"order_id": "o", "payment_id": "p"}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as made:
        yield made


@pytest.fixture
async def restartable(cluster: Cluster) -> AsyncIterator[Database]:
    made = build_database(cluster.url, pool_size=4)
    await made.rows(EMPTY)
    yield made
    await made.close()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))


class RestartOnce:
    """At one failpoint, at the first time that it is reached."""

    def __init__(self, cluster: Cluster, point: str) -> None:
        self._cluster = cluster
        self._point = point
        self.happened = False

    def __call__(self, name: str) -> None:
        if name == self._point and not self.happened:
            self.happened = True
            self._cluster.restart_at_once()


async def live_through_an_order(whole_shop: WholeShop) -> None:
    """Paid, told of by webhook, refunded; and another one canceled."""
    paid, canceled = await whole_shop.shop.order(), await whole_shop.shop.order()
    intent = await whole_shop.ask(paid)
    await whole_shop.ask(canceled)
    whole_shop.sandbox.pay(intent.id)
    for event in list(whole_shop.sandbox.state.events):
        await whole_shop.inbox.receive(*signed(whole_shop.sandbox.webhook(event["id"]).body))
    await whole_shop.inbox.finish_due()
    await whole_shop.refund(paid)
    await whole_shop.cancellation.cancel(ADA, canceled)
    assert await whole_shop.shop.status(paid) is OrderStatus.REFUNDED
    assert await whole_shop.shop.status(canceled) is OrderStatus.CANCELED


# No endpoint of the shop's is here: what is lost between its answer and our writing it down is sent again
# (`test_an_answer_that_was_not_written_down_is_asked_for_again`).
POINTS = [point for point in failpoints.ALL if point != failpoints.WEBHOOK_ANSWERED]


@pytest.mark.parametrize("point", POINTS)
async def test_a_restart_of_the_database_at_any_step_is_noticed_by_nobody(
    cluster: Cluster, restartable: Database, sandbox: Sandbox, point: str
) -> None:
    whole_shop = WholeShop(restartable, sandbox)
    restart = RestartOnce(cluster, point)

    with failpoints.reaching(restart):
        await live_through_an_order(whole_shop)

    assert restart.happened
    await sweep_to_the_end(whole_shop)


async def intent_once_it_can_be_had(whole_shop: WholeShop, order_id: UUID) -> str:
    """Its id. A call that the restart cut off keeps its lease for a while: the customer is told to come back."""
    async with asyncio.timeout(60):
        while True:
            with suppress(PaymentInProgress):
                return (await whole_shop.ask(order_id)).id


async def test_customers_who_come_while_the_database_restarts_lose_nothing(
    cluster: Cluster, restartable: Database, sandbox: Sandbox
) -> None:
    whole_shop = WholeShop(restartable, sandbox)
    world = World(restartable, sandbox)
    orders = [await whole_shop.shop.order() for _ in range(8)]
    over = asyncio.Event()

    async def customer(order_id: UUID) -> None:
        while not over.is_set():
            with suppress(Refusal, DatabaseUnavailable):
                intent = await whole_shop.ask(order_id)
                world.released.add(intent.id)
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as customers:
        for order_id in orders:
            customers.create_task(customer(order_id))
        for _ in range(3):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(cluster.restart_at_once)
        await asyncio.sleep(0.2)
        over.set()

    for order_id in orders:
        world.released.add(await intent_once_it_can_be_had(whole_shop, order_id))
    assert len(world.released) == len(orders)
    for intent_id in world.released:
        sandbox.pay(intent_id)
    await sweep_to_the_end(whole_shop)
    assert [await whole_shop.shop.status(order_id) for order_id in orders] == [OrderStatus.PAID] * len(orders)


async def test_followers_go_on_behind_an_outage_and_hear_what_they_missed(
    cluster: Cluster, restartable: Database, stripe: Stripe
) -> None:
    shop = Shop(restartable)
    order_ids = [await shop.order() for _ in range(3)]
    async with served(build_app(make_settings(cluster.url, stripe.url))) as url:
        socket = url.replace("http://", "ws://") + "/graphql"
        async with follower(socket, token()) as ada:
            for name, order_id in enumerate(order_ids):
                await ada.follow(order_id, name=str(name))
                assert (await ada.order())["status"] == "PENDING"
            await asyncio.to_thread(cluster.stop)
            await ada.follow(order_ids[0], name="while it is away")
            await asyncio.to_thread(cluster.start)
            for order_id in order_ids:
                await shop.set_order(order_id, status=OrderStatus.PAID)
            told: set[str] = set()
            while len(told) < len(order_ids):
                order = await ada.order()
                told |= {order["id"]} if order["status"] == "PAID" else set()


async def sweep_to_the_end(whole_shop: WholeShop) -> None:
    await whole_shop.sweep.run()
    findings = await whole_shop.sweep.run()
    assert findings.for_a_person == []
    await check_at_the_end(World(whole_shop.shop.database, whole_shop.sandbox))


@pytest.fixture
async def small(postgres_url: str, database: Database) -> AsyncIterator[Database]:
    """One connection for everybody, and little patience."""
    made = build_database(postgres_url, pool_size=1, pool_timeout=0.05)
    yield made
    await made.close()


async def test_without_a_free_connection_nothing_is_begun_and_the_next_call_succeeds(
    small: Database, sandbox: Sandbox
) -> None:
    whole_shop, over = WholeShop(small, sandbox), asyncio.Event()
    order_id = await whole_shop.shop.order()

    async def hold(connection: Transaction) -> None:
        await over.wait()

    holding = asyncio.create_task(small.transaction(hold))
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable):
        await whole_shop.ask(order_id)
    assert whole_shop.gateway.calls == 0
    over.set()
    await holding

    await whole_shop.ask(order_id)
    assert whole_shop.gateway.calls == 1


async def test_whoever_would_be_in_a_deadlock_lets_go_and_writes_again_without_another_call_to_stripe(
    postgres_url: str, database: Database, sandbox: Sandbox
) -> None:
    whole_shop = WholeShop(database, sandbox)
    order_id = await whole_shop.shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    [event] = [e for e in whole_shop.sandbox.state.events if e["type"] == "payment_intent.succeeded"]
    await whole_shop.inbox.receive(*signed(whole_shop.sandbox.webhook(event["id"]).body))
    calls = whole_shop.gateway.calls
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("SELECT 1 FROM payments WHERE order_id = %s FOR UPDATE", [order_id])
        settling = asyncio.create_task(whole_shop.inbox.finish_due())
        await until_somebody_waits(postgres_url)  # it has the order, and waits for the payment
        await other.execute("SELECT 1 FROM orders WHERE id = %s FOR UPDATE", [order_id])
        await other.commit()
        await settling

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert whole_shop.gateway.calls == calls + 1


async def until_somebody_waits(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as watcher:
        for _ in range(1_000):
            rows = await watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if await rows.fetchone() != (0,):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


@pytest.mark.parametrize("failure", ["40001", "40P01"])
async def test_a_serialization_failure_or_a_deadlock_is_run_again(database: Database, failure: str) -> None:
    attempts: list[int] = []

    async def work(connection: Transaction) -> str:
        attempts.append(1)
        if len(attempts) < 3:
            await connection.rows(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{failure}'; END $$"))
        return "done"

    assert await database.transaction(work) == "done"
    assert len(attempts) == 3


async def test_a_database_that_is_away_is_a_code_to_clients_and_503_to_stripe(
    stripe: Stripe, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings("postgresql://nobody:hunter2@127.0.0.1:1/none", stripe.url)
    stripe.sandbox.pay(stripe.sandbox.call("POST", "/v1/payment_intents", PAYABLE).json()["id"])
    [event] = [e for e in stripe.sandbox.state.events if e["type"] == "payment_intent.succeeded"]
    body, signature = signed(stripe.sandbox.webhook(event["id"]).body)
    async with running(settings) as http:
        answer = await Client(http, JWT_SECRET).ask("{ orders { edges { node { id } } } }")
        webhook = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": signature})

    [error] = answer["errors"]
    assert error["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
    assert webhook.status_code == 503
    assert "hunter2" not in f"{answer} {webhook.text} {caplog.text}"
