"""The key of another Stripe account, for a while or for good: its answers are not taken for our own account's."""

import contextlib
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from services.identity.refusals import Refusal
from services.orders.lines import OrderLine
from services.payments.intents import GatewayError
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.refusals import PaymentProviderUnavailable
from services.reconciliation.forgetting import forget_unknown
from services.reconciliation.sweep import Sweep
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop
from tests.reconciling import (
    LISTS_READ,
    REFUNDS_DUE,
    fail,
    pass_time,
    sweep,
    told,
)


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    return another_account(database)


@pytest.mark.parametrize("what", ["refund", "dispute"])
async def test_events_that_came_while_the_key_was_of_another_account(
    whole_shop: WholeShop, database: Database, shop: Shop, what: str
) -> None:
    order_id, intent_id = await whole_shop.paid()
    right, wrong = whole_shop.gateway, SandboxGateway(Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))
    whole_shop.sandbox.refund(intent_id) if what == "refund" else whole_shop.sandbox.dispute(intent_id)
    read_until = await database.rows(LISTS_READ)
    elsewhere = WholeShop(database, wrong.sandbox, wrong)
    for event in list(whole_shop.sandbox.state.events):
        signed = whole_shop.sandbox.webhook(event["id"])
        await elsewhere.inbox.receive(signed.body, signed.signature)
    await sweep(elsewhere, database, 20)  # until the events rest
    assert AttentionKind.STRIPE_ACCOUNT_CHANGED in await told(database)
    assert await database.rows(LISTS_READ) == read_until

    pass_time(whole_shop, 600)
    await Sweep(database, right, whole_shop.inbox).run()

    if what == "refund":
        assert await shop.status(order_id) is OrderStatus.REFUNDED
        assert await told(database) == []
    else:
        assert await told(database) == [AttentionKind.DISPUTE_OPEN]


async def test_nothing_is_taken_from_the_lists_of_another_account_though_nothing_else_is_asked(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    read_until = await database.rows(LISTS_READ)
    elsewhere = WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))
    whole_shop.sandbox.refund(intent_id)
    for _ in range(3):
        await elsewhere.sweep.run()
    assert await told(database) == [AttentionKind.STRIPE_ACCOUNT_CHANGED]
    assert await database.rows(LISTS_READ) == read_until

    await whole_shop.sweep.run()

    assert (await shop.status(order_id), await told(database)) == (OrderStatus.REFUNDED, [])


def another_account(database: Database) -> WholeShop:
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


async def late_money(whole_shop: WholeShop) -> tuple[UUID, str]:
    """10.00 for an order that was canceled before they came: they are owed back."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.pay(intent.id)
    return order_id, intent.id


@pytest.mark.parametrize("by", ["the sweep", "a call"])
async def test_owed_money_goes_back_when_the_right_key_is_back(
    whole_shop: WholeShop, database: Database, by: str
) -> None:
    """With the wrong one Stripe says that it has no such payment: that is no answer about the refund."""
    _, intent_id = await late_money(whole_shop)
    whole_shop.sandbox.permissions.forbid("rak_refund_write")
    await whole_shop.sweep.run()
    whole_shop.sandbox.permissions.clear()
    elsewhere = another_account(database)
    if by == "the sweep":
        await sweep(elsewhere, database)
    else:
        await database.rows(REFUNDS_DUE)
        await elsewhere.refunds.carry_out_owed(intent_id)
    assert list(elsewhere.sandbox.state.refunds) == []

    await sweep(whole_shop, database)

    assert [made["amount"] for made in whole_shop.sandbox.state.refunds] == [1_000]
    assert await told(database) == []


async def test_no_payment_is_begun_on_the_account_of_another_key_by_a_sweep(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    await whole_shop.paid()
    fail(whole_shop, "reset", "POST", "/v1/payment_intents", times=None)
    order_id = await shop.order(items=[(1_000, 1)])
    with contextlib.suppress(Refusal):
        await whole_shop.ask(order_id)
    await database.rows(
        text("UPDATE payments SET lease_until = NULL, created_at = now() - interval '1 hour'")
    )
    elsewhere = another_account(database)

    await sweep(elsewhere, database)

    assert list(elsewhere.sandbox.state.payment_intents) == []
    assert [payment.state for payment in await shop.payments(order_id)] == ["creating"]


async def test_while_stripe_can_not_be_asked_no_account_is_given_up(
    whole_shop: WholeShop, database: Database
) -> None:
    await whole_shop.paid()
    await whole_shop.ask(await whole_shop.shop.order(items=[(1_000, 1)]))
    elsewhere = another_account(database)
    await sweep(elsewhere, database)
    fail(elsewhere, "401", "GET", "/v1/payment_intents/*", times=None)

    with pytest.raises(GatewayError):
        await forget_unknown(database, elsewhere.gateway)

    assert AttentionKind.STRIPE_ACCOUNT_CHANGED in await told(database)


async def test_an_account_that_is_given_up_for_good_holds_up_no_list(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    _, intent_id = await whole_shop.paid()
    whole_shop.sandbox.refund(intent_id)
    elsewhere = WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))
    for event in list(whole_shop.sandbox.state.events):
        signed = whole_shop.sandbox.webhook(event["id"])
        await elsewhere.inbox.receive(signed.body, signed.signature)
    await sweep(elsewhere, database)

    await forget_unknown(database, elsewhere.gateway)

    findings = await elsewhere.sweep.run()
    assert (findings.unfinished, await told(database)) == ([], [])


async def test_an_order_whose_change_waited_for_an_account_that_is_given_up_can_be_changed_again(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    await whole_shop.ask(order_id)
    fail(whole_shop, "503", "POST", "/v1/payment_intents/pi_*")
    change = await lamp_for(700, order_id, database)
    with pytest.raises(PaymentProviderUnavailable):
        await OrderChanges(database, whole_shop.gateway).change(change)
    await database.rows(text("UPDATE order_changes SET created_at = now() - interval '1 hour'"))
    elsewhere = another_account(database)

    assert await forget_unknown(database, elsewhere.gateway) == 1
    await sweep(elsewhere, database, 2)

    changed = await OrderChanges(database, elsewhere.gateway).change(await lamp_for(800, order_id, database))
    assert changed.total == (await elsewhere.ask(order_id)).amount == 800
    assert await told(database) == []


async def lamp_for(price: int, order_id: UUID, database: Database) -> WantedChange:
    order = await database.row(text("SELECT version FROM orders WHERE id = :id"), {"id": order_id})
    assert order is not None
    line = OrderLine(name="Lamp", unit_amount=price, quantity=1)
    return WantedChange(
        order_id=order_id, requested_by="shop", expected_version=order.version, lines=[line], total=price
    )
