"""An order that became payable again is paid, whatever Stripe refused meanwhile and keeps under a key."""

import pytest

from sandbox.faults import Rule, parse_fault
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop


@pytest.mark.parametrize("prices", [(1_500,), (1_500, 1_000)], ids=["another total", "the total of before"])
async def test_a_debit_that_fails_after_the_price_changed_leaves_the_order_payable(
    client: Client, shop: Shop, stripe: Stripe, prices: tuple[int, ...]
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent_id = (await client.pay(order_id))["id"]
    for price in prices:
        await shop.set_price(order_id, price)
    stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")
    meanwhile = await client.pay(order_id)
    assert meanwhile["__typename"] == "PaymentInProgress"
    stripe.sandbox.complete(intent_id, succeeds=False)

    again = await client.pay(order_id)

    assert again["__typename"] == "PaymentIntent", again
    assert stripe.sandbox.state.payment_intents.require(again["id"])["amount"] == prices[-1]
    assert (
        len([intent for intent in stripe.sandbox.state.payment_intents if intent["status"] != "canceled"])
        == 1
    )
    stripe.sandbox.pay(again["id"])


async def test_it_stays_payable_when_the_answer_to_the_second_try_is_lost(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent_id = (await client.pay(order_id))["id"]
    await shop.set_price(order_id, 1_500)
    stripe.sandbox.pay(intent_id, "pm_usBankAccount_success")
    await client.pay(order_id)
    stripe.sandbox.complete(intent_id, succeeds=False)
    # The first call replays the refusal; the one under another key is carried out, and its answer is lost each time.
    lost, path = parse_fault("reset; point=after"), f"/v1/payment_intents/{intent_id}"
    stripe.sandbox.faults.add(Rule(fault=lost, method="POST", path=path, nth=2, times=None))
    assert (await client.pay(order_id))["__typename"] == "PaymentProviderUnavailable"
    stripe.sandbox.faults.clear()

    again = await client.pay(order_id)

    assert (again["__typename"], again["id"]) == ("PaymentIntent", intent_id)
    assert stripe.sandbox.state.payment_intents.require(intent_id)["amount"] == 1_500
