"""What Stripe's lists show is done or remembered, whatever cuts a sweep off; what came too early is not lost."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from services.reconciliation.sweep import Sweep
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import Crash
from tests.proof.whole_shop import WholeShop
from tests.reconciling import EVENTS_DUE, fail, hear, pass_time, sweep, told

UNDER_WAY = "pm_usBankAccount_processing"
OLD_INSTALLATION = text("UPDATE installation SET made_at = now() - interval '3 days'")


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


async def paid_unheard(whole_shop: WholeShop, count: int) -> list[tuple[UUID, str]]:
    orders = []
    for _ in range(count):
        order_id = await whole_shop.shop.order(items=[(1_000, 1)])
        intent = await whole_shop.ask(order_id)
        whole_shop.sandbox.pay(intent.id)
        orders.append((order_id, intent.id))
    return orders


def payable(whole_shop: WholeShop) -> list[str]:
    return [i["id"] for i in whole_shop.sandbox.state.payment_intents if i["status"].startswith("requires_")]


async def statuses(shop: Shop, orders: Sequence[tuple[UUID, str]]) -> set[OrderStatus]:
    return {await shop.status(order_id) for order_id, _ in orders}


# ---- The end of a budget, a 429, a 403, a kill


async def test_payments_behind_the_end_of_a_budget_are_recovered_by_later_sweeps(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    orders = await paid_unheard(whole_shop, 30)
    await shop.forget_payments()

    findings = await Sweep(database, whole_shop.gateway, whole_shop.inbox, most_items=6).run()

    assert "list of intents" in findings.unfinished
    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)
    assert await statuses(shop, orders) == {OrderStatus.PAID}
    assert await database.rows(text("SELECT * FROM sweep_retries")) == []


@pytest.mark.parametrize("fault", ["429", "401"])
async def test_one_refused_call_leaves_no_given_up_intent_payable(
    whole_shop: WholeShop, database: Database, shop: Shop, fault: str
) -> None:
    for _ in range(20):
        await whole_shop.ask(await shop.order(items=[(1_000, 1)]))
    await shop.forget_payments()
    fail(whole_shop, fault, "POST", "/v1/payment_intents/*/cancel")

    findings = await whole_shop.sweep.run()

    assert "list of intents" in findings.unfinished
    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)
    assert payable(whole_shop) == []


async def test_a_key_that_may_not_read_disputes_keeps_no_payment_from_its_place(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    orders = await paid_unheard(whole_shop, 12)
    whole_shop.sandbox.dispute(orders[0][1])
    await shop.forget_payments()
    whole_shop.sandbox.permissions.forbid("rak_dispute_read")

    await whole_shop.sweep.run()

    assert await statuses(shop, orders) == {OrderStatus.PAID}
    pass_time(whole_shop, 600)
    whole_shop.sandbox.permissions.allow("rak_dispute_read")
    await sweep(whole_shop, database)
    assert await told(database) == [AttentionKind.DISPUTE_OPEN]


@pytest.mark.parametrize("what", ["refund", "dispute"])
@pytest.mark.parametrize("cut", ["503", "kill"])
async def test_what_followed_an_older_payment_is_heard_though_its_recovery_was_cut_off(
    whole_shop: WholeShop, database: Database, shop: Shop, what: str, cut: str
) -> None:
    [(order_id, intent_id)] = await paid_unheard(whole_shop, 1)
    pass_time(whole_shop, 26 * 3_600)
    whole_shop.sandbox.refund(intent_id) if what == "refund" else whole_shop.sandbox.dispute(intent_id)
    pass_time(whole_shop, 26 * 3_600)
    await shop.forget_payments()
    await database.rows(text("UPDATE leases SET done_until = NULL"))
    await database.rows(OLD_INSTALLATION)
    if cut == "503":
        fail(whole_shop, "503", "GET", "/v1/refunds")
        await whole_shop.sweep.run()
    else:
        whole_shop.gateway.crash_at = "/v1/refunds"
        with pytest.raises(Crash):
            await whole_shop.sweep.run()
    assert await shop.status(order_id) is OrderStatus.PAID

    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)

    if what == "refund":
        assert await shop.status(order_id) is OrderStatus.REFUNDED
    else:
        assert await told(database) == [AttentionKind.DISPUTE_OPEN]


# ---- Refunds and disputes that came before their payment had its intent


@pytest.mark.parametrize("what", ["refund", "dispute"])
async def test_a_refund_or_dispute_that_came_before_its_payment_had_its_intent(
    whole_shop: WholeShop, database: Database, shop: Shop, what: str
) -> None:
    """The answer to the creation was lost, so the payment was given up without its intent's id."""
    [(order_id, intent_id)] = await paid_unheard(whole_shop, 1)
    await database.rows(text("UPDATE payments SET state = 'abandoned', intent_id = NULL"))
    whole_shop.sandbox.refund(intent_id) if what == "refund" else whole_shop.sandbox.dispute(intent_id)

    await whole_shop.sweep.run()

    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)
    if what == "refund":
        assert await shop.status(order_id) is OrderStatus.REFUNDED
    else:
        assert await told(database) == [AttentionKind.DISPUTE_OPEN]


async def test_a_late_webhook_of_the_payment_tells_of_the_refund_whose_webhook_was_dropped(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    [(order_id, intent_id)] = await paid_unheard(whole_shop, 1)
    await database.rows(text("UPDATE payments SET state = 'abandoned', intent_id = NULL"))
    whole_shop.sandbox.refund(intent_id)
    for event in reversed(list(whole_shop.sandbox.state.events)):  # the payment's own comes last
        signed = whole_shop.sandbox.webhook(event["id"])
        await whole_shop.inbox.receive(signed.body, signed.signature)
        await whole_shop.inbox.finish_all()

    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_an_event_that_comes_beside_one_that_was_begun_does_not_hide_that_it_was(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """The payment's recovery was cut off before its refunds were read; both events are finished at once."""
    [(order_id, intent_id)] = await paid_unheard(whole_shop, 1)
    await database.rows(text("UPDATE payments SET state = 'abandoned', intent_id = NULL"))
    whole_shop.sandbox.refund(intent_id)
    fail(whole_shop, "503", "GET", "/v1/refunds")
    await hear(whole_shop, "payment_intent.created")
    assert await shop.status(order_id) is OrderStatus.PAID

    await database.rows(text("UPDATE stripe_events SET due_at = now() - interval '1 second'"))
    await hear(whole_shop, "payment_intent.succeeded")

    assert await shop.status(order_id) is OrderStatus.REFUNDED


# ---- Money that was under way when the list was read


async def messages(database: Database) -> str:
    rows = await database.rows(text("SELECT message FROM attention WHERE closed_at IS NULL"))
    return " ".join(row.message for row in rows)


@pytest.mark.parametrize("how", [UNDER_WAY, "authorized"])
async def test_money_without_an_order_is_told_while_it_is_under_way_and_when_it_arrives(
    whole_shop: WholeShop, database: Database, shop: Shop, how: str
) -> None:
    intent = await whole_shop.ask(await shop.order(items=[(1_000, 1)]))
    if how == "authorized":
        whole_shop.sandbox.state.payment_intents.require(intent.id)["capture_method"] = "manual"
        whole_shop.sandbox.pay(intent.id)
    else:
        whole_shop.sandbox.pay(intent.id, how)
    await database.rows(text("TRUNCATE orders, payments, payment_transitions, stripe_events, leases CASCADE"))
    await whole_shop.sweep.run()
    assert await told(database) == [AttentionKind.MONEY_WITHOUT_ORDER]
    assert "10.00 USD is under way" in await messages(database)

    if how == "authorized":
        whole_shop.sandbox.call("POST", f"/v1/payment_intents/{intent.id}/capture")
    else:
        whole_shop.sandbox.complete(intent.id)
    await hear(whole_shop, "payment_intent.succeeded")

    assert await told(database) == [AttentionKind.MONEY_WITHOUT_ORDER]
    assert "10.00 USD arrived" in await messages(database)


async def test_money_without_an_order_that_fails_on_its_way_is_not_left_payable(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    intent = await whole_shop.ask(await shop.order(items=[(1_000, 1)]))
    whole_shop.sandbox.pay(intent.id, UNDER_WAY)
    await database.rows(text("TRUNCATE orders, payments, payment_transitions, stripe_events, leases CASCADE"))
    await whole_shop.sweep.run()

    whole_shop.sandbox.complete(intent.id, succeeds=False)
    await hear(whole_shop, "payment_intent.payment_failed")

    assert (payable(whole_shop), await told(database)) == ([], [])


async def test_a_recovered_payment_under_way_is_the_orders_live_one(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id, UNDER_WAY)
    await shop.forget_payments()
    await whole_shop.sweep.run()

    assert (await whole_shop.ask(order_id)).id == intent.id

    whole_shop.sandbox.complete(intent.id, succeeds=False)
    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)
    live = [payment.intent_id for payment in await shop.payments(order_id) if payment.state == "open"]
    assert payable(whole_shop) == live == [intent.id]


async def test_a_given_up_payment_that_falls_back_is_not_left_payable(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """A second one lives when the first is found, whose debit fails later."""
    order_id = await shop.order(items=[(1_000, 1)])
    first = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(first.id, UNDER_WAY)
    await shop.forget_payments()
    second = await whole_shop.ask(order_id)
    await whole_shop.sweep.run()

    whole_shop.sandbox.complete(first.id, succeeds=False)
    await hear(whole_shop, "payment_intent.payment_failed")

    assert payable(whole_shop) == [second.id]


async def test_a_refused_look_at_an_events_object_is_no_end_of_the_event(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """Stripe refuses for other reasons than that it has no such object."""
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    fail(whole_shop, "400", "GET", "/v1/payment_intents/*")

    await hear(whole_shop, "payment_intent.succeeded")
    assert (await shop.status(order_id), await told(database)) == (OrderStatus.PENDING, [])

    await database.rows(EVENTS_DUE)
    await whole_shop.inbox.finish_all()
    assert await shop.status(order_id) is OrderStatus.PAID
