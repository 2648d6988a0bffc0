"""updateOrder: other lines and another amount as one, or not at all, whatever the customer does meanwhile."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.identity.refusals import RateLimited
from services.orders.lines import OrderLine
from services.orders.refusals import InvalidOrder, OrderNotPayable
from services.payments.call_priority import AlwaysMyTurn, Turn
from services.payments.intents import KeyBurnt, OutcomeUnknown, Refused, TooManyRequests
from services.payments.order_changes import ChangeGateway, OrderChanges, WantedChange
from services.payments.payment_intents import PaymentIntents
from services.payments.refusals import PaymentInProgress, PaymentProviderUnavailable
from services.payments.settlement import Settlement
from services.stripe_api.gateway import StripeGateway
from tests.client import Client
from tests.conftest import STRIPE, Stripe
from tests.make import Shop
from tests.proof.gateway import SandboxGateway
from tests.proof.interrupted_gateway import Happening, InterruptedGateway
from tests.proof.whole_shop import WholeShop

UPDATE = """
mutation($input: UpdateOrderInput!) {
  updateOrder(input: $input) {
    __typename
    ... on Order { id version expiresAt total { minorUnits } lines { kind name subtotal { minorUnits } } }
    ... on UserError { code message retryable }
    ... on OrderChangedMeanwhile { order { version total { minorUnits } } }
    ... on OrderTotalMismatch { sum { minorUnits } }
  }
}
"""
PAY = """
mutation($id: ID!) {
  createPaymentIntent(orderId: $id) {
    __typename ... on PaymentIntent { id clientSecret amount { minorUnits } } ... on UserError { code message }
  }
}
"""


def lines(*amounts: int) -> list[dict[str, Any]]:
    return [{"name": "Lamp", "unitAmount": amount} for amount in amounts]


async def update(
    client: Client, order_id: UUID, version: int, *amounts: int, **others: Any
) -> dict[str, Any]:
    wanted = {
        "orderId": str(order_id), "expectedVersion": version, "lines": lines(*amounts), "total": sum(amounts)
    }  # fmt: skip
    answer = await client.ask(UPDATE, {"input": {**wanted, **others}}, role="merchant")
    updated: dict[str, Any] = answer["data"]["updateOrder"]
    return updated


async def pay(client: Client, order_id: UUID) -> dict[str, Any]:
    paid: dict[str, Any] = (await client.ask(PAY, {"id": str(order_id)}))["data"]["createPaymentIntent"]
    return paid


def intent_of(stripe: Stripe, answer: dict[str, Any]) -> dict[str, Any]:
    [intent] = [each for each in stripe.sandbox.state.payment_intents if each["id"] == answer["id"]]
    return intent


async def test_a_pending_order_gets_other_lines_and_its_intent_the_new_amount(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    before = await pay(client, order_id)

    updated = await update(client, order_id, 3, 3_000, 700)

    assert updated["__typename"] == "Order"
    assert updated["total"]["minorUnits"] == 3_700
    assert [line["subtotal"]["minorUnits"] for line in updated["lines"]] == [3_000, 700]
    assert intent_of(stripe, before)["amount"] == 3_700  # for who has the secret already
    after = await pay(client, order_id)
    assert (after["clientSecret"], after["amount"]) == (before["clientSecret"], {"minorUnits": 3_700})


async def test_an_order_that_nobody_paid_for_yet_changes_without_stripe(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()

    updated = await update(client, order_id, 3, 500)

    assert updated["total"]["minorUnits"] == 500
    assert not list(stripe.sandbox.state.payment_intents)


async def test_a_lost_update_is_refused_with_the_order_as_it_is(client: Client, shop: Shop) -> None:
    order_id = await shop.order()
    first = await update(client, order_id, 3, 1_000)

    second = await update(client, order_id, 3, 2_000)

    assert second["__typename"] == "OrderChangedMeanwhile"
    assert second["order"] == {"version": first["version"], "total": {"minorUnits": 1_000}}


async def test_of_two_changes_at_once_one_is_made(client: Client, shop: Shop) -> None:
    order_id = await shop.order()
    await pay(client, order_id)

    answers = await asyncio.gather(*(update(client, order_id, 3, amount) for amount in (1_000, 2_000)))

    made = [answer for answer in answers if answer["__typename"] == "Order"]
    assert len(made) == 1
    assert (await pay(client, order_id))["amount"] == made[0]["total"]


async def test_a_total_that_is_not_the_sum_changes_nothing(client: Client, shop: Shop) -> None:
    order_id = await shop.order()

    answer = await update(client, order_id, 3, 1_000, total=999)

    assert (answer["__typename"], answer["sum"]) == ("OrderTotalMismatch", {"minorUnits": 1_000})
    assert (await pay(client, order_id))["amount"] == {"minorUnits": 5_248}


async def test_a_full_discount_takes_the_intent_from_the_world(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    before = await pay(client, order_id)

    updated = await update(client, order_id, 3, 0)

    assert updated["total"]["minorUnits"] == 0
    assert intent_of(stripe, before)["status"] == "canceled"
    assert (await pay(client, order_id))["__typename"] == "AmountNotChargeable"


async def test_an_expiry_is_set_left_alone_and_taken_away(client: Client, shop: Shop) -> None:
    order_id = await shop.order()

    timed = await update(client, order_id, 3, 1_000, expiresAt="2999-01-01T00:00:00Z")
    kept = await update(client, order_id, timed["version"], 1_100)
    untimed = await update(client, order_id, kept["version"], 1_200, expiresAt=None)

    moments = [each["expiresAt"] for each in (timed, kept, untimed)]
    assert moments == ["2999-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00", None]


class Checkout:
    """An order with a released secret, and things that happen while it is changed."""

    def __init__(self, database: Database, stripe: Stripe, shop: Shop) -> None:
        self.database, self.sandbox, self.shop = database, stripe.sandbox, shop
        self.url = stripe.url

    async def begin(self) -> tuple[UUID, str]:
        order_id = await self.shop.order(items=[(1_000, 1)])
        intent = await PaymentIntents(self.database, SandboxGateway(self.sandbox)).create("ada", order_id)
        return order_id, intent.id

    def confirm(self, intent_id: str, method: str = "pm_card_visa") -> None:
        self.sandbox.pay(intent_id, method)

    async def change(self, order_id: UUID, **meanwhile: Happening) -> int:
        moments = {name.replace("_", " "): happening for name, happening in meanwhile.items()}
        return await self.change_by(order_id, InterruptedGateway(self.sandbox, moments))

    async def change_by(self, order_id: UUID, gateway: ChangeGateway, total: int = 1_300) -> int:
        changes = OrderChanges(self.database, gateway)
        line = OrderLine(name="Lamp", unit_amount=total, quantity=1)
        wanted = WantedChange(
            order_id=order_id, requested_by="shop", expected_version=2, lines=[line], total=total
        )
        return (await changes.change(wanted)).total

    async def heard(self, intent_id: str) -> None:
        """What a webhook brings about."""
        intent = await SandboxGateway(self.sandbox).retrieve_intent(intent_id)
        await Settlement(self.database).apply(intent, cause="evt_test")

    async def outcome(self, order_id: UUID) -> tuple[OrderStatus, int]:
        """The order's status, and what was received for it."""
        payments = await self.shop.payments(order_id)
        return await self.shop.status(order_id), sum(payment.amount_received for payment in payments)


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


@pytest.fixture
def checkout(database: Database, stripe: Stripe, shop: Shop) -> Checkout:
    return Checkout(database, stripe, shop)


async def test_who_pays_the_old_amount_first_has_paid_the_old_order(checkout: Checkout) -> None:
    order_id, intent_id = await checkout.begin()

    async def the_customer_pays() -> None:
        checkout.confirm(intent_id)

    with pytest.raises(OrderNotPayable):
        await checkout.change(order_id, before_reprice=the_customer_pays)

    assert await checkout.outcome(order_id) == (OrderStatus.PAID, 1_000)


async def test_who_pays_the_new_amount_before_we_know_has_paid_the_new_order(checkout: Checkout) -> None:
    order_id, intent_id = await checkout.begin()

    async def the_customer_pays() -> None:
        checkout.confirm(intent_id)
        await checkout.heard(intent_id)

    assert await checkout.change(order_id, after_reprice=the_customer_pays) == 1_300
    assert await checkout.outcome(order_id) == (OrderStatus.PAID, 1_300)


async def test_who_is_confirming_keeps_the_old_order(checkout: Checkout) -> None:
    order_id, intent_id = await checkout.begin()

    async def the_bank_takes_its_time() -> None:
        checkout.confirm(intent_id, "pm_usBankAccount_success")

    with pytest.raises(PaymentInProgress):
        await checkout.change(order_id, before_reprice=the_bank_takes_its_time)

    assert await checkout.outcome(order_id) == (OrderStatus.PENDING, 0)


@pytest.mark.parametrize("moment", ["before_reprice", "after_reprice"])
async def test_a_change_whose_end_nobody_heard_is_finished_by_the_next_call(
    checkout: Checkout, moment: str
) -> None:
    order_id, intent_id = await checkout.begin()

    async def the_connection_is_lost() -> None:
        raise OutcomeUnknown("lost")

    with pytest.raises(PaymentProviderUnavailable):
        await checkout.change(order_id, **{moment: the_connection_is_lost})

    assert await checkout.change(order_id) == 1_300
    intent = await PaymentIntents(checkout.database, SandboxGateway(checkout.sandbox)).create("ada", order_id)
    assert (intent.id, intent.amount) == (intent_id, 1_300)


async def test_a_change_that_died_behind_stripes_answer_is_finished_by_who_pays(checkout: Checkout) -> None:
    order_id, intent_id = await checkout.begin()

    async def power_is_lost() -> None:
        raise OutcomeUnknown("the process is gone")

    with pytest.raises(PaymentProviderUnavailable):
        await checkout.change(order_id, after_reprice=power_is_lost)

    intent = await PaymentIntents(checkout.database, SandboxGateway(checkout.sandbox)).create("ada", order_id)
    assert (intent.id, intent.amount) == (intent_id, 1_300)
    checkout.confirm(intent_id)
    await checkout.heard(intent_id)
    assert await checkout.outcome(order_id) == (OrderStatus.PAID, 1_300)


async def test_a_change_that_died_is_finished_by_the_money_that_came_with_its_total(
    checkout: Checkout,
) -> None:
    order_id, intent_id = await checkout.begin()

    async def power_is_lost() -> None:
        raise OutcomeUnknown("the process is gone")

    with pytest.raises(PaymentProviderUnavailable):
        await checkout.change(order_id, after_reprice=power_is_lost)
    checkout.confirm(intent_id)
    await checkout.heard(intent_id)

    assert await checkout.outcome(order_id) == (OrderStatus.PAID, 1_300)


async def test_a_change_that_nobody_asks_for_again_is_finished_by_the_sweep(
    checkout: Checkout, whole_shop: WholeShop
) -> None:
    order_id, _ = await checkout.begin()

    async def power_is_lost() -> None:
        raise OutcomeUnknown("the process is gone")

    with pytest.raises(PaymentProviderUnavailable):
        await checkout.change(order_id, before_reprice=power_is_lost)
    await checkout.database.rows(text("UPDATE order_changes SET created_at = now() - interval '1 minute'"))
    findings = await whole_shop.sweep.run()

    assert findings.done["changes of orders finished"] == 1
    [intent] = checkout.sandbox.state.payment_intents
    [payment] = await checkout.shop.payments(order_id)
    assert (intent["amount"], payment.amount) == (1_300, 1_300)


async def test_a_burnt_key_is_tried_once_more_under_another(checkout: Checkout) -> None:
    order_id, _ = await checkout.begin()

    async def the_key_is_burnt() -> None:
        raise KeyBurnt("a recorded 500")

    with pytest.raises(PaymentProviderUnavailable):
        await checkout.change(order_id, before_reprice=the_key_is_burnt)

    assert await checkout.change(order_id) == 1_300


@pytest.mark.parametrize("total", [1_300, 1])
async def test_a_change_that_stripe_has_no_time_for_is_refused_before_anything_is_staged(
    checkout: Checkout, total: int
) -> None:
    order_id, _ = await checkout.begin()
    other = (await PaymentIntents(checkout.database, SandboxGateway(checkout.sandbox)).create(
        "ada", await checkout.shop.order()
    )).id  # fmt: skip
    busy = StripeGateway(STRIPE.secret_keys[0], api_base=checkout.url, calls_per_second=0.1)
    try:
        if total == 1:
            await busy.cancel_intent(other)
        else:
            await busy.reprice_intent(other, 2_000, idempotency_key="k")
        with pytest.raises(RateLimited) as refused:
            await checkout.change_by(order_id, busy, total)
    finally:
        await busy.close()

    assert 5 <= refused.value.retry_after <= 10
    assert not await checkout.database.rows(text("SELECT FROM order_changes"))
    [payment] = await checkout.shop.payments(order_id)
    assert (payment.state, payment.amount) == ("open", 1_000)


async def test_stripes_own_limit_is_told_with_its_time_to_wait(checkout: Checkout) -> None:
    order_id, _ = await checkout.begin()

    async def too_many_calls() -> None:
        error = TooManyRequests("slow down")
        error.retry_after = 7
        raise error

    with pytest.raises(PaymentProviderUnavailable) as refused:
        await checkout.change(order_id, before_reprice=too_many_calls)

    assert (refused.value.retryable, refused.value.retry_after) == (True, 7)


async def test_a_total_that_stripe_refuses_is_told_in_stripes_words(checkout: Checkout) -> None:
    order_id, _ = await checkout.begin()

    async def too_small() -> None:
        raise Refused("Amount must convert to at least 50 cents.", code="amount_too_small")

    with pytest.raises(InvalidOrder) as refused:
        await checkout.change(order_id, before_reprice=too_small)

    reason = "Stripe can't charge this total: Amount must convert to at least 50 cents"
    assert refused.value.reason == reason


async def test_a_payment_that_ends_while_the_turn_is_waited_for_leaves_the_change_made(
    checkout: Checkout,
) -> None:
    order_id, _ = await checkout.begin()
    [payment] = await checkout.shop.payments(order_id)

    class Waiting(AlwaysMyTurn):
        async def wait(self) -> None:
            await checkout.shop.set_payment(payment.id, state="canceled")

    class Busy(SandboxGateway):
        def turn_to_reprice(self, intent_id: str) -> Turn:
            return Waiting()

    assert await checkout.change_by(order_id, Busy(checkout.sandbox)) == 1_300
