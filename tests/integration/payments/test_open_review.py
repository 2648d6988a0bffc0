"""Order.openReview: a person reads what each decision would do, and `resolveReview` does that and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop

OPEN_REVIEW = """
query OpenReview($id: ID!) {
  order(id: $id) {
    openReview {
      here { minorUnits currency }
      accept { ...Outcome }
      refund { ...Outcome }
    }
  }
}
fragment Outcome on ReviewOutcome {
  total { minorUnits currency } givesBack { minorUnits currency } keeps { minorUnits currency } refusal
}
"""
RESOLVE = """
mutation Resolve($input: ResolveReviewInput!) {
  resolveReview(input: $input) {
    __typename
    ... on Order { status total { minorUnits currency } openReview { here { minorUnits } } }
    ... on OrderNotInReview { message }
  }
}
"""
CASES = "{ attention { nodes { kind message order { openReview { here { minorUnits } } } } } }"
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


class World:
    """A shop, and what happens to the money of its orders."""

    def __init__(self, client: Client, shop: Shop, stripe: Stripe, inbox: Inbox) -> None:
        self.client, self.shop, self.sandbox, self._inbox = client, shop, stripe.sandbox, inbox

    async def hear(self) -> None:
        for event in list(self.sandbox.state.events):
            webhook = self.sandbox.webhook(event["id"])
            await self._inbox.receive(webhook.body, webhook.signature)
        await self._inbox.finish_all()

    async def paid(self) -> UUID:
        """An order of 10.00 USD."""
        order_id = await self.shop.order(items=[(1_000, 1)])
        self.sandbox.pay((await self.client.pay(order_id))["id"])
        await self.hear()
        return order_id

    async def in_review(self, *, total: int = 1_200) -> UUID:
        """10.00 USD came for an order that meanwhile costs something else."""
        order_id = await self.shop.order(items=[(1_000, 1)])
        self.sandbox.pay((await self.client.pay(order_id))["id"])
        await self.shop.set_price(order_id, total)
        await self.hear()
        return order_id

    async def of_two_payments(self) -> UUID:
        """13.00 of an old price came, and 10.00, for an order of 10.00 USD."""
        order_id = await self.shop.order(items=[(1_300, 1)])
        first = (await self.client.pay(order_id))["id"]
        await self.shop.set_payment((await self.shop.payments(order_id))[0].id, state="abandoned")
        await self.shop.set_price(order_id, 1_000)
        second = (await self.client.pay(order_id))["id"]
        for intent in (first, second):
            self.sandbox.pay(intent)
            await self.hear()
        return order_id

    async def taken_in_part(self) -> UUID:
        """Of the 10.00 that came for 12.00 USD, a bank took 3.00."""
        order_id = await self.in_review()
        dispute = self.sandbox.dispute((await self.shop.payments(order_id))[0].intent_id, amount=300)
        await self.hear()
        self.sandbox.move_dispute(dispute["id"], "lost")
        await self.hear()
        return order_id

    async def given_back_in_part(self) -> UUID:
        """Of the 10.00 that came for 12.00 USD, 3.00 went back in Stripe's dashboard."""
        order_id = await self.in_review()
        self.sandbox.refund((await self.shop.payments(order_id))[0].intent_id, amount=300)
        await self.hear()
        return order_id

    async def open_review(self, order_id: UUID, **caller: Any) -> Any:
        data = await self.client.data(OPEN_REVIEW, {"id": str(order_id)}, **(caller or MERCHANT))
        return data["order"]["openReview"]

    async def resolve(self, order_id: UUID, decision: str, key: str = "k") -> Any:
        wish = {"orderId": str(order_id), "decision": decision, "note": "We agreed.", "idempotencyKey": key}
        return (await self.client.data(RESOLVE, {"input": wish}, **MERCHANT))["resolveReview"]

    def refunds(self) -> list[Any]:
        return [
            {"minorUnits": made["amount"], "currency": made["currency"].upper()}
            for made in self.sandbox.state.refunds
        ]


@pytest.fixture
def world(client: Client, shop: Shop, stripe: Stripe, inbox: Inbox) -> World:
    return World(client, shop, stripe, inbox)


def usd(*amounts: int) -> list[dict[str, object]]:
    return [{"minorUnits": amount, "currency": "USD"} for amount in amounts]


Making: TypeAlias = Callable[[World], Awaitable[UUID]]
MADE: dict[str, tuple[Making, list[int], int, list[int], list[int]]] = {
    # name: the order, what is here, what ACCEPT makes the total and gives back, what REFUND gives back
    "too little": (World.in_review, [1_000], 1_000, [], [1_000]),
    "too much": (lambda world: world.in_review(total=700), [1_000], 1_000, [], [1_000]),
    "two payments": (World.of_two_payments, [1_300, 1_000], 1_000, [1_300], [1_300, 1_000]),
    "a part went back": (World.given_back_in_part, [700], 700, [], [700]),
}


@pytest.mark.parametrize("decision", ["ACCEPT", "REFUND"])
@pytest.mark.parametrize("name", MADE)
async def test_a_decision_does_what_was_shown_before(world: World, name: str, decision: str) -> None:
    make, here, total, of_accept, of_refund = MADE[name]
    order_id = await make(world)
    before = world.refunds()

    shown = await world.open_review(order_id)

    assert shown["here"] == usd(*here)
    assert (shown["accept"]["total"], shown["accept"]["givesBack"]) == (usd(total)[0], usd(*of_accept))
    assert (shown["refund"]["givesBack"], shown["refund"]["keeps"]) == (usd(*of_refund), [])
    assert shown["accept"]["keeps"] == [each for each in shown["here"] if each not in usd(*of_accept)]
    order = await world.resolve(order_id, decision)
    outcome = shown[decision.lower()]
    assert outcome["refusal"] is None
    assert (order["total"], order["openReview"]) == (outcome["total"], None)
    assert order["status"] == ("PAID" if decision == "ACCEPT" else "REFUNDED")
    assert world.refunds()[len(before) :] == outcome["givesBack"]


async def test_what_a_bank_left_is_shown_whole_as_received_and_in_part_as_here(world: World) -> None:
    order_id = await world.taken_in_part()

    shown = await world.open_review(order_id)

    assert (shown["here"], shown["refund"]["givesBack"]) == (usd(700), usd(700))
    assert (shown["accept"]["total"], shown["accept"]["keeps"]) == (usd(1_000)[0], usd(700))
    refused = await world.resolve(order_id, "REFUND")  # Stripe gives nothing back of a lost charge
    assert (refused["status"], refused["openReview"]) == ("REVIEW", {"here": [{"minorUnits": 700}]})
    [asked] = await world.shop.database.rows(text("SELECT amount, failure_code FROM refunds"))
    assert asked == (700, "charge_disputed")
    accepted = await world.resolve(order_id, "ACCEPT", key="another")
    assert (accepted["status"], accepted["total"]) == ("PAID", shown["accept"]["total"])


@pytest.mark.parametrize("decision", ["ACCEPT", "REFUND"])
@pytest.mark.parametrize("status", [s for s in OrderStatus if s is not OrderStatus.PAID])
async def test_a_paid_order_whose_status_was_set_by_hand_can_be_decided(
    world: World, status: OrderStatus, decision: str
) -> None:
    order_id = await world.paid()
    assert await world.open_review(order_id) is None
    await world.shop.set_order(order_id, status=status)

    shown = await world.open_review(order_id)

    assert (shown["here"], shown["accept"]["total"]) == (usd(1_000), usd(1_000)[0])
    order = await world.resolve(order_id, decision)
    assert (order["status"], order["openReview"]) == ("PAID" if decision == "ACCEPT" else "REFUNDED", None)
    assert world.refunds() == shown[decision.lower()]["givesBack"]


@pytest.mark.parametrize("status", OrderStatus)
async def test_money_that_waits_can_be_decided_about_whatever_the_status_says(
    world: World, status: OrderStatus
) -> None:
    order_id = await world.in_review()
    await world.shop.set_order(order_id, status=status)

    shown = await world.open_review(order_id)

    assert (shown["here"], shown["accept"]["total"]) == (usd(1_000), usd(1_000)[0])
    assert (await world.resolve(order_id, "ACCEPT"))["total"] == shown["accept"]["total"]


async def test_money_of_another_currency_can_only_go_back_and_is_shown_in_its_own(world: World) -> None:
    order_id = await world.in_review()
    await world.shop.set_order(order_id, currency="EUR")

    shown = await world.open_review(order_id)

    refused = await world.resolve(order_id, "ACCEPT")
    assert shown["here"] == shown["refund"]["givesBack"] == usd(1_000)
    assert shown["accept"] == {
        "total": {"minorUnits": 1_200, "currency": "EUR"},
        "givesBack": [],
        "keeps": usd(1_000),
        "refusal": refused["message"],
    }


async def test_a_copied_database_shows_that_the_originals_money_can_not_go_back(world: World) -> None:
    order_id = await world.in_review()
    [payment] = await world.shop.payments(order_id)
    await world.shop.set_payment(payment.id, installation_id=uuid4())

    shown = await world.open_review(order_id)

    refused = await world.resolve(order_id, "REFUND")
    assert (shown["refund"]["givesBack"], shown["refund"]["refusal"]) == ([], refused["message"])
    assert (shown["accept"]["total"], shown["accept"]["refusal"]) == (usd(1_000)[0], None)


async def test_no_amount_is_promised_while_a_refund_is_on_its_way_to_stripe(world: World) -> None:
    order_id = await world.in_review()
    lost = Rule(fault=parse_fault("reset; point=before"), method="POST", path="/v1/refunds", times=None)
    world.sandbox.faults.add(lost)
    await world.resolve(order_id, "REFUND")

    shown = await world.open_review(order_id)

    for outcome in (shown["accept"], shown["refund"]):
        assert (outcome["total"], outcome["givesBack"]) == (usd(1_200)[0], [])
        assert "on its way to Stripe" in outcome["refusal"]


async def test_only_the_shop_reads_it(world: World) -> None:
    order_id = await world.in_review()
    assert await world.open_review(order_id, user="ada") is None


async def test_the_list_of_cases_shows_it_too(world: World) -> None:
    await world.in_review()
    [case] = (await world.client.data(CASES, {}, **MERCHANT))["attention"]["nodes"]
    assert case["order"]["openReview"] == {"here": [{"minorUnits": 1_000}]}


@pytest.mark.parametrize(
    ("make", "is_partly_here"),
    [(World.in_review, False), (World.taken_in_part, True), (World.given_back_in_part, True)],
)
async def test_a_case_tells_what_came_and_what_is_here(
    world: World, make: Making, is_partly_here: bool
) -> None:
    await make(world)
    [case] = (await world.client.data(CASES, {}, **MERCHANT))["attention"]["nodes"]
    assert case["message"].startswith("10.00 USD arrived")
    assert ("7.00 USD of it is here" in case["message"]) == is_partly_here


async def test_a_case_of_settled_money_tells_both_too(world: World) -> None:
    order_id = await world.paid()
    world.sandbox.refund((await world.shop.payments(order_id))[0].intent_id, amount=300)
    await world.hear()
    await world.shop.set_order(order_id, status=OrderStatus.REFUNDED)
    world.sandbox.dispute((await world.shop.payments(order_id))[0].intent_id, amount=100)

    await world.hear()

    cases = (await world.client.data(CASES, {}, **MERCHANT))["attention"]["nodes"]
    [message] = [case["message"] for case in cases if case["kind"] == "ORDER_IN_REVIEW"]
    assert message.startswith("10.00 USD settled")
    assert "7.00 USD of it is here" in message
