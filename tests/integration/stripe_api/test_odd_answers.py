"""What Stripe, or something in between, may answer: each is refused by its type, bounded, and never followed."""

import json
from datetime import UTC, datetime

import pytest

from models import OrderStatus
from sandbox.faults import Rule, parse_fault
from services.payments.intents import (
    GatewayError,
    ObjectLocked,
    OutcomeUnknown,
    PermissionMissing,
    UnreadableAnswer,
)
from services.stripe_api.gateway import StripeGateway
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop

EPOCH = datetime.fromtimestamp(0, UTC)


def spoil(
    stripe: Stripe, fault: str, *, times: int | None = None, path: str = "*", method: str = "*"
) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault(fault), times=times, path=path, method=method))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("huge; size=20000000", OutcomeUnknown),
        ("redirect", OutcomeUnknown),
        ("html", OutcomeUnknown),
        ("text; text=[]", OutcomeUnknown),
        ("424", OutcomeUnknown),
        ("425", OutcomeUnknown),
        ("lock_timeout", ObjectLocked),
        ('altered; change={"status": "odd"}', UnreadableAnswer),
        ("altered; without=amount", UnreadableAnswer),
    ],
)
async def test_an_odd_answer_is_an_error_of_its_kind(
    stripe: Stripe, gateway: StripeGateway, fault: str, kind: type[GatewayError]
) -> None:
    made = stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}).json()
    spoil(stripe, fault)

    with pytest.raises(kind) as refused:
        await gateway.retrieve_intent(made["id"])

    assert type(refused.value) is kind
    assert not stripe.sandbox.journal.calls(path="/v1/redirected")


async def test_a_list_may_hold_anything_of_a_stranger(stripe: Stripe, gateway: StripeGateway) -> None:
    for _ in range(2):
        stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"})
    odd, _ = list(stripe.sandbox.state.payment_intents)
    stripe.sandbox.disguise(odd["id"], status="odd", metadata=None, without=["client_secret", "amount"])

    page = await gateway.list_intents(since=EPOCH)

    assert sorted(seen.intent is None for seen in page.items) == [False, True]


async def test_an_item_of_a_list_that_is_no_object_keeps_no_other_from_being_read(
    stripe: Stripe, gateway: StripeGateway
) -> None:
    made = stripe.sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}).json()
    page = {"object": "list", "has_more": False, "data": [None, [], "pi_1", 7, {}, {"id": 7}, made]}
    spoil(stripe, f"text; text={json.dumps(page)}", path="/v1/payment_intents", method="GET")

    seen = await gateway.list_intents(since=EPOCH)

    assert [each.id for each in seen.items] == [made["id"]]


async def test_a_missing_permission_is_told_in_stripes_words(stripe: Stripe, gateway: StripeGateway) -> None:
    stripe.sandbox.permissions.forbid("rak_event_read")

    with pytest.raises(PermissionMissing) as refused:
        await gateway.list_events(since=EPOCH)

    assert "rak_event_read" in str(refused.value)
    assert refused.value.code is None


async def test_an_intent_of_another_amount_than_asked_for_is_never_released(
    client: Client, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    spoil(stripe, 'altered; change={"amount": 1}', path="/v1/payment_intents*")

    answer = await client.pay(order_id)

    assert answer["__typename"] == "PaymentProviderUnavailable"
    assert await shop.status(order_id) is OrderStatus.PENDING
    stripe.sandbox.faults.clear()
    released = await client.pay(order_id)
    payable = [i["id"] for i in stripe.sandbox.state.payment_intents if i["status"] != "canceled"]
    assert payable == [released["id"]]


async def test_an_intent_without_a_secret_is_not_released(client: Client, shop: Shop, stripe: Stripe) -> None:
    order_id = await shop.order()
    spoil(stripe, "altered; without=client_secret", path="/v1/payment_intents*")

    answer = await client.pay(order_id)

    assert answer["__typename"] == "PaymentProviderUnavailable"
    stripe.sandbox.faults.clear()
    assert (await client.pay(order_id))["__typename"] == "PaymentIntent"
