"""createPaymentIntent: one order, one payable intent, whatever Stripe does."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from models import OrderStatus
from runtime.database.database import Database
from services.payments.call_priority import Turn
from services.payments.intents import Intent, IntentRequest, IntentStatus
from services.payments.payment_intents import PaymentIntents
from services.stripe_api.gateway import StripeGateway
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop

CREATE = {"method": "POST", "path": "/v1/payment_intents"}


def intents(stripe: Stripe) -> list[dict[str, Any]]:
    return list(stripe.sandbox.state.payment_intents)


def creates(stripe: Stripe) -> int:
    """How many intents there are, which is not how often one was asked for."""
    return len(intents(stripe))


async def test_a_pending_order_gets_an_intent_of_its_total(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order(items=[(1_999, 2), (1_250, 1)])

    answer = await client.pay(order_id)

    assert answer["__typename"] == "PaymentIntent"
    assert answer["status"] == "REQUIRES_PAYMENT_METHOD"
    assert answer["amount"] == {"minorUnits": 5_248, "currency": "USD", "amount": "52.48"}
    assert answer["clientSecret"].startswith(f"{answer['id']}_secret_")
    [intent] = intents(stripe)
    [payment] = await shop.payments(order_id)
    assert (intent["amount"], intent["currency"]) == (5_248, "usd")
    assert intent["metadata"].items() >= {"order_id": str(order_id), "payment_id": str(payment.id)}.items()
    assert set(intent["metadata"]) == {"order_id", "payment_id", "installation_id"}
    assert (payment.state, payment.intent_id, payment.amount) == ("open", intent["id"], 5_248)
    assert await shop.history(payment.id) == ["creating", "open"]


async def test_a_second_call_answers_with_the_same_secret_read_from_stripe(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()

    first, second = await client.pay(order_id), await client.pay(order_id)

    assert first == second
    calls = [call["method"] for call in stripe.sandbox.journal.calls()]
    assert calls == ["POST", "GET"]


async def test_24_parallel_calls_end_in_one_intent_and_24_equal_answers(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stripe.sandbox.faults.latency = 0.5

    answers = await asyncio.gather(*(client.pay(order_id) for _ in range(24)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["__typename"] == "PaymentIntent"
    assert creates(stripe) == len(stripe.sandbox.journal.calls("POST")) == 1
    assert len(await shop.payments(order_id)) == 1


@pytest.mark.parametrize(
    "order_id",
    [
        "0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11",
        "",
        "nonsense",
        "0",
        "\0",
        "\ud800",
        "{00000000-0000-4000-8000-000000000000}",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "9" * 5_000,
    ],
)
async def test_a_missing_or_malformed_order_looks_like_a_foreign_one(
    client: Client, shop: Shop, order_id: str
) -> None:
    foreign = await client.pay(await shop.order(user="grace"), user="ada")

    assert foreign["__typename"] == "OrderNotFound"
    assert await client.pay(order_id) == foreign


@pytest.mark.parametrize("status", [s for s in OrderStatus if s is not OrderStatus.PENDING])
async def test_only_a_pending_order_is_payable(
    client: Client, shop: Shop, stripe: Stripe, status: OrderStatus
) -> None:
    answer = await client.pay(await shop.order(status=status))

    assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotPayable", status.name)
    assert stripe.sandbox.journal.calls() == []


@pytest.mark.parametrize(
    ("items", "currency"),
    [
        ([], "USD"),
        ([(0, 1)], "USD"),
        ([(49, 1)], "USD"),
        ([(49, 1)], "JPY"),
        ([(99_999_999, 2)], "USD"),
        ([(999_999_999_999, 100_000)] * 100, "USD"),
        ([(12_345, 1)], "KWD"),
        ([(50_050, 1)], "ISK"),
    ],
)
async def test_a_total_that_cannot_be_charged_is_refused_without_a_call(
    client: Client, shop: Shop, stripe: Stripe, items: list[tuple[int, int]], currency: str
) -> None:
    order_id = await shop.order(items=items, currency=currency)

    answer = await client.ask(
        "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename } }", {"id": str(order_id)}
    )

    assert answer == {"data": {"createPaymentIntent": {"__typename": "AmountNotChargeable"}}}
    assert stripe.sandbox.journal.calls() == []
    assert await shop.payments(order_id) == []


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("JPY", 500, "500"), ("KWD", 1_230, "1.230"), ("ISK", 50_000, "500"), ("HUF", 50_000, "500.00")],
)
async def test_every_kind_of_currency_is_charged_as_stripe_counts_it(
    client: Client, shop: Shop, stripe: Stripe, currency: str, amount: int, shown: str
) -> None:
    answer = await client.pay(await shop.order(items=[(amount, 1)], currency=currency))

    assert answer["amount"] == {"minorUnits": amount, "currency": currency, "amount": shown}
    [intent] = intents(stripe)
    assert (intent["amount"], intent["currency"]) == (amount, currency.lower())


class Watched:
    """The real gateway, with a look at the pool during each call."""

    def __init__(self, gateway: StripeGateway, database: Database) -> None:
        self._gateway = gateway
        self._database = database
        self.held: list[int] = []

    async def create_intent(self, request: IntentRequest) -> Intent:
        self.held.append(self._database.connections_in_use)
        return await self._gateway.create_intent(request)

    def turn_to_create(self, order_id: UUID) -> Turn:
        return self._gateway.turn_to_create(order_id)

    def turn_to_reprice(self, intent_id: str) -> Turn:
        return self._gateway.turn_to_reprice(intent_id)

    def turn_to_cancel(self, intent_id: str) -> Turn:
        return self._gateway.turn_to_cancel(intent_id)

    async def retrieve_intent(self, intent_id: str) -> Intent:
        self.held.append(self._database.connections_in_use)
        return await self._gateway.retrieve_intent(intent_id)

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        self.held.append(self._database.connections_in_use)
        return await self._gateway.reprice_intent(intent_id, amount, idempotency_key=idempotency_key)

    async def cancel_intent(self, intent_id: str) -> Intent:
        self.held.append(self._database.connections_in_use)
        return await self._gateway.cancel_intent(intent_id)


async def test_no_database_connection_is_held_while_stripe_is_called(
    database: Database, gateway: StripeGateway, shop: Shop, stripe: Stripe
) -> None:
    watched = Watched(gateway, database)
    payments = PaymentIntents(database, watched)
    order_id = await shop.order()

    await payments.create("ada", order_id)
    await payments.create("ada", order_id)
    await shop.set_price(order_id, 2_500)
    await payments.create("ada", order_id)
    await shop.set_order(order_id, currency="EUR")
    await payments.create("ada", order_id)

    verbs = [call["path"].split("/")[-1] for call in stripe.sandbox.journal.calls("POST")]
    assert verbs[0] == verbs[-1] == "payment_intents"
    assert "cancel" in verbs
    assert watched.held == [0] * len(watched.held)
    assert len(watched.held) >= 6


async def test_a_new_price_reaches_the_intent_that_was_released(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order(items=[(100, 1)])
    amounts = [(await client.pay(order_id))["amount"]["minorUnits"]]

    for price in (120, 100, 120, 100):
        await shop.set_price(order_id, price)
        amounts.append((await client.pay(order_id))["amount"]["minorUnits"])

    assert amounts == [100, 120, 100, 120, 100]
    [intent] = intents(stripe)
    [payment] = await shop.payments(order_id)
    assert intent["amount"] == payment.amount == 100
    keys = [c["idempotency_key"] for c in stripe.sandbox.journal.calls("POST")]
    assert len(keys) == len(set(keys)) == 5


async def test_another_currency_cancels_the_old_intent_before_a_new_one_is_made(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    first = await client.pay(order_id)
    await shop.set_order(order_id, currency="EUR")

    second = await client.pay(order_id)

    states = {i["id"]: i["status"] for i in intents(stripe)}
    assert states == {first["id"]: "canceled", second["id"]: "requires_payment_method"}
    assert [p.state for p in await shop.payments(order_id)] == ["canceled", "open"]


async def test_an_intent_paid_unnoticed_settles_the_order_instead_of_being_offered_again(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    intent = await client.pay(order_id)
    stripe.sandbox.pay(intent["id"])

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotPayable", "PAID")
    assert await shop.status(order_id) is OrderStatus.PAID


async def test_an_intent_canceled_in_the_dashboard_is_replaced(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    first = await client.pay(order_id)
    stripe.sandbox.cancel(first["id"])

    second = await client.pay(order_id)

    assert second["__typename"] == "PaymentIntent"
    assert second["id"] != first["id"]


def test_a_client_secret_is_not_shown_by_repr() -> None:
    intent = Intent(
        id="pi_1",
        status=IntentStatus.PROCESSING,
        amount=1,
        amount_received=0,
        currency="USD",
        payment_id=None,
        order_id=None,
        client_secret="pi_1_secret_2",
    )
    assert "secret_2" not in repr(intent)
