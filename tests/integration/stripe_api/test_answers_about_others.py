"""An answer about another object than was asked for, as of a proxy that mixes up requests, changes nothing.

It is whole and readable, and may be another customer's.
"""

import json
from typing import Any

import pytest

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.payments.intents import GatewayError, UnreadableAnswer
from services.payments.refunds import Refunds
from services.stripe_api.gateway import StripeGateway
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop
from tests.money_back import all_refunds, wish
from tests.proof.whole_shop import WholeShop


def answer_instead(stripe: Stripe, value: dict[str, Any], *, path: str, method: str = "*") -> None:
    fault = parse_fault(f"altered; change={json.dumps(value)}")
    stripe.sandbox.faults.add(Rule(fault=fault, times=None, path=path, method=method))


def made_by_a_stranger(stripe: Stripe, amount: int = 5_248) -> dict[str, Any]:
    wanted = {"amount": amount, "currency": "usd", "metadata": {"cart": "7"}}
    made: dict[str, Any] = stripe.sandbox.call("POST", "/v1/payment_intents", wanted).json()
    return made


async def test_the_secret_of_another_intent_of_the_same_amount_is_not_released(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stranger = made_by_a_stranger(stripe)
    answer_instead(stripe, stranger, path="/v1/payment_intents", method="POST")

    answer = await client.pay(order_id)

    assert (answer["__typename"], answer["retryable"]) == ("PaymentProviderUnavailable", True)
    assert [(p.state, p.intent_id) for p in await shop.payments(order_id)] == [("creating", None)]
    stripe.sandbox.faults.clear()
    paid = await client.pay(order_id)
    assert paid["id"] != stranger["id"]
    # The stranger's, and the one of our first call.
    assert len(list(stripe.sandbox.state.payment_intents)) == 2


@pytest.mark.parametrize("verb", ["retrieve", "reprice", "cancel"])
async def test_an_answer_about_another_intent_is_unreadable(
    stripe: Stripe, gateway: StripeGateway, verb: str
) -> None:
    mine, other = made_by_a_stranger(stripe), made_by_a_stranger(stripe)
    answer_instead(stripe, other, path=f"/v1/payment_intents/{mine['id']}*")
    calls = {
        "retrieve": lambda: gateway.retrieve_intent(mine["id"]),
        "reprice": lambda: gateway.reprice_intent(mine["id"], 700, idempotency_key="k"),
        "cancel": lambda: gateway.cancel_intent(mine["id"]),
    }

    with pytest.raises(UnreadableAnswer, match=other["id"]):
        await calls[verb]()


async def test_refunds_of_other_payments_are_not_taken_for_an_orders_own(
    shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    """Such as when something in between drops the query, and Stripe lists all of the account."""
    whole_shop = WholeShop(database, stripe.sandbox)
    order_id, intent_id = await whole_shop.paid()
    _, other_intent = await whole_shop.paid()
    stripe.sandbox.refund(intent_id, 400)
    answer_instead(stripe, {"payment_intent": other_intent}, path="/v1/refunds", method="GET")

    with pytest.raises(UnreadableAnswer, match=other_intent):
        await Refunds(database, gateway).refresh(intent_id)

    assert await all_refunds(database) == []
    assert await shop.status(order_id) is OrderStatus.PAID
    stripe.sandbox.faults.clear()
    await Refunds(database, gateway).refresh(intent_id)
    assert await shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED


async def test_disputes_of_other_payments_are_not_taken_for_an_orders_own(
    stripe: Stripe, database: Database, gateway: StripeGateway
) -> None:
    whole_shop = WholeShop(database, stripe.sandbox)
    _, intent_id = await whole_shop.paid()
    _, other_intent = await whole_shop.paid()
    stripe.sandbox.dispute(intent_id)
    answer_instead(stripe, {"payment_intent": other_intent}, path="/v1/disputes", method="GET")

    with pytest.raises(UnreadableAnswer, match=other_intent):
        await gateway.list_disputes(intent_id)

    stripe.sandbox.faults.clear()
    assert len(await gateway.list_disputes(intent_id)) == 1


@pytest.mark.parametrize("change", [{"metadata": {}}, {"payment_intent": "pi_another"}, {"amount": 1}])
async def test_an_answer_about_another_refund_leaves_ours_to_be_looked_for(
    shop: Shop, stripe: Stripe, database: Database, gateway: StripeGateway, change: dict[str, Any]
) -> None:
    whole_shop = WholeShop(database, stripe.sandbox)
    order_id, _ = await whole_shop.paid()
    answer_instead(stripe, change, path="/v1/refunds", method="POST")
    refunds = Refunds(database, gateway)

    first = await refunds.request(wish(order_id, amount=300))

    assert first.state == "creating"
    stripe.sandbox.faults.clear()
    await refunds.carry_out(first.id)
    [made] = await all_refunds(database)
    assert (made.state, made.amount, len(list(stripe.sandbox.state.refunds))) == ("succeeded", 300, 1)


@pytest.mark.parametrize("amount", [0, None, -5, 2**70, "300"])
async def test_a_refund_of_no_amount_ends_nothing_else(
    shop: Shop, stripe: Stripe, database: Database, amount: object
) -> None:
    """It can't be read, which is an outcome like any other: no traceback, and other payments go on."""
    whole_shop = WholeShop(database, stripe.sandbox)
    order_id, intent_id = await whole_shop.paid()
    other_id, other_intent = await whole_shop.paid()
    stripe.sandbox.refund(intent_id, 400)
    stripe.sandbox.refund(other_intent, 400)
    odd = next(r for r in stripe.sandbox.state.refunds if r["payment_intent"] == intent_id)
    stripe.sandbox.disguise(odd["id"], amount=amount)

    with pytest.raises(GatewayError):
        await whole_shop.refunds.refresh(intent_id)
    findings = await whole_shop.sweep.run()

    assert not any("Error" in line and "Unreadable" not in line for line in findings.for_a_person)
    assert await shop.status(other_id) is OrderStatus.PARTIALLY_REFUNDED
    assert await shop.status(order_id) is OrderStatus.PAID
