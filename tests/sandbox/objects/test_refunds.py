"""Refunds and disputes in the sandbox."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer, Object
from sandbox.http.errors import StripeError


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def paid(sandbox: Sandbox, payment_method: str = "pm_card_visa", **params: Any) -> Object:
    intent = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"} | params).json()
    return sandbox.pay(intent["id"], payment_method)


def refund(sandbox: Sandbox, intent: Object, **params: Any) -> Answer:
    return sandbox.call("POST", "/v1/refunds", {"payment_intent": intent["id"], **params})


def charge_of(sandbox: Sandbox, intent: Object) -> Object:
    charge: Object = sandbox.call("GET", f"/v1/charges/{intent['latest_charge']}").json()
    return charge


def test_a_refund_gives_back_the_whole_charge(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    answer = refund(sandbox, intent, reason="requested_by_customer", metadata={"refund_id": "7"}).json()
    assert (answer["amount"], answer["status"], answer["metadata"]) == (1000, "succeeded", {"refund_id": "7"})
    charge = charge_of(sandbox, intent)
    assert (charge["refunded"], charge["amount_refunded"]) == (True, 1000)
    event = list(sandbox.state.events)[-1]
    assert event["type"] == "charge.refunded"
    assert event["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


def test_partial_refunds_never_exceed_what_was_captured(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    assert refund(sandbox, intent, amount=600).status == 200
    assert charge_of(sandbox, intent)["refunded"] is False
    too_much = refund(sandbox, intent, amount=401)
    assert (too_much.status, too_much.json()["error"]["param"]) == (400, "amount")
    assert "($4.00)" in too_much.json()["error"]["message"]
    assert refund(sandbox, intent, amount=400).status == 200
    assert refund(sandbox, intent).json()["error"]["code"] == "charge_already_refunded"
    assert sandbox.call("GET", "/v1/balance").json()["available"][0]["amount"] == 0


def test_what_was_released_at_a_partial_capture_cannot_be_refunded(sandbox: Sandbox) -> None:
    held = paid(sandbox, capture_method="manual")
    assert refund(sandbox, held).status == 400
    captured = sandbox.call(
        "POST", f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": 700}
    ).json()
    [released] = sandbox.call("GET", "/v1/refunds", {"payment_intent": held["id"]}).json()["data"]
    assert (released["amount"], released["status"], released["balance_transaction"]) == (
        300,
        "succeeded",
        None,
    )
    with pytest.raises(StripeError, match="released rest"):  # no bank has to give it back
        sandbox.move_refund(released["id"], "failed")
    assert refund(sandbox, captured).json()["amount"] == 700


@pytest.mark.parametrize("params", [{}, {"charge": "ch_none"}, {"payment_intent": "pi_none"}])
def test_a_refund_needs_something_that_was_paid(sandbox: Sandbox, params: dict[str, str]) -> None:
    answer = sandbox.call("POST", "/v1/refunds", params)
    assert answer.json()["error"]["code"] == ("resource_missing" if params else "parameter_missing")


def test_an_unpaid_intent_cannot_be_refunded(sandbox: Sandbox) -> None:
    intent = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()
    assert "successful charge" in refund(sandbox, intent).json()["error"]["message"]


def test_a_pending_refund_settles(sandbox: Sandbox) -> None:
    made = refund(sandbox, paid(sandbox, "pm_card_pendingRefund")).json()
    assert made["status"] == "pending"
    assert sandbox.complete_refund(made["id"])["status"] == "succeeded"


def test_a_failed_refund_gives_its_amount_back(sandbox: Sandbox) -> None:
    intent = paid(sandbox, "pm_card_refundFail")
    made = refund(sandbox, intent, amount=300).json()
    assert sandbox.complete_refund(made["id"], succeeds=False)["status"] == "failed"
    assert charge_of(sandbox, intent)["amount_refunded"] == 0
    assert "refund.failed" in [event["type"] for event in sandbox.state.events]


def test_a_refund_made_in_the_dashboard_names_no_request(sandbox: Sandbox) -> None:
    sandbox.refund(paid(sandbox)["id"], 100)
    assert list(sandbox.state.events)[-1]["request"] == {"id": None, "idempotency_key": None}


def test_a_disputed_payment_cannot_be_refunded(sandbox: Sandbox) -> None:
    intent = paid(sandbox, "pm_card_createDispute")
    types = [event["type"] for event in sandbox.state.events]
    assert types[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    (dispute,) = sandbox.call("GET", "/v1/disputes", {"payment_intent": intent["id"]}).json()["data"]
    assert (dispute["amount"], dispute["reason"], dispute["status"]) == (1000, "fraudulent", "needs_response")
    assert refund(sandbox, intent).json()["error"]["code"] == "charge_disputed"
    assert sandbox.close_dispute(dispute["id"], won=False)["status"] == "lost"


def test_the_dashboard_refuses_as_the_api_does(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    with pytest.raises(StripeError, match="status of succeeded"):
        sandbox.cancel(intent["id"])
    with pytest.raises(StripeError, match="No such"):
        sandbox.refund("pi_none")
