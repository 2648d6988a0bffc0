"""createPaymentIntent while Stripe fails: each failure ends as a typed answer, and as one intent in the end."""

import asyncio
import time
from typing import Any

import pytest

from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop

CREATE = {"method": "POST", "path": "/v1/payment_intents"}


def intents(stripe: Stripe) -> list[dict[str, Any]]:
    return list(stripe.sandbox.state.payment_intents)


def creates(stripe: Stripe) -> int:
    """How many intents there are, which is not how often one was asked for."""
    return len(intents(stripe))


def order_fault(stripe: Stripe, words: str, **rule: object) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault(words), **{**CREATE, **rule}))  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", ["reset; point=after", "truncated", "502; point=after", "409"])
async def test_one_lost_answer_is_asked_for_again_under_the_same_key(
    client: Client, shop: Shop, stripe: Stripe, fault: str
) -> None:
    order_fault(stripe, fault)

    answer = await client.pay(await shop.order())

    assert answer["__typename"] == "PaymentIntent"
    assert creates(stripe) == 1
    assert len({call["idempotency_key"] for call in stripe.sandbox.journal.calls("POST")}) == 1


@pytest.mark.parametrize(
    "fault",
    ["reset; point=before", "reset; point=after", "truncated", "502; point=after", "409", "429", "401"],
)
async def test_an_unknown_outcome_keeps_the_payment_and_the_next_call_replays_its_key(
    client: Client, shop: Shop, stripe: Stripe, fault: str
) -> None:
    order_fault(stripe, fault, times=2)
    order_id = await shop.order()

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["retryable"]) == ("PaymentProviderUnavailable", True)
    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.lease_until) == ("creating", None)
    stripe.sandbox.faults.clear()
    assert (await client.pay(order_id))["__typename"] == "PaymentIntent"
    assert creates(stripe) == 1
    assert len(await shop.payments(order_id)) == 1
    assert {call["idempotency_key"] for call in stripe.sandbox.journal.calls("POST")} == {f"pi:{payment.id}"}


@pytest.mark.parametrize("point", ["before", "after"])
async def test_a_recorded_500_burns_the_key_and_a_new_payment_is_made(
    client: Client, shop: Shop, stripe: Stripe, point: str
) -> None:
    order_fault(stripe, f"500; point={point}")
    order_id = await shop.order()

    answer = await client.pay(order_id)

    assert answer["__typename"] == "PaymentIntent"
    burnt, payment = await shop.payments(order_id)
    assert (burnt.state, payment.state, payment.intent_id) == ("abandoned", "open", answer["id"])


async def test_two_recorded_500s_in_one_call_are_an_outage(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_fault(stripe, "500; point=before", times=None)
    order_id = await shop.order()

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["retryable"]) == ("PaymentProviderUnavailable", True)
    assert [payment.state for payment in await shop.payments(order_id)] == ["abandoned", "abandoned"]


@pytest.mark.parametrize(
    ("fault", "refusal", "code"),
    [
        ("400; code=amount_too_small", "AmountNotChargeable", "amount_too_small"),
        ("400; code=amount_too_large", "AmountNotChargeable", "amount_too_large"),
        ("400; code=parameter_unknown", "PaymentProviderUnavailable", "parameter_unknown"),
        ("402; code=card_declined", "PaymentProviderUnavailable", "card_declined"),
    ],
)
async def test_a_definite_refusal_ends_the_payment_and_the_next_call_begins_a_new_one(
    client: Client, shop: Shop, stripe: Stripe, fault: str, refusal: str, code: str
) -> None:
    order_fault(stripe, fault)
    order_id = await shop.order()

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["retryable"]) == (refusal, False)
    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.failure_code) == ("failed", code)
    assert (await client.pay(order_id))["__typename"] == "PaymentIntent"


async def test_a_slow_or_hanging_stripe_is_answered_within_the_deadline_and_makes_nothing_twice(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    orders = [await shop.order() for _ in range(3)]
    order_fault(stripe, "slow_body; seconds=120")
    order_fault(stripe, "slow_header; point=after; seconds=120", nth=2)
    order_fault(stripe, "hang; seconds=120", nth=3, times=None)

    began = time.monotonic()
    answers = await asyncio.gather(*(client.pay(order) for order in [*orders, orders[0]]))

    assert time.monotonic() - began < 12
    assert {a["__typename"] for a in answers} <= {"PaymentProviderUnavailable", "PaymentInProgress"}
    assert all(answer["retryable"] for answer in answers)
    assert creates(stripe) == 2  # of the slow ones, which nobody heard of
    stripe.sandbox.faults.clear()
    released = [await client.pay(order) for order in orders]
    assert {answer["id"] for answer in released} == {intent["id"] for intent in intents(stripe)}
    assert creates(stripe) == 3


async def test_a_caller_who_died_is_taken_over_once_the_lease_has_passed(
    client: Client, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    order_fault(stripe, "reset; point=after", times=2)
    await client.pay(order_id)
    [payment] = await shop.payments(order_id)

    answers = await asyncio.gather(*(client.pay(order_id) for _ in range(8)))

    assert {answer["id"] for answer in answers} == {intents(stripe)[0]["id"]}
    assert await shop.history(payment.id) == ["creating", "open"]


async def test_a_key_that_stripe_may_have_forgotten_is_given_up(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    order_fault(stripe, "reset; point=after", times=2)
    await client.pay(order_id)
    [payment] = await shop.payments(order_id)
    await shop.set_payment(payment.id, created_at=payment.created_at.replace(year=2020))

    answer = await client.pay(order_id)

    old, new = await shop.payments(order_id)
    assert (old.state, old.failure_code, new.state) == ("abandoned", "key_expired", "open")
    assert answer["id"] == new.intent_id
