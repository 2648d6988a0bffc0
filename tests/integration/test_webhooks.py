"""Webhooks: stored before the 200, finished by asking Stripe, the same in the end however they come."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
import stripe as sdk
from sqlalchemy import text
from sqlalchemy.engine import Row
from starlette.applications import Starlette

from main import build_app
from models import OrderStatus
from sandbox.errors import StripeError
from sandbox.faults import Rule, parse_fault
from services.database import Database
from services.stripe_gateway import StripeGateway, StripeSignatureCheck
from services.webhooks import Inbox
from settings import Settings
from tests.client import Client
from tests.conftest import WEBHOOK_SECRET, Stripe
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


def signed(
    payload: bytes | str, *, secret: str = WEBHOOK_SECRET, at: float | None = None
) -> tuple[bytes, str]:
    body = payload if isinstance(payload, bytes) else payload.encode()
    header = sdk.WebhookSignature.generate_signature_header(
        body.decode("utf-8", "surrogateescape"), secret, int(at if at is not None else time.time())
    )
    return body, header


def event_body(**changes: Any) -> str:
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "pi_of_nobody", "object": "payment_intent"}},
    }
    return json.dumps({**event, **changes})


async def stored(database: Database) -> Sequence[Row[Any]]:
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


def one_byte_changed() -> tuple[bytes, str]:
    body, header = signed(event_body())
    return body.replace(b"succeeded", b"succeedee"), header


REFUSED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "no signature": lambda: (event_body().encode(), ""),
    "nonsense": lambda: (event_body().encode(), "nonsense"),
    "another secret": lambda: signed(event_body(), secret="whsec_other"),
    "an old signature": lambda: signed(event_body(), at=time.time() - 301),
    "a signature of the future": lambda: signed(event_body(), at=time.time() + 900),
    "one byte changed": one_byte_changed,
    "not UTF-8": lambda: (b"\xff\xfe{}", signed("{}")[1]),
    "a signed list": lambda: signed("[]"),
    "signed nonsense": lambda: signed("nonsense"),
    "signed null": lambda: signed("null"),
    "no id": lambda: signed(event_body(id=None)),
    "no object": lambda: signed(event_body(data={})),
    "a NUL in the id": lambda: signed(event_body(id="evt_\0")),
    "nested too deep": lambda: signed("[" * 100_000),
    "a time beyond all calendars": lambda: signed(event_body(created=10**30)),
    "a timestamp that is none": lambda: (event_body().encode(), "t=now,v1=00"),
    "a very long timestamp": lambda: (event_body().encode(), f"t={'9' * 5_000},v1=00"),
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED.keys())
async def test_what_stripe_did_not_send_is_refused_and_nothing_is_stored(
    http: httpx.AsyncClient, database: Database, made: Callable[[], tuple[bytes, str]]
) -> None:
    body, header = made()

    answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 400
    assert await stored(database) == []


async def test_events_of_live_mode_and_of_other_kinds_are_answered_and_not_stored(
    http: httpx.AsyncClient, database: Database
) -> None:
    for changes in ({"livemode": True}, {"type": "invoice.paid"}, {"type": "customer.created"}):
        body, header = signed(event_body(**changes))
        answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
        assert answer.status_code == 200

    assert await stored(database) == []


@pytest.mark.parametrize("secret", ["whsec_new00000000000000", WEBHOOK_SECRET])
async def test_both_secrets_are_good_while_one_is_being_rotated(
    secret: str, database: Database, gateway: StripeGateway
) -> None:
    check = StripeSignatureCheck(("whsec_new00000000000000", WEBHOOK_SECRET))
    inbox = Inbox(database, gateway, check, livemode=False)

    await inbox.receive(*signed(event_body(), secret=secret))

    assert len(await stored(database)) == 1


async def test_without_a_secret_the_door_is_closed(settings: Settings, database: Database) -> None:
    app: Starlette = build_app(settings.model_copy(update={"stripe_webhook_secret": None}))
    body, header = signed(event_body())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 503
    assert await stored(database) == []


async def test_a_body_of_more_than_256_kilobytes_is_refused(http: httpx.AsyncClient) -> None:
    body, header = signed(event_body(padding="x" * 256 * 1024))

    answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 413
