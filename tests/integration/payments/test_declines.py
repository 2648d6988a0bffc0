"""Card testing: three hundred stolen cards on one intent end after ten, on every worker, and honest orders go on."""

import time
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from models.declines.tables import MOST_OF_ORDER, MOST_OF_USER
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.payments.declines import CLOSED, DECLINED
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import STRIPE, Stripe
from tests.events import WEBHOOK_SECRET, event_body, signed
from tests.make import Shop

PAY = (
    "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename ... on PaymentIntent { id clientSecret } "
    "... on RateLimited { retryable retryAfter } } }"
)
CERTIFICATES = httpx.create_ssl_context()  # reading them takes longer than a call


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


async def paid_for(client: Client, order_id: UUID, user: str = "ada") -> dict[str, Any]:
    answer: dict[str, Any] = (await client.data(PAY, {"id": str(order_id)}, user=user))["createPaymentIntent"]
    return answer


async def try_card(
    stripe: Stripe, intent: dict[str, Any], card: str = "pm_card_chargeDeclined"
) -> httpx.Response:
    """As a thief does: straight at Stripe, with the publishable key and the client secret."""
    async with httpx.AsyncClient(verify=CERTIFICATES) as http:
        return await http.post(
            f"{stripe.url}/v1/payment_intents/{intent['id']}/confirm",
            auth=(STRIPE.publishable_key, ""),
            data={"client_secret": intent["clientSecret"], "payment_method": card},
        )


async def told_of_decline(inbox: Inbox, intent_id: str, **changes: Any) -> None:
    body = event_body(
        type=DECLINED, data={"object": {"id": intent_id, "object": "payment_intent"}}, **changes
    )
    await inbox.receive(*signed(body))
    await inbox.finish_all()


async def declined(inbox: Inbox, stripe: Stripe, intent: dict[str, Any], cards: int) -> int:
    """How many of so many stolen cards Stripe tried at all."""
    tried = 0
    for _ in range(cards):
        answer = await try_card(stripe, intent)
        if answer.status_code != 402:
            assert answer.json()["error"]["code"] == "payment_intent_unexpected_state"
            continue
        tried += 1
        await told_of_decline(inbox, intent["id"])
    return tried


async def age(database: Database, minutes: int) -> None:
    await database.rows(text("UPDATE declines SET at = at - make_interval(mins => :m)"), {"m": minutes})


async def test_three_hundred_cards_on_one_intent_end_after_ten(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    intent = await paid_for(client, order_id)
    closed = CLOSED._value.get()  # noqa: SLF001  the public way is a scrape

    assert await declined(inbox, stripe, intent, 300) == MOST_OF_ORDER == 10
    good = await try_card(stripe, intent, "pm_card_visa")
    assert good.status_code == 400, "a good card is not found out on a closed intent"
    refused = await paid_for(client, order_id)
    assert (refused["__typename"], refused["retryable"]) == ("RateLimited", True)
    assert 0 < refused["retryAfter"] <= 3_600
    [payment] = await shop.payments(order_id)
    assert payment.state == "canceled"
    assert CLOSED._value.get() == closed + 1  # noqa: SLF001


async def test_after_a_while_the_order_can_be_paid_again(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    intent = await paid_for(client, order_id)
    await declined(inbox, stripe, intent, MOST_OF_ORDER)
    await age(database, 30)
    waits = (await paid_for(client, order_id))["retryAfter"]
    assert 0 < waits <= 1_800
    await age(database, 31)
    again = await paid_for(client, order_id)
    assert again["__typename"] == "PaymentIntent"
    assert again["id"] != intent["id"]
    assert (await try_card(stripe, again, "pm_card_visa")).json()["status"] == "succeeded"


async def test_declines_that_are_heard_of_hours_later_do_not_count_as_new(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    intent = await paid_for(client, order_id)
    six_hours_ago = int(time.time()) - 6 * 3_600

    for _ in range(MOST_OF_ORDER + 1):
        await told_of_decline(inbox, intent["id"], created=six_hours_ago)
    assert (await paid_for(client, order_id))["id"] == intent["id"]

    in_a_year = int(time.time()) + 365 * 86_400  # no clock that goes wrong closes an order for so long
    for _ in range(MOST_OF_ORDER):
        await told_of_decline(inbox, intent["id"], created=in_a_year)
    assert 0 < (await paid_for(client, order_id))["retryAfter"] <= 3_600


async def test_nine_declines_and_a_good_card_are_a_customer(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    intent = await paid_for(client, order_id)
    assert await declined(inbox, stripe, intent, MOST_OF_ORDER - 1) == MOST_OF_ORDER - 1
    assert (await paid_for(client, order_id))["id"] == intent["id"]
    assert (await try_card(stripe, intent, "pm_card_visa")).json()["status"] == "succeeded"


async def test_a_user_with_many_orders_has_thirty_and_all_their_intents_are_closed(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe
) -> None:
    orders = [await shop.order(user="mallory") for _ in range(6)]
    intents = [await paid_for(client, order_id, "mallory") for order_id in orders]
    honest = await paid_for(client, await shop.order(user="ada"))
    tried = 0
    for intent in intents:
        tried += await declined(inbox, stripe, intent, MOST_OF_ORDER - 1)
    assert tried == MOST_OF_USER
    assert {(await shop.payments(order_id))[0].state for order_id in orders} == {"canceled"}
    new_order = await shop.order(user="mallory")
    assert (await paid_for(client, new_order, "mallory"))["__typename"] == "RateLimited"
    assert (await try_card(stripe, honest, "pm_card_visa")).json()["status"] == "succeeded"


async def test_an_intent_that_stripe_does_not_cancel_keeps_no_other_open(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe
) -> None:
    orders = [await shop.order(user="mallory") for _ in range(4)]
    sick, *others = [await paid_for(client, order_id, "mallory") for order_id in orders]
    for intent in others:
        assert await declined(inbox, stripe, intent, MOST_OF_ORDER - 1) == MOST_OF_ORDER - 1
    path = f"/v1/payment_intents/{sick['id']}/cancel"
    stripe.sandbox.faults.add(Rule(fault=parse_fault("503"), path=path, times=None))
    assert await declined(inbox, stripe, sick, MOST_OF_USER - 3 * (MOST_OF_ORDER - 1)) == 3
    states = [(await shop.payments(order_id))[0].state for order_id in orders]
    assert states == ["canceling", "canceled", "canceled", "canceled"]


async def test_guests_are_counted_by_order_alone(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe
) -> None:
    first, second = await shop.order(), await shop.order()
    intents = [await paid_for(client, order_id) for order_id in (first, second)]
    for order_id in (first, second):
        await shop.set_order(order_id, user_id=None)
    assert await declined(inbox, stripe, intents[0], 50) == MOST_OF_ORDER
    assert await declined(inbox, stripe, intents[1], 5) == 5


async def test_an_event_that_comes_twice_counts_once_and_a_strangers_not_at_all(
    client: Client, inbox: Inbox, shop: Shop, database: Database
) -> None:
    intent = await paid_for(client, await shop.order())
    for _ in range(3):
        await told_of_decline(inbox, intent["id"], id="evt_declined_once")
    await database.rows(text("UPDATE stripe_events SET finished_at = NULL, due_at = now()"))
    await inbox.finish_all()
    await told_of_decline(inbox, "pi_of_nobody_here")
    assert (await database.rows(text("SELECT count(*) AS n FROM declines")))[0].n == 1


async def test_an_intent_that_cannot_be_closed_now_is_closed_when_stripe_answers(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    intent = await paid_for(client, order_id)
    await declined(inbox, stripe, intent, MOST_OF_ORDER - 1)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("503"), times=40))
    await try_card(stripe, intent)
    await told_of_decline(inbox, intent["id"])
    assert (await paid_for(client, order_id))["__typename"] != "PaymentIntent"
    stripe.sandbox.faults.clear()
    await database.rows(text("UPDATE stripe_events SET due_at = now() WHERE finished_at IS NULL"))
    await inbox.finish_all()
    assert (await shop.payments(order_id))[0].state == "canceled"


async def test_old_declines_are_forgotten(
    client: Client, inbox: Inbox, shop: Shop, stripe: Stripe, database: Database
) -> None:
    intent = await paid_for(client, await shop.order())
    await declined(inbox, stripe, intent, 3)
    await age(database, 60 * 25)
    await declined(inbox, stripe, intent, 1)
    assert (await database.rows(text("SELECT count(*) AS n FROM declines")))[0].n == 1
