"""Refunds, reviews and disputes have true states: whatever Stripe, a backup or a hand at SQL does to them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.payments.disputes import Disputes
from services.payments.intents import IntentStatus, PermissionMissing
from services.payments.refunds import Refunds
from services.payments.settlement import Settlement
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import (
    all_refunds,
    hear_everything,
    intent_of,
    kinds,
    open_cases,
    while_uncommitted,
    wish,
)

SETTLED_BY_ANOTHER = (
    "WITH paid AS (UPDATE payments SET state = 'succeeded', disposition = 'settled', amount_received = amount,"
    " cause = 'another process') UPDATE orders SET status = 'paid'"
)


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


@pytest.fixture
def refunds(database: Database, gateway: StripeGateway) -> Refunds:
    return Refunds(database, gateway)


@pytest.fixture
async def paid(client: Client, shop: Shop, stripe: Stripe, inbox: Inbox) -> UUID:
    """An order of 52.48 USD, paid."""
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.PAID
    return order_id


async def test_a_payment_and_its_dashboard_refund_heard_of_in_one_batch_end_as_refunded(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    orders = [await shop.order() for _ in range(12)]
    for order_id in orders:
        intent_id = (await client.pay(order_id))["id"]
        stripe.sandbox.pay(intent_id)
        stripe.sandbox.refund(intent_id)

    await hear_everything(inbox, stripe)

    for order_id in orders:  # the server's own inbox may have taken some of the events
        await shop.until(order_id, OrderStatus.REFUNDED)


async def test_a_refund_heard_of_before_its_payment_counts(
    client: Client, shop: Shop, stripe: Stripe, refunds: Refunds
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    stripe.sandbox.refund(intent_id)

    await refunds.refresh(intent_id)

    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_a_refund_that_waits_for_the_settlement_sees_what_it_wrote(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, refunds: Refunds
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    stripe.sandbox.refund(intent_id)

    await while_uncommitted(database, SETTLED_BY_ANOTHER, lambda: refunds.refresh(intent_id))

    assert await shop.status(order_id) is OrderStatus.REFUNDED


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE order_items SET unit_amount = 5000",
        "UPDATE orders SET currency = 'EUR'",
        "DELETE FROM order_items WHERE position = 0",
    ],
)
async def test_sql_that_is_not_committed_while_a_payment_settles_counts(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, change: str
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    intent = await gateway.retrieve_intent(intent_id)

    await while_uncommitted(database, change, lambda: Settlement(database).apply(intent, cause="test"))

    assert await shop.status(order_id) is OrderStatus.REVIEW
    assert await kinds(database) == ["order_in_review"]


async def test_an_intent_is_not_written_over_another_that_was_recorded_meanwhile(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    [payment] = await shop.payments(order_id)
    await database.rows(text("UPDATE payments SET state = 'creating', intent_id = NULL"))
    twin = replace(await gateway.retrieve_intent(intent_id), id="pi_twin", status=IntentStatus.SUCCEEDED)

    recorded = f"UPDATE payments SET state = 'open', intent_id = '{intent_id}'"  # noqa: S608  an id of the sandbox's
    await while_uncommitted(database, recorded, lambda: Settlement(database).apply(twin, cause="test"))

    [after] = await shop.payments(order_id)
    assert (after.id, after.intent_id, after.state) == (payment.id, intent_id, "open")


@pytest.mark.parametrize("end", ["failed", "canceled"])
async def test_late_money_whose_refund_ends_without_being_made_calls_until_it_is_back(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, end: Any
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    stripe.sandbox.plan_refunds(intent_id, status="requires_action")
    await hear_everything(inbox, stripe)
    [refund] = stripe.sandbox.state.refunds
    stripe.sandbox.move_refund(refund["id"], end)

    await hear_everything(inbox, stripe)
    assert await kinds(database) == ["refund_failed"]

    stripe.sandbox.plan_refunds(intent_id, status="succeeded")
    stripe.sandbox.refund(intent_id)
    await hear_everything(inbox, stripe)
    assert await kinds(database) == []


async def test_a_merchants_refund_that_fails_weeks_later_is_told(
    paid: UUID, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, refunds: Refunds
) -> None:
    await refunds.request(wish(paid, amount=2_000))
    [made] = stripe.sandbox.state.refunds
    stripe.sandbox.complete_refund(made["id"], succeeds=False)

    await hear_everything(inbox, stripe)

    [case] = await open_cases(database)
    assert (case.kind, case.order_id, "20.00 USD" in case.message) == ("refund_failed", paid, True)
    [refund] = await all_refunds(database)
    assert (refund.state, refund.failure_code) == ("failed", "lost_or_stolen_card")

    await refunds.request(wish(paid, amount=2_000, key="again"))
    assert await kinds(database) == []


async def test_a_forbidden_refund_calls_with_stripes_sentence_and_is_made_once_it_may_be(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, refunds: Refunds
) -> None:
    stripe.sandbox.permissions.forbid("rak_refund_write")
    view = await refunds.request(wish(paid))
    assert view.state == "creating"
    [case] = await open_cases(database)
    assert (case.kind, "rak_refund_write" in case.message) == ("refund_forbidden", True)

    stripe.sandbox.permissions.allow("rak_refund_write")
    await refunds.carry_out(view.id)

    assert (await kinds(database), await shop.status(paid)) == ([], OrderStatus.REFUNDED)


async def test_a_key_that_may_not_read_disputes_or_refunds_is_told_until_it_may(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, refunds: Refunds
) -> None:
    intent_id, disputes = await intent_of(shop, paid), Disputes(database, gateway)
    stripe.sandbox.permissions.forbid("rak_dispute_read", "rak_refund_read")
    for refresh in (disputes.refresh, refunds.refresh):
        with pytest.raises(PermissionMissing):
            await refresh(intent_id)
    assert await kinds(database) == ["key_lacks_permission"] * 2

    stripe.sandbox.permissions.allow("rak_dispute_read", "rak_refund_read")
    for refresh in (disputes.refresh, refunds.refresh):
        await refresh(intent_id)
    assert await kinds(database) == []


@pytest.mark.parametrize("key_is_forgotten", [False, True])
async def test_the_same_key_after_a_restored_backup_takes_over_what_stripe_has(
    paid: UUID, stripe: Stripe, database: Database, refunds: Refunds, key_is_forgotten: bool
) -> None:
    before = await refunds.request(wish(paid, amount=2_000))
    await database.rows(text("DELETE FROM refunds"))
    await database.rows(text("UPDATE orders SET status = 'paid'"))
    if key_is_forgotten:
        stripe.sandbox.ledger.clear()

    after = await refunds.request(wish(paid, amount=2_000))

    assert (after.id, after.state) == (before.id, "succeeded")
    assert [made["amount"] for made in stripe.sandbox.state.refunds] == [2_000]


async def test_a_refund_that_a_restored_backup_has_forgotten_is_taken_over_under_its_id(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, refunds: Refunds
) -> None:
    before = await refunds.request(wish(paid, amount=2_000))
    await database.rows(text("DELETE FROM refunds"))

    await refunds.refresh(await intent_of(shop, paid))

    [found] = await all_refunds(database)
    assert (found.id, found.cause) == (before.id, "merchant")
    assert (await refunds.request(wish(paid, amount=2_000))).id == before.id
    assert len(stripe.sandbox.state.refunds) == 1


async def test_the_automatic_refund_of_a_restored_backup_is_made_once(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    await hear_everything(inbox, stripe)
    await database.rows(text("DELETE FROM refunds"))
    await shop.forget_payments()
    [payment_id] = {UUID(i["metadata"]["payment_id"]) for i in stripe.sandbox.state.payment_intents}
    await database.rows(
        text(
            "INSERT INTO payments (id, order_id, state, idempotency_key, amount, currency, order_version, cause)"
            " VALUES (:id, :order_id, 'creating', 'pi', 5248, 'USD', 2, 'restored')"
        ),
        {"id": payment_id, "order_id": order_id},
    )
    stripe.sandbox.ledger.clear()

    await hear_everything(inbox, stripe)

    assert len(stripe.sandbox.state.refunds) == 1
    [refund] = await all_refunds(database)
    assert (refund.state, refund.cause) == ("succeeded", "late")


async def test_a_refund_without_balance_is_tried_again_until_it_is_made(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, refunds: Refunds
) -> None:
    fault = parse_fault("400; code=balance_insufficient")
    stripe.sandbox.faults.add(Rule(fault=fault, method="POST", path="/v1/refunds", times=None))
    view = await refunds.request(wish(paid))
    for _ in range(3):
        await refunds.carry_out(view.id)

    [refund] = await all_refunds(database)
    assert (refund.state, refund.tries, await kinds(database)) == ("creating", 4, ["refund_failed"])
    assert refund.due_at > datetime.now(UTC)

    stripe.sandbox.faults.clear()
    await refunds.carry_out(view.id)
    assert (await kinds(database), await shop.status(paid)) == ([], OrderStatus.REFUNDED)


@pytest.mark.parametrize("fault", ["424", "425", "409", "lock_timeout", "503"])
async def test_a_refusal_that_passes_does_not_fail_a_refund(
    paid: UUID, shop: Shop, stripe: Stripe, database: Database, refunds: Refunds, fault: str
) -> None:
    rule = Rule(fault=parse_fault(fault), method="POST", path="/v1/refunds", times=None)
    stripe.sandbox.faults.add(rule)
    view = await refunds.request(wish(paid))
    assert (view.state, await kinds(database)) == ("creating", [])

    stripe.sandbox.faults.clear()
    await refunds.carry_out(view.id)
    assert await shop.status(paid) is OrderStatus.REFUNDED


async def in_review(client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, *, received: int) -> UUID:
    """An order of 119.00 USD that received something else."""
    order_id = await shop.order(items=[(received, 1)])
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_price(order_id, 11_900)
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.REVIEW
    return order_id


async def test_the_part_that_was_too_much_settles_a_review_when_it_is_refunded(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, refunds: Refunds
) -> None:
    order_id = await in_review(client, shop, stripe, inbox, received=12_900)

    await refunds.request(wish(order_id, amount=1_000))

    [payment] = await shop.payments(order_id)
    assert (await shop.status(order_id), payment.disposition) == (OrderStatus.PAID, "settled")
    assert await kinds(database) == []


async def test_what_settled_a_review_is_in_review_again_when_that_refund_fails(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, refunds: Refunds
) -> None:
    order_id = await in_review(client, shop, stripe, inbox, received=12_900)
    await refunds.request(wish(order_id, amount=1_000))
    stripe.sandbox.complete_refund(next(iter(stripe.sandbox.state.refunds))["id"], succeeds=False)

    await hear_everything(inbox, stripe)

    assert await shop.status(order_id) is OrderStatus.REVIEW
    assert await kinds(database) == ["order_in_review", "refund_failed"]


async def test_money_that_waits_can_be_refunded_beside_money_that_settled(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, refunds: Refunds
) -> None:
    order_id = await in_review(client, shop, stripe, inbox, received=12_900)
    await database.rows(
        text(
            "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount,"
            " amount_received, currency, order_version, cause) VALUES (:id, :order_id, 'succeeded', 'settled', 'other',"
            " 'pi_other', 11900, 11900, 'USD', 2, 'test')"
        ),
        {"id": uuid4(), "order_id": order_id},
    )
    await shop.set_order(order_id, status=OrderStatus.PAID)

    await refunds.request(wish(order_id, amount=12_900))

    assert (await kinds(database), await shop.status(order_id)) == ([], OrderStatus.PAID)
    assert [made["amount"] for made in stripe.sandbox.state.refunds] == [12_900]
