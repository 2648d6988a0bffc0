"""What a setting in the dashboard changes, and what the clock does to authorizations."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox

WEEK = 7 * 86_400


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create(sandbox: Sandbox, **params: object) -> str:
    made = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd", **params})
    intent_id: str = made.json()["id"]
    return intent_id


def test_a_setting_makes_every_intent_one_to_be_captured(sandbox: Sandbox) -> None:
    sandbox.state.dashboard.set(capture_method="manual")
    held, asked = create(sandbox), create(sandbox, capture_method="automatic")
    assert sandbox.pay(held)["status"] == "requires_capture"
    assert sandbox.pay(asked)["status"] == "succeeded"
    assert sandbox.call("POST", f"/v1/payment_intents/{held}/cancel").json()["status"] == "canceled"


def test_an_authorization_lapses_after_seven_days(sandbox: Sandbox) -> None:
    held = create(sandbox, capture_method="manual")
    charge = sandbox.state.charges.require(sandbox.pay(held)["latest_charge"])
    assert charge["payment_method_details"]["card"]["capture_before"] == charge["created"] + WEEK
    sandbox.pass_time(WEEK - 60)
    assert sandbox.state.payment_intents.require(held)["status"] == "requires_capture"

    sandbox.pass_time(120)

    lapsed = sandbox.state.payment_intents.require(held)
    assert (lapsed["status"], lapsed["cancellation_reason"]) == ("canceled", "automatic")
    assert [event["type"] for event in sandbox.state.events][-2:] == [
        "charge.expired",
        "payment_intent.canceled",
    ]


def test_what_was_captured_does_not_lapse(sandbox: Sandbox) -> None:
    held = create(sandbox, capture_method="manual")
    sandbox.pay(held)
    sandbox.call("POST", f"/v1/payment_intents/{held}/capture")
    sandbox.pass_time(2 * WEEK)
    assert sandbox.state.payment_intents.require(held)["status"] == "succeeded"


def test_an_amount_must_be_enough_after_conversion_also_when_it_is_changed(sandbox: Sandbox) -> None:
    intent = create(sandbox, currency="eur")
    sandbox.state.dashboard.set(minimums={"eur": 600})
    refused = sandbox.call("POST", f"/v1/payment_intents/{intent}", {"amount": 500})
    error = refused.json()["error"]
    assert (refused.status, error["code"], error["param"]) == (400, "amount_too_small", "amount")
    assert error["message"].startswith("Amount must convert to at least 50 cents. €5.00 converts to")
    assert sandbox.call("POST", "/v1/payment_intents", {"amount": 599, "currency": "eur"}).status == 400
    assert sandbox.call("POST", f"/v1/payment_intents/{intent}", {"amount": 600}).status == 200


@pytest.mark.parametrize("wrong", [{"colour": 1}, {"capture_method": "later"}])
def test_an_unknown_setting_is_refused(sandbox: Sandbox, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        sandbox.state.dashboard.set(**wrong)


def test_a_frozen_clock_moves_only_when_it_is_told(sandbox: Sandbox) -> None:
    sandbox.clock.freeze(2_000_000_000)
    made = create(sandbox)
    assert sandbox.state.payment_intents.require(made)["created"] == 2_000_000_000
    sandbox.pass_time(5)
    assert sandbox.clock.time() == 2_000_000_005
    sandbox.clock.thaw()
    assert sandbox.clock.time() >= 2_000_000_005
    with pytest.raises(ValueError, match="forward"):
        sandbox.clock.freeze(5)


def test_a_reset_brings_the_first_settings_back(sandbox: Sandbox) -> None:
    sandbox.state.dashboard.set(capture_method="manual", balance_insufficient=True)
    sandbox.permissions.forbid("rak_refund_write")
    sandbox.reset()
    assert sandbox.pay(create(sandbox))["status"] == "succeeded"
    assert sandbox.call("GET", "/v1/balance").status == 200
