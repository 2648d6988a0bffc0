"""The sweep: whatever was left behind is brought to its end, and a second sweep changes nothing."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, build_database
from sandbox.faults import Rule, parse_fault
from services.identity.principal import Principal
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.reconciliation.findings import Findings
from services.reconciliation.inbox import Inbox
from services.reconciliation.recovery import Recovery
from services.reconciliation.sweep import Sweep
from services.reconciliation.sweep_scheduler import SweepScheduler
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import WAITING, open_cases

ADA = Principal("ada", None, frozenset())
SNAPSHOT = text(
    "SELECT (SELECT json_agg(p ORDER BY id) FROM"
    " (SELECT id, state, disposition, intent_id, amount_received FROM payments) p),"
    " (SELECT json_agg(o ORDER BY id) FROM (SELECT id, status FROM orders) o),"
    " (SELECT json_agg(r ORDER BY id) FROM (SELECT id, state, stripe_refund_id FROM refunds) r),"
    " (SELECT count(*) FROM payment_transitions)"
)


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


@pytest.fixture
def sweep(database: Database, gateway: StripeGateway, inbox: Inbox, stripe: Stripe) -> Sweep:
    return Sweep(database, gateway, inbox)


async def settle(sweep: Sweep, database: Database) -> Findings:
    """Sweep, and see that another sweep changes nothing."""
    findings = await sweep.run()
    before = await database.row(SNAPSHOT)
    await sweep.run()
    assert await database.row(SNAPSHOT) == before
    return findings


def fail_creates(stripe: Stripe, words: str, times: int | None = 2) -> None:
    stripe.sandbox.faults.add(
        Rule(fault=parse_fault(words), method="POST", path="/v1/payment_intents", times=times)
    )


def intents(stripe: Stripe) -> list[dict[str, Any]]:
    return list(stripe.sandbox.state.payment_intents)


async def test_a_paid_order_whose_webhook_never_came_is_paid_after_a_sweep(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])

    findings = await settle(sweep, database)

    assert await shop.status(order_id) is OrderStatus.PAID
    assert findings.done["events never received"] > 0
    assert findings.for_a_person == []


async def test_a_customer_who_asks_gets_the_healed_state_without_any_webhook(
    client: Client, shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await database.rows(text("UPDATE payments SET looked_at = now() - interval '6 seconds'"))

    order = await RefreshFromStripe(database, gateway).find(ADA, order_id)

    assert order is not None
    assert order.status is OrderStatus.PAID


async def test_asking_again_and_again_does_not_ask_stripe_each_time(
    client: Client, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    await database.rows(text("UPDATE payments SET looked_at = now() - interval '6 seconds'"))

    for _ in range(5):
        await client.order(order_id)

    assert len(stripe.sandbox.journal.calls("GET")) == 1


@pytest.mark.parametrize("fault", ["reset; point=before", "reset; point=after", "429", "401"])
async def test_a_payment_that_nobody_waits_for_is_answered(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database, fault: str
) -> None:
    order_id = await shop.order()
    fail_creates(stripe, fault)
    await client.pay(order_id)
    stripe.sandbox.faults.clear()

    await settle(sweep, database)

    [payment] = await shop.payments(order_id)
    assert payment.state == "open"
    assert [intent["id"] for intent in intents(stripe)] == [payment.intent_id]


async def test_an_unanswered_payment_of_a_closed_order_is_given_up_and_its_intent_canceled(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    fail_creates(stripe, "reset; point=after")
    await client.pay(order_id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    await settle(sweep, database)

    [payment] = await shop.payments(order_id)
    assert (payment.state, [i["status"] for i in intents(stripe)]) == ("canceled", ["canceled"])


async def test_what_a_burnt_key_may_have_left_is_canceled(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    fail_creates(stripe, "500; point=after", times=1)
    answer = await client.pay(order_id)
    assert len(intents(stripe)) == 2

    await settle(sweep, database)

    assert {i["id"]: i["status"] for i in intents(stripe)}[answer["id"]] == "requires_payment_method"
    assert sorted(i["status"] for i in intents(stripe)) == ["canceled", "requires_payment_method"]
    assert [p.state for p in await shop.payments(order_id)] == ["canceled", "open"]


async def test_the_intent_of_a_closed_order_is_canceled(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    await client.pay(order_id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    await settle(sweep, database)

    [payment] = await shop.payments(order_id)
    assert (payment.state, intents(stripe)[0]["status"]) == ("canceled", "canceled")


async def test_money_for_a_closed_order_is_refunded_once(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_order(order_id, status=OrderStatus.CANCELED)

    await settle(sweep, database)

    [payment] = await shop.payments(order_id)
    [refund] = list(stripe.sandbox.state.refunds)
    assert (payment.disposition, refund["amount"]) == ("late", 5_248)
    assert await shop.status(order_id) is OrderStatus.CANCELED


async def test_a_restored_backup_learns_of_paid_intents_and_cancels_payable_ones(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    paid, payable = await shop.order(), await shop.order()
    stripe.sandbox.pay((await client.pay(paid))["id"])
    await client.pay(payable)
    await database.rows(text("TRUNCATE payments, payment_transitions, stripe_events CASCADE"))

    await settle(sweep, database)

    assert await shop.status(paid) is OrderStatus.PAID
    [recovered] = await shop.payments(payable)
    assert recovered.state == "canceled"
    assert (await client.pay(payable))["__typename"] == "PaymentIntent"


async def test_money_for_an_order_that_is_not_here_calls_for_a_person(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    stripe.sandbox.pay((await client.pay(await shop.order()))["id"])
    await database.rows(text("TRUNCATE orders, payments, stripe_events CASCADE"))

    findings = await settle(sweep, database)

    [intent], [told] = intents(stripe), findings.for_a_person
    assert f"52.48 USD arrived with {intent['id']}" in told
    assert (await sweep.run()).for_a_person == [told], "until a person closes the case"


async def test_recovered_twice_at_once_it_is_no_money_without_an_order(
    client: Client, shop: Shop, stripe: Stripe, gateway: StripeGateway, database: Database, postgres_url: str
) -> None:
    """Two events about one intent come in together after a backup was restored."""
    order_id = await shop.order()
    intent = await client.pay(order_id)
    stripe.sandbox.pay(intent["id"])
    await shop.forget_payments()
    recovery, theirs = Recovery(database, gateway), await gateway.retrieve_intent(intent["id"])

    async with await psycopg.AsyncConnection.connect(postgres_url) as hand:
        # Both have looked for the payment before one adds it.
        await hand.execute("LOCK TABLE payments IN SHARE MODE")
        both = asyncio.gather(recovery.recover(theirs), recovery.recover(theirs))
        async with asyncio.timeout(10):
            while (await database.rows(WAITING))[0].number < 2:
                pass
    await both

    assert await shop.status(order_id) is OrderStatus.PAID
    assert await open_cases(database) == []


async def test_a_look_that_stripe_had_no_time_for_is_made_in_the_next_sweep(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    await sweep.run()
    an_hour_ago = "created_at = now() - interval '1 hour', looked_at = now() - interval '1 hour'"
    await database.rows(text(f"UPDATE payments SET {an_hour_ago}"))  # noqa: S608
    path = f"/v1/payment_intents/{intent['id']}"
    stripe.sandbox.faults.add(Rule(fault=parse_fault("429"), method="GET", path=path, times=None))
    await sweep.run()
    stripe.sandbox.faults.clear()
    findings = await sweep.run()

    assert findings.done["payable intents looked at"] == 1


async def test_whoever_reads_an_order_that_another_program_locks_is_shown_what_is_known(
    client: Client, shop: Shop, stripe: Stripe, gateway: StripeGateway, database: Database, postgres_url: str
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await database.rows(text("UPDATE payments SET looked_at = now() - interval '1 hour'"))
    hurried = build_database(postgres_url, lock_patience=0.1)
    reader = RefreshFromStripe(hurried, gateway)
    async with await psycopg.AsyncConnection.connect(postgres_url) as hand:
        await hand.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", [order_id])
        shown = await reader.find(ADA, order_id)

    assert shown is not None
    assert shown.status is OrderStatus.PENDING
    await hurried.close()


async def test_intents_of_other_applications_are_left_alone(
    stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"})

    findings = await settle(sweep, database)

    assert [i["status"] for i in intents(stripe)] == ["requires_payment_method"]
    assert findings.for_a_person == []


async def test_an_order_in_review_calls_for_a_person(shop: Shop, sweep: Sweep, database: Database) -> None:
    order_id = await shop.order(status=OrderStatus.REVIEW)

    findings = await settle(sweep, database)

    [told] = findings.for_a_person
    assert f"Order {order_id} is in REVIEW" in told


async def test_an_unreachable_stripe_is_said_and_the_next_sweep_looks_as_far_back(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    stripe.sandbox.faults.add(Rule(fault=parse_fault("401"), times=None))

    findings = await sweep.run()

    assert findings.unreachable
    stripe.sandbox.faults.clear()
    await settle(sweep, database)
    assert await shop.status(order_id) is OrderStatus.PAID


async def test_what_fails_for_one_payment_makes_nobody_look_back_twice(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    [payment] = await shop.payments(order_id)
    await shop.set_payment(payment.id, state="canceling")
    path = f"/v1/payment_intents/{intent['id']}/cancel"
    stripe.sandbox.faults.add(Rule(fault=parse_fault("502"), path=path, times=None))

    findings = await sweep.run()

    assert (findings.unreachable, findings.done["items that failed"]) == (False, 1)
    [lease] = await database.rows(text("SELECT done_until FROM leases WHERE name = 'sweep'"))
    assert lease.done_until is not None


async def test_of_two_processes_only_one_sweeps(sweep: Sweep, database: Database) -> None:
    first, second = SweepScheduler(database, sweep), SweepScheduler(database, sweep)

    async with first.on():
        turns = [await duty.sweep_if_it_is_our_turn() for duty in (first, second, first)]

    assert turns == [True, False, True]
    assert await second.sweep_if_it_is_our_turn()


async def test_the_sweep_pages_through_stripes_lists(
    client: Client, shop: Shop, stripe: Stripe, sweep: Sweep, database: Database
) -> None:
    for number in range(130):
        made = stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100 + number, "currency": "usd"})
        assert made.status == 200
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])

    await settle(sweep, database)

    assert await shop.status(order_id) is OrderStatus.PAID
