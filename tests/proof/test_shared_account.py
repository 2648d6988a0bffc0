"""Two installations and other applications on one Stripe account, for an hour: each touches its own (I7, P10)."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.payments.installation import INSTALLATION
from models.reviews.tables import ReviewDecision
from runtime.database.database import Database, build_database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.objects.strangers import Application
from services.identity.principal import Principal
from services.notifications.webhook_addresses import PUBLIC_ONLY
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.operations.installation import renew_installation
from services.payments.refusals import RECEIVED_ELSEWHERE, OrderNotInReview, OrderNotRefundable
from services.payments.reviews import Reviews, ReviewWish
from tests.e2e.databases import own_database
from tests.events import WEBHOOK_SECRET, signed
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

IDS = re.compile(r"\b(?:pi|re|dp|ch)_[A-Za-z0-9]+")
FIVE_MINUTES = 300.0
COUNTS = text(
    "SELECT (SELECT count(*) FROM attention) AS cases, (SELECT count(*) FROM sweep_retries) AS failures,"
    " (SELECT count(*) FROM payments) AS payments"
)
WAITS = text("UPDATE payments SET disposition = 'mismatch' WHERE order_id = :order_id")
MINUTES_PASS = text("UPDATE payments SET looked_at = looked_at - interval '5 minutes'")


class Listening(SandboxGateway):
    """Remembers which objects were asked about or changed."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.named: set[str] = set()

    async def _call(
        self, method: str, path: str, parameters: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        self.named |= {*IDS.findall(path), *IDS.findall(str((parameters or {}).get("payment_intent", "")))}
        return await super()._call(method, path, parameters, key)


@pytest.fixture
async def second_database(own_url: str) -> AsyncIterator[Database]:
    made = build_database(own_url)
    yield made
    await made.close()


@pytest.fixture
def account() -> Sandbox:
    sandbox = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
    same_keys = {"order_id": "{uuid}", "payment_id": "{uuid}"}
    for metadata in ({}, same_keys, {**same_keys, "installation_id": "{uuid}"}):
        sandbox.strangers.move_in(Application(events_a_month=60_000, days=1, metadata=metadata))
    return sandbox


async def something_happens(whole_shop: WholeShop, what: int) -> UUID:
    """An order that is paid, one that is canceled in the database, or one that stays open."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    if what == 0:
        whole_shop.sandbox.pay(intent.id)
    if what == 1:
        await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    return order_id


async def test_for_an_hour_nothing_of_anothers_is_asked_about_or_written(
    database: Database, second_database: Database, account: Sandbox
) -> None:
    gateways = [Listening(account), Listening(account)]
    databases = (database, second_database)
    installations = [
        WholeShop(each, account, gateway) for each, gateway in zip(databases, gateways, strict=True)
    ]
    orders: list[list[Any]] = [[], []]
    for _ in range(12):
        account.pass_time(FIVE_MINUTES)
        for installation, mine in zip(installations, orders, strict=True):
            await installation.shop.database.rows(MINUTES_PASS)
            mine.append(await something_happens(installation, len(mine) % 3))
        account.strangers.deliver(5)
        for event in list(account.state.events)[-6:]:
            for installation in installations:
                await installation.inbox.receive(*signed(account.webhook(event["id"]).body))
        for installation in installations:
            await installation.sweep.run()

    assert account.strangers.written() == []
    for installation, mine, gateway in zip(installations, orders, gateways, strict=True):
        own = await installation.shop.installation_id()
        intents = {
            i["id"] for i in account.state.payment_intents if i["metadata"].get("installation_id") == own
        }
        assert {name for name in gateway.named if name.startswith("pi_")} <= intents
        counts = await installation.shop.database.row(COUNTS)
        assert counts is not None
        assert (counts.cases, counts.failures, counts.payments) == (0, 0, len(mine))
        statuses = [await installation.shop.status(order_id) for order_id in mine]
        assert statuses == [OrderStatus.PAID, OrderStatus.CANCELED, OrderStatus.PENDING] * 4


async def test_a_copied_database_leaves_the_originals_payments_alone(postgres_url: str, own_url: str) -> None:
    account = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
    database = build_database(own_url)
    original = WholeShop(database, account)
    orders = [await original.shop.order(items=[(1_000, 1)]) for _ in range(2)]
    intents = [await original.ask(order_id) for order_id in orders]
    await WebhookEndpoints(database, PUBLIC_ONLY).create(Principal("m"), "https://shop.example/", None)
    await database.close()
    with own_database(postgres_url, like=own_url) as copied_url:
        said = await renew_installation(copied_url)
        gateway = Listening(account)
        copy = WholeShop(build_database(copied_url), account, gateway)
        await copy.shop.set_order(orders[0], status=OrderStatus.CANCELED)
        account.pay(intents[1].id)
        await copy.sweep.run()
        again = await copy.ask(orders[1])
        left_alone = await copy.shop.status(orders[1])
        [endpoint] = await WebhookEndpoints(copy.shop.database, PUBLIC_ONLY).list()
        await copy.shop.database.close()
    await original.sweep.run()
    paid = await original.shop.status(orders[1])
    await database.close()

    assert said.endswith(": 2 payments left to the original")
    assert account.state.payment_intents.require(intents[0].id)["status"] == "requires_payment_method"
    assert (left_alone, paid) == (OrderStatus.PENDING, OrderStatus.PAID)
    assert gateway.named <= {again.id}
    assert again.installation_id != intents[0].installation_id
    assert str(endpoint.disabled_because).startswith("The database was copied")


async def test_a_copy_gives_back_no_money_that_the_original_received(postgres_url: str, own_url: str) -> None:
    account = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
    original = WholeShop(build_database(own_url), account)
    paid, reviewed, late = [await original.shop.order(items=[(1_000, 1)]) for _ in range(3)]
    for order_id in (paid, reviewed, late):
        account.pay((await original.ask(order_id)).id)
    await original.shop.set_order(late, status=OrderStatus.CANCELED)
    account.permissions.forbid("rak_refund_write")  # so that the late money's refund is still to be made
    await original.sweep.run()
    await original.shop.database.close()
    account.permissions.allow("rak_refund_write")
    with own_database(postgres_url, like=own_url) as copied_url:
        await renew_installation(copied_url)
        gateway = Listening(account)
        copy = WholeShop(build_database(copied_url), account, gateway)
        database = copy.shop.database
        await copy.shop.set_order(reviewed, status=OrderStatus.REVIEW)
        await database.rows(WAITS, {"order_id": reviewed})
        with pytest.raises(OrderNotRefundable) as refused:
            await copy.refund(paid)
        with pytest.raises(OrderNotInReview) as undecided:
            await Reviews(database, copy.refunds).resolve(decision_of(reviewed, ReviewDecision.REFUND))
        await Reviews(database, copy.refunds).resolve(decision_of(reviewed, ReviewDecision.ACCEPT))
        await copy.sweep.run()
        made = list(account.state.refunds)
        await renew_installation(copied_url, await installation_of(own_url))
        await copy.refund(paid)
        await database.close()

    assert (refused.value.reason, undecided.value.reason) == (RECEIVED_ELSEWHERE, RECEIVED_ELSEWHERE)
    assert made == []
    assert [refund["amount"] for refund in account.state.refunds] == [1_000]


def decision_of(order_id: UUID, decision: ReviewDecision) -> ReviewWish:
    return ReviewWish(
        order_id=order_id,
        decision=decision,
        note="as it is",
        idempotency_key=str(decision),
        decided_by="shopkeeper",
    )


async def installation_of(url: str) -> UUID:
    database = build_database(url)
    try:
        row = await database.row(INSTALLATION)
        assert row is not None
        found: UUID = row.id
        return found
    finally:
        await database.close()
