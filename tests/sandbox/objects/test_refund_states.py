"""Refunds that take their time, fail late, wait for the customer or cannot be made."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer, Object
from sandbox.http.errors import StripeError


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def paid(sandbox: Sandbox, method: str = "pm_card_visa") -> str:
    made = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()
    sandbox.pay(made["id"], method)
    intent_id: str = made["id"]
    return intent_id


def refund(sandbox: Sandbox, intent: str, **params: object) -> Answer:
    return sandbox.call("POST", "/v1/refunds", {"payment_intent": intent, **params})


def refunded(sandbox: Sandbox, intent: str) -> int:
    charge = sandbox.state.payment_intents.require(intent)["latest_charge"]
    amount: int = sandbox.state.charges.require(charge)["amount_refunded"]
    return amount


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.state.events]


def current(sandbox: Sandbox, made: Answer) -> Object:
    return sandbox.call("GET", f"/v1/refunds/{made.json()['id']}").json()  # type: ignore[no-any-return]


def test_a_refund_to_the_failing_test_card_succeeds_and_fails_later(sandbox: Sandbox) -> None:
    intent = paid(sandbox, "pm_card_refundFail")
    made = refund(sandbox, intent)
    assert made.json()["status"] == "succeeded"
    assert current(sandbox, made)["status"] == "succeeded"

    sandbox.pass_time(61)

    assert current(sandbox, made)["status"] == "failed"
    assert current(sandbox, made)["failure_reason"] == "lost_or_stolen_card"
    assert refunded(sandbox, intent) == 0
    assert types(sandbox)[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]


def test_a_refund_can_wait_for_the_customer_and_be_canceled(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    sandbox.plan_refunds(intent, status="requires_action")
    made = refund(sandbox, intent, amount=400)
    assert made.json()["status"] == "requires_action"
    assert refunded(sandbox, intent) == 400

    canceled = sandbox.call("POST", f"/v1/refunds/{made.json()['id']}/cancel").json()

    assert canceled["status"] == "canceled"
    assert refunded(sandbox, intent) == 0
    assert sandbox.call("POST", f"/v1/refunds/{made.json()['id']}/cancel").status == 400


def test_a_plan_lets_a_refund_go_on_by_itself(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    sandbox.plan_refunds(intent, status="pending", then="failed", after=3 * 86_400, failure_reason="declined")
    made = refund(sandbox, intent)
    sandbox.pass_time(2 * 86_400)
    assert current(sandbox, made)["status"] == "pending"
    sandbox.pass_time(86_400)
    assert (current(sandbox, made)["status"], current(sandbox, made)["failure_reason"]) == (
        "failed",
        "declined",
    )


@pytest.mark.parametrize("code", ["balance_insufficient", "charge_not_refundable"])
def test_a_refund_can_be_refused_for_a_reason(sandbox: Sandbox, code: str) -> None:
    intent = paid(sandbox)
    sandbox.plan_refunds(intent, refuse=code)
    refused = refund(sandbox, intent)
    assert (refused.status, refused.json()["error"]["code"]) == (400, code)
    assert refused.headers["Stripe-Should-Retry"] == "false"
    assert refunded(sandbox, intent) == 0


def test_an_empty_balance_refuses_every_refund_until_it_is_filled(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    sandbox.state.dashboard.set(balance_insufficient=True)
    assert refund(sandbox, intent).json()["error"]["code"] == "balance_insufficient"
    sandbox.state.dashboard.set(balance_insufficient=False)
    assert refund(sandbox, intent).status == 200


def test_a_status_that_cannot_follow_is_refused(sandbox: Sandbox) -> None:
    made = refund(sandbox, paid(sandbox)).json()["id"]
    with pytest.raises(StripeError):
        sandbox.move_refund(made, "canceled")
    with pytest.raises(ValueError, match="unknown status"):
        sandbox.plan_refunds("pi_1", status="gone")  # type: ignore[arg-type]


def test_refusals_are_worded_as_recorded(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    too_much = refund(sandbox, intent, amount=1100).json()["error"]
    assert too_much["message"] == "Refund amount ($11.00) is greater than charge amount ($10.00)"
    refund(sandbox, intent)
    again = refund(sandbox, intent).json()["error"]
    assert (again["code"], "param" in again) == ("charge_already_refunded", False)


def test_a_dashboard_refund_may_be_of_any_amount_and_carry_metadata(sandbox: Sandbox) -> None:
    intent = paid(sandbox)
    assert sandbox.refund(intent, 1, metadata={"by": "hand"})["metadata"] == {"by": "hand"}
    assert sandbox.refund(intent)["amount"] == 999
