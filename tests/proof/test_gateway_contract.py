"""The gateway without sockets answers as the real one does: one contract, held by both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sandbox.faults import Rule, parse_fault
from services.payments import intents
from services.payments.intents import GatewayError, IntentRequest, IntentStatus, RefundRequest
from services.stripe_api.gateway import StripeGateway
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["over HTTP", "without sockets"])
def either(request: pytest.FixtureRequest, stripe: Stripe, gateway: StripeGateway) -> Any:
    return gateway if request.param == "over HTTP" else SandboxGateway(stripe.sandbox)


def wanted(**others: Any) -> IntentRequest:
    values = {"payment_id": uuid4(), "order_id": uuid4(), "amount": 1_000, "currency": "USD"}
    return IntentRequest(**{**values, **others})


async def test_an_intent_is_made_once_for_a_key_and_read_repriced_and_canceled(either: Any) -> None:
    request = wanted()
    made, again = await either.create_intent(request), await either.create_intent(request)
    assert made == again
    assert (made.payment_id, made.order_id, made.amount) == (request.payment_id, request.order_id, 1_000)

    repriced = await either.reprice_intent(made.id, 1_200, idempotency_key=f"amt:{request.payment_id}:2")
    assert (repriced.amount, await either.retrieve_intent(made.id)) == (1_200, repriced)
    assert (await either.cancel_intent(made.id)).status is IntentStatus.CANCELED
    with pytest.raises(intents.Refused):
        await either.cancel_intent(made.id)


DESCRIBED = {
    "description": "A-1001",
    "receipt_email": "ada@shop.test",
    "statement_descriptor_suffix": "ORDERS",
    "metadata": {"order_id": "7", "reference": "A-1001", "basket": "7f3a"},
}


async def test_what_was_recorded_reaches_stripe_as_it_stands(either: Any, stripe: Stripe) -> None:
    await either.create_intent(wanted(recorded=DESCRIBED))

    [made] = stripe.sandbox.state.payment_intents
    assert {name: made[name] for name in DESCRIBED} == DESCRIBED


@pytest.mark.parametrize(
    ("name", "value"), [("receipt_email", "nobody"), ("statement_descriptor_suffix", "123")]
)
async def test_a_refused_parameter_is_named(either: Any, name: str, value: str) -> None:
    with pytest.raises(intents.Refused) as refused:
        await either.create_intent(wanted(recorded={**DESCRIBED, name: value}))

    assert refused.value.param == name


async def test_a_key_with_other_words_about_it_is_burnt(either: Any) -> None:
    request = wanted(recorded=DESCRIBED)
    await either.create_intent(request)

    with pytest.raises(intents.KeyBurnt):
        await either.create_intent(replace(request, recorded={**DESCRIBED, "description": "A-1002"}))


async def test_a_refund_is_made_once_for_a_key_and_listed(either: Any, stripe: Stripe) -> None:
    made = await either.create_intent(wanted())
    stripe.sandbox.pay(made.id)
    await refund_is_made_once_and_listed(either, made.id)


async def refund_is_made_once_and_listed(either: Any, intent_id: str) -> None:
    """Of a paid intent; `make verify-stripe` asks it of Stripe's own test mode too."""
    request = RefundRequest(refund_id=uuid4(), attempt=1, intent_id=intent_id, amount=400, reason=None)

    refund, again = await either.create_refund(request), await either.create_refund(request)

    assert refund == again == (await either.list_refunds(intent_id))[0]
    assert (refund.refund_id, refund.amount, refund.status) == (request.refund_id, 400, "succeeded")


async def test_the_lists_page_backwards_through_time(either: Any, stripe: Stripe) -> None:
    made = await either.create_intent(wanted())
    stripe.sandbox.pay(made.id)
    first = (await either.list_events(LONG_AGO)).items[-1]
    since = first.created_at - timedelta(seconds=1)  # its intent may be of the second before

    events, found = await either.list_events(since), await either.list_intents(since)

    assert {event.intent_id for event in events.items} == {made.id}
    assert [intent.id for intent in found.items] == [made.id]
    assert events.next is found.next is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("reset; point=before", intents.OutcomeUnknown),
        ("reset; point=after", intents.OutcomeUnknown),
        ("truncated", intents.OutcomeUnknown),
        ("502; point=after", intents.OutcomeUnknown),
        ("409", intents.OutcomeUnknown),
        ("429", intents.TooManyRequests),
        ("500; point=after", intents.KeyBurnt),
        ("401", intents.AccessDenied),
        ("400; code=amount_too_small", intents.Refused),
        ("402; code=card_declined", intents.Refused),
    ],
)
async def test_each_failure_has_the_same_name(
    either: Any, stripe: Stripe, fault: str, expected: type[GatewayError]
) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault(fault), times=None))

    with pytest.raises(GatewayError) as caught:
        await either.create_intent(wanted())

    assert type(caught.value) is expected


async def test_a_key_used_for_something_else_is_burnt(either: Any) -> None:
    request = wanted()
    await either.create_intent(request)

    with pytest.raises(intents.KeyBurnt):
        await either.create_intent(wanted(payment_id=request.payment_id, amount=2_000))
