"""Webhooks: stored before the 200, finished by asking Stripe, the same in the end however they come."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Row
from sandbox.faults import Rule, parse_fault
from sandbox.http.errors import StripeError
from services.payments.intents import Intent
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET, event_body, signed
from tests.make import Shop

READ = {"method": "GET", "path": "/v1/payment_intents/*"}


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    """An inbox that works only when it is told to."""
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


def events(stripe: Stripe, event_type: str = "payment_intent.*") -> list[str]:
    prefix = event_type.rstrip("*")
    return [event["id"] for event in stripe.sandbox.state.events if event["type"].startswith(prefix)]


async def deliver(inbox: Inbox, stripe: Stripe, *ids: str) -> None:
    for event_id in ids:
        webhook = stripe.sandbox.webhook(event_id)
        await inbox.receive(webhook.body, webhook.signature)


async def stored(database: Database) -> Sequence[Row]:
    return await database.rows(text("SELECT * FROM stripe_events ORDER BY received_at"))


async def paid_intent(client: Client, shop: Shop, stripe: Stripe) -> tuple[Any, str]:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    stripe.sandbox.pay(intent["id"])
    return order_id, intent["id"]


async def test_a_paid_intent_makes_the_order_paid(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id, intent_id = await paid_intent(client, shop, stripe)
    await deliver(inbox, stripe, *events(stripe, "payment_intent.succeeded"))

    assert await shop.status(order_id) is OrderStatus.PENDING
    await inbox.finish_due()

    assert await shop.status(order_id) is OrderStatus.PAID
    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.disposition, payment.amount_received) == ("succeeded", "settled", 5_248)
    assert payment.intent_id == intent_id
    assert await shop.history(payment.id) == ["creating", "open", "succeeded"]


async def test_over_http_a_webhook_is_answered_and_then_finished(
    client: Client, shop: Shop, stripe: Stripe, http: httpx.AsyncClient
) -> None:
    order_id, _ = await paid_intent(client, shop, stripe)
    [event_id] = events(stripe, "payment_intent.succeeded")
    webhook = stripe.sandbox.webhook(event_id)

    answer = await http.post(
        "/webhooks/stripe", content=webhook.body, headers={"stripe-signature": webhook.signature}
    )

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    await shop.until(order_id, OrderStatus.PAID)


async def test_the_same_event_100_times_at_once_settles_once(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    order_id, _ = await paid_intent(client, shop, stripe)
    [event_id] = events(stripe, "payment_intent.succeeded")

    await asyncio.gather(*(deliver(inbox, stripe, event_id) for _ in range(100)))
    await asyncio.gather(inbox.finish_due(), inbox.finish_due())

    assert await shop.status(order_id) is OrderStatus.PAID
    [payment] = await shop.payments(order_id)
    assert await shop.history(payment.id) == ["creating", "open", "succeeded"]
    assert len(await stored(database)) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_events_end_alike_in_every_order(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, order: tuple[int, ...]
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    with pytest.raises(StripeError):
        stripe.sandbox.pay(intent_id, "pm_card_chargeDeclined")
    stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")
    stripe.sandbox.complete(intent_id)
    ids = events(stripe)
    assert len(ids) == 4  # created, payment_failed, processing, succeeded

    for place in order:
        await deliver(inbox, stripe, ids[place])
        await inbox.finish_due()

    [payment] = await shop.payments(order_id)
    assert (await shop.status(order_id), payment.state) == (OrderStatus.PAID, "succeeded")


async def test_a_processing_payment_waits_and_then_settles(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    intent_id = (await client.pay(order_id))["id"]
    stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")
    await deliver(inbox, stripe, *events(stripe))
    await inbox.finish_due()
    again = await client.pay(order_id)
    assert (await shop.status(order_id), again["status"]) == (OrderStatus.PENDING, "PROCESSING")

    stripe.sandbox.complete(intent_id)
    await deliver(inbox, stripe, *events(stripe))
    await inbox.finish_due()

    assert await shop.status(order_id) is OrderStatus.PAID
    [payment] = await shop.payments(order_id)
    assert await shop.history(payment.id) == ["creating", "open", "processing", "succeeded"]


async def test_a_webhook_before_our_second_record_finds_the_payment_by_its_metadata(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    stripe.sandbox.faults.add(
        Rule(fault=parse_fault("reset; point=after"), method="POST", path="/v1/payment_intents", times=2)
    )
    await client.pay(order_id)
    [intent] = list(stripe.sandbox.state.payment_intents)
    stripe.sandbox.pay(intent["id"])

    await deliver(inbox, stripe, *events(stripe, "payment_intent.succeeded"))
    await inbox.finish_due()

    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.intent_id) == ("succeeded", intent["id"])
    assert await shop.status(order_id) is OrderStatus.PAID


async def test_a_forged_payload_moves_nothing(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    forged = {"id": intent["id"], "object": "payment_intent", "status": "succeeded", "amount_received": 5_248}

    await inbox.receive(*signed(event_body(data={"object": forged})))
    await inbox.finish_due()

    assert await shop.status(order_id) is OrderStatus.PENDING


async def test_money_of_another_amount_sends_the_order_to_review(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id, _ = await paid_intent(client, shop, stripe)
    await shop.set_price(order_id, 5_000)
    await deliver(inbox, stripe, *events(stripe, "payment_intent.succeeded"))
    await inbox.finish_due()

    [payment] = await shop.payments(order_id)
    assert (await shop.status(order_id), payment.disposition) == (OrderStatus.REVIEW, "mismatch")


async def test_an_intent_of_another_application_is_ignored(
    stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    made = stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}).json()
    stripe.sandbox.pay(made["id"])
    await deliver(inbox, stripe, *events(stripe))
    await inbox.finish_due()

    assert all(event.finished_at for event in await stored(database))


@pytest.mark.parametrize("fault", ["reset; point=after", "500", "429", "502; point=after", "401"])
async def test_an_event_that_could_not_be_finished_is_finished_later(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database, fault: str
) -> None:
    order_id, _ = await paid_intent(client, shop, stripe)
    [event_id] = events(stripe, "payment_intent.succeeded")
    stripe.sandbox.faults.add(Rule(fault=parse_fault(fault), times=None, **READ))  # type: ignore[arg-type]
    await deliver(inbox, stripe, event_id)
    await inbox.finish_due()
    [event] = await stored(database)
    assert (event.finished_at, event.attempts) == (None, 1)
    assert await inbox.finish_due() == 0  # it waits its time

    stripe.sandbox.faults.clear()
    await deliver(inbox, stripe, event_id)  # a redelivery is reason enough to try at once
    await inbox.finish_due()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_a_worker_that_died_leaves_its_events_to_another(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    order_id, _ = await paid_intent(client, shop, stripe)
    await deliver(inbox, stripe, *events(stripe, "payment_intent.succeeded"))
    await database.rows(text("UPDATE stripe_events SET attempts = 1, due_at = now() + interval '1 minute'"))
    assert await inbox.finish_due() == 0

    await database.rows(text("UPDATE stripe_events SET due_at = now() - interval '1 second'"))
    await inbox.finish_due()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_an_event_that_cannot_be_finished_holds_up_no_other(
    client: Client, shop: Shop, stripe: Stripe, gateway: StripeGateway, database: Database
) -> None:
    poisoned, _ = await paid_intent(client, shop, stripe)
    order_id, _ = await paid_intent(client, shop, stripe)
    [payment] = await shop.payments(poisoned)

    class Poisoned(StripeGateway):
        async def retrieve_intent(self, intent_id: str) -> Intent:
            if intent_id == payment.intent_id:
                raise ValueError("something nobody thought of")
            return await gateway.retrieve_intent(intent_id)

    unlucky = Poisoned("sk_test_unused", api_base=stripe.url)
    inbox = Inbox(database, unlucky, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)
    await deliver(inbox, stripe, *events(stripe, "payment_intent.succeeded"))
    await inbox.finish_all()

    assert await shop.status(order_id) is OrderStatus.PAID
    assert sorted(event.failure or "" for event in await stored(database)) == ["", "ValueError"]


async def test_one_question_answers_all_events_about_an_intent(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    await paid_intent(client, shop, stripe)
    await deliver(inbox, stripe, *events(stripe))
    asked = len(stripe.sandbox.journal.calls("GET"))

    await inbox.finish_all()

    assert len(events(stripe)) > 1
    assert len(stripe.sandbox.journal.calls("GET")) == asked + 1
