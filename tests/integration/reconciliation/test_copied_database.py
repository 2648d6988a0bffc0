"""A copied database calls nobody for the original's money, and the sweep leaves it alone."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.operations.installation import renew_installation
from services.orders.lines import OrderLine
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.refusals import PaymentProviderUnavailable
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

OPEN_KINDS = text("SELECT kind FROM attention WHERE closed_at IS NULL ORDER BY kind")
IS_A_COPY_NO_MORE = text("UPDATE installation SET payments_since = NULL")


@pytest.fixture
async def whole_shop(database: Database, stripe: Stripe) -> AsyncIterator[WholeShop]:
    yield WholeShop(database, stripe.sandbox, SandboxGateway(stripe.sandbox))
    await database.rows(IS_A_COPY_NO_MORE)


async def test_a_copy_leaves_the_originals_cases_and_refunds_to_the_original(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    refused, delayed, reviewed = [await whole_shop.shop.order(items=[(1_000, 1)]) for _ in range(3)]
    intents = {order_id: (await whole_shop.ask(order_id)).id for order_id in (refused, delayed, reviewed)}
    await whole_shop.shop.set_price(reviewed, 900)
    for order_id, code in ((refused, "charge_not_refundable"), (delayed, "balance_insufficient")):
        await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
        whole_shop.sandbox.plan_refunds(intents[order_id], refuse=code)
    for intent_id in intents.values():
        whole_shop.sandbox.pay(intent_id)
    whole_shop.sandbox.dispute(intents[reviewed])
    await whole_shop.sweep.run()
    await whole_shop.sweep.run()
    kinds = [row.kind for row in await database.rows(OPEN_KINDS)]
    failed = AttentionKind.REFUND_FAILED
    assert kinds == [AttentionKind.DISPUTE_OPEN, AttentionKind.ORDER_IN_REVIEW, failed, failed]

    await renew_installation(postgres_url)
    for order_id in (refused, delayed):
        whole_shop.sandbox.plan_refunds(intents[order_id])
    findings = await whole_shop.sweep.run()

    assert (await database.rows(OPEN_KINDS), findings.exit_code) == ([], 0)
    assert list(whole_shop.sandbox.state.refunds) == []


async def test_a_copy_leaves_the_originals_changes_of_orders_to_the_original(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    order = await database.row(text("SELECT version FROM orders"))
    assert order is not None
    whole_shop.sandbox.faults.add(
        Rule(fault=parse_fault("503"), method="POST", path=f"/v1/payment_intents/{intent.id}", times=None)
    )
    change = WantedChange(
        order_id=order_id,
        requested_by="shop",
        expected_version=order.version,
        lines=[OrderLine(name="Lamp", unit_amount=700, quantity=1)],
        total=700,
    )
    with pytest.raises(PaymentProviderUnavailable):
        await OrderChanges(database, whole_shop.gateway).change(change)
    whole_shop.sandbox.faults.clear()
    await database.rows(text("UPDATE order_changes SET created_at = now() - interval '1 hour'"))

    await renew_installation(postgres_url)
    await whole_shop.sweep.run()

    assert whole_shop.sandbox.state.payment_intents.require(intent.id)["amount"] == 1_000
    assert (await whole_shop.ask(order_id)).amount == 1_000


async def test_a_copy_with_a_key_of_its_own_tries_nothing_of_the_originals_again(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    failed = (
        "INSERT INTO sweep_retries (step, item, failure, due_at) VALUES (:step, :item, 'HTTP 503', now())"
    )
    for step, item in (("list of intents", "pi_Original"), ("payable intents", "pi_Another")):
        await database.rows(text(failed), {"step": step, "item": item})

    await renew_installation(postgres_url)
    findings = await whole_shop.sweep.run()

    assert (await database.rows(OPEN_KINDS), findings.exit_code) == ([], 0)
    assert not await database.rows(text("SELECT * FROM sweep_retries"))


async def test_what_a_copy_records_is_its_own_whatever_the_clock_says(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    await renew_installation(postgres_url)
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    # It had gone back.
    await database.rows(text("UPDATE payments SET created_at = now() - interval '3 hours'"))

    whole_shop.sandbox.pay(intent.id)
    await whole_shop.sweep.run()

    assert await whole_shop.shop.status(order_id) == OrderStatus.PAID


async def test_what_the_original_recorded_stays_its_own_whatever_the_clock_says(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await database.rows(text("UPDATE payments SET created_at = now() + interval '3 hours'"))  # it was ahead

    await renew_installation(postgres_url)
    whole_shop.sandbox.pay(intent.id)
    await whole_shop.sweep.run()

    assert await whole_shop.shop.status(order_id) == OrderStatus.PENDING
