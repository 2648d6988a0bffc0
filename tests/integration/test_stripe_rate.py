"""In front of Stripe's limit: callers wait their turn, nobody waits in vain, and customers go first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any
from uuid import uuid4

import pytest

from services.payments.call_priority import in_background
from services.payments.intents import IntentRequest, TooManyRequests
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.rate import StripeRate
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, STRIPE, Stripe, running
from tests.make import Shop

LIMIT = 25


def wanted() -> IntentRequest:
    return IntentRequest(payment_id=uuid4(), order_id=uuid4(), amount=1_000, currency="USD")


@pytest.fixture
async def paced(stripe: Stripe) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(STRIPE.secret_keys[0], api_base=stripe.url, calls_per_second=LIMIT)
    yield made
    await made.close()


async def outcomes(work: list[Awaitable[Any]]) -> list[str]:
    found = await asyncio.gather(*work, return_exceptions=True)
    return [type(each).__name__ if isinstance(each, Exception) else "done" for each in found]


async def test_a_burst_beyond_the_limit_waits_and_stripe_refuses_none(
    paced: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.rates.set(LIMIT)

    assert await outcomes([paced.create_intent(wanted()) for _ in range(LIMIT + 15)]) == ["done"] * (
        LIMIT + 15
    )


async def test_each_endpoint_has_a_limit_of_its_own(paced: StripeGateway, stripe: Stripe) -> None:
    stripe.sandbox.rates.set(LIMIT)
    made = await paced.create_intent(wanted())
    rate = StripeRate(LIMIT)

    assert rate.of("get", f"/v1/payment_intents/{made.id}") is rate.of("get", "/v1/payment_intents/pi_other")
    assert rate.of("post", f"/v1/payment_intents/{made.id}/cancel") is not rate.of(
        "post", "/v1/payment_intents"
    )
    assert await outcomes([paced.retrieve_intent(made.id) for _ in range(LIMIT)]) == ["done"] * LIMIT


async def test_who_could_not_be_served_in_time_is_told_at_once() -> None:
    turns = StripeRate(10, longest_wait=0.5).of("post", "/v1/refunds")

    found = await outcomes([turns.turn() for _ in range(30)])

    assert found == ["done"] * 10 + ["TooManyRequests"] * 20


async def test_turns_are_taken_in_the_order_of_coming() -> None:
    turns = StripeRate(20).of("post", "/v1/refunds")
    served: list[int] = []

    async def call(number: int) -> None:
        await turns.turn()
        served.append(number)

    await asyncio.gather(*(call(number) for number in range(45)))

    assert served == list(range(45))


async def test_a_caller_who_gave_up_takes_no_turn() -> None:
    turns = StripeRate(20).of("post", "/v1/refunds")
    served: list[str] = []

    async def call(name: str) -> None:
        await turns.turn()
        served.append(name)

    await asyncio.gather(*(call("first") for _ in range(20)))
    impatient, patient = asyncio.create_task(call("impatient")), asyncio.create_task(call("patient"))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient

    assert served == ["first"] * 20 + ["patient"]


async def test_background_work_leaves_room_and_lets_customers_go_first() -> None:
    turns = StripeRate(20).of("get", "/v1/payment_intents/pi_1")
    served: list[str] = []

    async def call(name: str) -> None:
        await turns.turn()
        served.append(name)

    async def sweep() -> None:
        with in_background():
            await asyncio.gather(*(call("sweep") for _ in range(12)))

    sweeping = asyncio.create_task(sweep())
    await asyncio.sleep(0.01)
    assert served == ["sweep"] * 10
    await asyncio.gather(*(call("customer") for _ in range(15)))
    await sweeping

    assert served == ["sweep"] * 10 + ["customer"] * 15 + ["sweep"] * 2


async def test_a_429_all_the_same_makes_us_wait_before_the_next_call(
    paced: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.rates.set(1)
    await paced.create_intent(wanted())
    with pytest.raises(TooManyRequests):
        await paced.create_intent(wanted())

    await paced.create_intent(wanted())  # comes after a pause in which Stripe is ready again


async def test_less_than_one_call_a_second_is_a_longer_window() -> None:
    turns = StripeRate(0.5, longest_wait=1).of("get", "/v1/balance")

    assert await outcomes([turns.turn(), turns.turn()]) == ["done", "TooManyRequests"]


async def test_a_burst_of_customers_is_served_or_refused_as_retryable(
    settings: Settings, shop: Shop, stripe: Stripe
) -> None:
    """Beyond what can be served in five seconds; nothing is made twice, and asking again succeeds."""
    stripe.sandbox.rates.set(4)
    orders = [await shop.order() for _ in range(30)]
    async with running(settings.model_copy(update={"stripe_calls_per_second": 4.0})) as http:
        client = Client(http, JWT_SECRET)
        answers = await asyncio.gather(*(client.pay(order) for order in orders))

        paid = [each for each in answers if each["__typename"] == "PaymentIntent"]
        refused = [each for each in answers if each["__typename"] == "PaymentProviderUnavailable"]
        assert len(paid) + len(refused) == 30
        assert 16 <= len(paid) < 30
        assert all(each["retryable"] for each in refused)
        assert len({each["id"] for each in paid}) == len(paid)


def test_workers_share_the_limit(settings: Settings) -> None:
    def of(**others: Any) -> float | None:
        return settings.model_copy(update=others).calls_per_second

    assert of() is None
    assert of(stripe_api_base="https://api.stripe.com") == 25
    assert of(stripe_api_base="https://api.stripe.com", workers=4) == 6.25
    assert of(stripe_calls_per_second=100.0, workers=4) == 25
