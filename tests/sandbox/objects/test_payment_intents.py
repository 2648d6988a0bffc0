"""The life of a payment intent in the sandbox, as Stripe documents it."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Object
from sandbox.http.errors import StripeError
from sandbox.http.versions import LATEST

RETURN = "https://shop.test/back"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create(sandbox: Sandbox, **params: Any) -> Object:
    answer = sandbox.call("POST", "/v1/payment_intents", {"amount": 1999, "currency": "usd"} | params)
    assert answer.status == 200, answer.json()
    intent: Object = answer.json()
    return intent


def error(sandbox: Sandbox, path: str, params: dict[str, Any] | None = None, **call: Any) -> Object:
    answer = sandbox.call("POST", f"/v1/{path}", params, **call)
    assert answer.status >= 400, answer.json()
    return {"status": answer.status, **answer.json()["error"]}


def read(sandbox: Sandbox, intent_id: str) -> Object:
    intent: Object = sandbox.call("GET", f"/v1/payment_intents/{intent_id}").json()
    return intent


def event_types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.state.events]


def test_a_new_intent_awaits_a_method_and_has_a_secret_of_its_own(sandbox: Sandbox) -> None:
    one, other = create(sandbox, metadata={"order_id": "7"}), create(sandbox)
    assert one["status"] == "requires_payment_method"
    assert one["metadata"] == {"order_id": "7"}
    assert one["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "always"}
    assert one["client_secret"].startswith(f"{one['id']}_secret_")
    assert one["client_secret"].split("_secret_")[1] != other["client_secret"].split("_secret_")[1]
    assert event_types(sandbox) == ["payment_intent.created"] * 2


def test_a_paid_intent_has_a_charge_and_received_its_amount(sandbox: Sandbox) -> None:
    paid = sandbox.pay(create(sandbox)["id"])
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1999)
    answer = sandbox.call("GET", f"/v1/payment_intents/{paid['id']}", {"expand": ["latest_charge"]})
    charge = answer.json()["latest_charge"]
    assert (charge["paid"], charge["captured"], charge["payment_intent"]) == (True, True, paid["id"])
    assert event_types(sandbox)[1:] == ["charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_declined_card_leaves_the_intent_open(
    sandbox: Sandbox, card: str, code: str, decline_code: str | None
) -> None:
    intent = create(sandbox)
    with pytest.raises(StripeError) as refusal:
        sandbox.pay(intent["id"], card)
    told = refusal.value.error
    assert (refusal.value.status, told["type"], told["code"]) == (402, "card_error", code)
    assert told.get("decline_code") == decline_code
    after = read(sandbox, intent["id"])
    assert (after["status"], after["payment_method"]) == ("requires_payment_method", None)
    assert after["last_payment_error"]["code"] == code
    assert "payment_method_type" not in after["last_payment_error"]
    assert event_types(sandbox)[1:] == ["charge.failed", "payment_intent.payment_failed"]
    assert sandbox.pay(intent["id"])["last_payment_error"] is None


def test_three_d_secure_approved_takes_the_money(sandbox: Sandbox) -> None:
    asked = sandbox.pay(create(sandbox)["id"], "pm_card_threeDSecure2Required", return_url=RETURN)
    assert asked["status"] == "requires_action"
    assert asked["next_action"]["redirect_to_url"]["return_url"] == RETURN
    paid = sandbox.authenticate(asked["id"], "approve")
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    assert event_types(sandbox)[-1] == "payment_intent.succeeded"


def test_three_d_secure_refused_needs_another_method(sandbox: Sandbox) -> None:
    asked = sandbox.pay(create(sandbox)["id"], "pm_card_authenticationRequired")
    assert asked["next_action"]["type"] == "use_stripe_sdk"
    assert asked["next_action"]["use_stripe_sdk"].keys() == {"type", "stripe_js", "source"}
    refused = sandbox.authenticate(asked["id"], "refuse")
    assert refused["status"] == "requires_payment_method"
    assert refused["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    with pytest.raises(StripeError, match="nothing is asked"):
        sandbox.authenticate(asked["id"], "approve")


def test_a_card_may_be_declined_after_the_approval(sandbox: Sandbox) -> None:
    asked = sandbox.pay(create(sandbox)["id"], "pm_card_threeDSecureRequiredChargeDeclined")
    after = sandbox.authenticate(asked["id"], "approve")
    assert (after["status"], after["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "card_declined",
    )


@pytest.mark.parametrize("method", ["pm_usBankAccount_success", "pm_card_sandboxProcessing"])
@pytest.mark.parametrize(("succeeds", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_a_delayed_method_stays_processing_until_told(
    sandbox: Sandbox, method: str, succeeds: bool, status: str
) -> None:
    intent = create(sandbox)
    assert sandbox.pay(intent["id"], method)["status"] == "processing"
    told = error(sandbox, f"payment_intents/{intent['id']}/cancel")
    assert told["code"] == "payment_intent_unexpected_state"
    assert sandbox.complete(intent["id"], succeeds=succeeds)["status"] == status


def test_manual_capture_takes_part_and_releases_the_rest(sandbox: Sandbox) -> None:
    held = sandbox.pay(create(sandbox, capture_method="manual")["id"])
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == (
        "requires_capture",
        1999,
        0,
    )
    path = f"payment_intents/{held['id']}/capture"
    assert error(sandbox, path, {"amount_to_capture": 2000})["code"] == "amount_too_large"
    captured = sandbox.call("POST", f"/v1/{path}", {"amount_to_capture": 1500}).json()
    assert (captured["status"], captured["amount_received"], captured["amount_capturable"]) == (
        "succeeded",
        1500,
        0,
    )
    assert error(sandbox, path)["code"] == "payment_intent_unexpected_state"


def test_a_canceled_authorization_is_released(sandbox: Sandbox) -> None:
    held = sandbox.pay(create(sandbox, capture_method="manual")["id"])
    canceled = sandbox.cancel(held["id"], "abandoned")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    assert canceled["canceled_at"] >= canceled["created"]
    assert event_types(sandbox)[-2:] == ["charge.refunded", "payment_intent.canceled"]


@pytest.mark.parametrize("end", ["succeeded", "canceled", "processing"])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("confirm", {"payment_method": "pm_card_visa", "return_url": RETURN}),
        ("capture", {}),
        ("", {"amount": 500}),
    ],
)
def test_an_ended_intent_refuses_what_would_move_it(
    sandbox: Sandbox, end: str, action: str, params: dict[str, Any]
) -> None:
    intent = create(sandbox)
    if end == "canceled":
        sandbox.cancel(intent["id"])
    else:
        sandbox.pay(intent["id"], "pm_card_visa" if end == "succeeded" else "pm_usBankAccount_success")
    told = error(sandbox, f"payment_intents/{intent['id']}/{action}".rstrip("/"), params)
    assert (told["status"], told["code"]) == (400, "payment_intent_unexpected_state")
    assert told["payment_intent"]["status"] == end
    assert read(sandbox, intent["id"])["status"] == end


def test_an_open_intent_can_be_repriced_and_change_its_currency(sandbox: Sandbox) -> None:
    intent = create(sandbox)
    path = f"/v1/payment_intents/{intent['id']}"
    changed = sandbox.call(
        "POST", path, {"amount": 2500, "metadata": {"a": "1"}, "description": "two"}
    ).json()
    assert (changed["amount"], changed["client_secret"]) == (2500, intent["client_secret"])
    changed = sandbox.call("POST", path, {"currency": "eur", "metadata": {"a": ""}}).json()
    assert (changed["currency"], changed["amount"], changed["metadata"]) == ("eur", 2500, {})
    assert changed["payment_method_types"] == ["card", "sepa_debit"]
    assert event_types(sandbox) == ["payment_intent.created"]


def test_a_new_price_takes_back_the_question_to_the_customer(sandbox: Sandbox) -> None:
    asked = sandbox.pay(create(sandbox)["id"], "pm_card_threeDSecure2Required")
    changed = sandbox.call("POST", f"/v1/payment_intents/{asked['id']}", {"amount": 2500}).json()
    assert (changed["status"], changed["next_action"]) == ("requires_confirmation", None)


def test_metadata_of_a_paid_intent_can_still_change(sandbox: Sandbox) -> None:
    paid = sandbox.pay(create(sandbox)["id"])
    answer = sandbox.call("POST", f"/v1/payment_intents/{paid['id']}", {"metadata": {"order_id": "8"}})
    assert (answer.status, answer.json()["metadata"]) == (200, {"order_id": "8"})


def test_confirming_without_a_method_says_so(sandbox: Sandbox) -> None:
    told = error(sandbox, f"payment_intents/{create(sandbox)['id']}/confirm", {"return_url": RETURN})
    assert "missing a payment method" in told["message"]


def test_a_server_that_confirms_must_give_a_return_url(sandbox: Sandbox) -> None:
    path = f"payment_intents/{create(sandbox)['id']}/confirm"
    assert error(sandbox, path, {"payment_method": "pm_card_visa"})["param"] == "return_url"
    without_redirects = create(
        sandbox, automatic_payment_methods={"enabled": True, "allow_redirects": "never"}
    )
    answer = sandbox.call(
        "POST", f"/v1/payment_intents/{without_redirects['id']}/confirm", {"payment_method": "pm_card_visa"}
    )
    assert answer.json()["status"] == "succeeded"


def test_the_types_of_methods_can_no_longer_be_chosen_in_new_versions(sandbox: Sandbox) -> None:
    params = {"amount": 100, "currency": "usd", "payment_method_types": ["card"]}
    told = error(sandbox, "payment_intents", params, headers={"stripe-version": LATEST})
    assert told["code"] == "payment_method_types_no_longer_supported"
    old = sandbox.call(
        "POST", "/v1/payment_intents", params, headers={"stripe-version": "2026-05-27.dahlia"}
    ).json()
    assert (old["payment_method_types"], old["automatic_payment_methods"]) == (["card"], None)


def test_a_new_currency_keeps_what_was_settled_about_methods(sandbox: Sandbox) -> None:
    never = {"enabled": True, "allow_redirects": "never"}
    intent = create(
        sandbox, automatic_payment_methods=never, excluded_payment_method_types=["us_bank_account"]
    )
    assert intent["payment_method_types"] == ["card"]
    changed = sandbox.call("POST", f"/v1/payment_intents/{intent['id']}", {"currency": "eur"}).json()
    assert changed["automatic_payment_methods"] == never
    assert changed["payment_method_types"] == ["card", "sepa_debit"]


def test_a_card_is_asked_when_three_d_secure_is_requested(sandbox: Sandbox) -> None:
    asking = {"card": {"request_three_d_secure": "any"}}
    optional = "pm_card_threeDSecureOptional"
    made = create(sandbox, payment_method_options=asking)["id"]
    assert sandbox.pay(made, optional)["status"] == "requires_action"
    assert sandbox.pay(create(sandbox)["id"], optional)["status"] == "succeeded"
    # 4242 … is not enrolled: whoever asks for it gets no challenge.
    assert sandbox.pay(create(sandbox, payment_method_options=asking)["id"])["status"] == "succeeded"
    params = {"payment_method": optional, "return_url": RETURN, "payment_method_options": asking}
    params |= {"receipt_email": "a@shop.test", "setup_future_usage": "off_session"}
    asked = sandbox.call("POST", f"/v1/payment_intents/{create(sandbox)['id']}/confirm", params).json()
    assert (asked["status"], asked["receipt_email"]) == ("requires_action", "a@shop.test")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"payment_method": "pm_usBankAccount_success", "currency": "eur"},
        {"payment_method": "pm_card_visa", "off_session": "maybe"},
        {"payment_method": "pm_card_visa", "error_on_requires_action": "maybe"},
        {"payment_method": "pm_card_visa", "return_url": "shop"},
    ],
)
def test_an_intent_that_cannot_be_tried_is_not_made(sandbox: Sandbox, params: dict[str, str]) -> None:
    told = error(
        sandbox,
        "payment_intents",
        {"amount": 100, "currency": "usd", "confirm": True, "return_url": RETURN} | params,
    )
    assert told["status"] == 400
    assert len(sandbox.state.payment_intents) == len(sandbox.state.events) == 0


def test_a_parameter_the_sandbox_does_not_do_is_refused_and_not_ignored(sandbox: Sandbox) -> None:
    params = {"amount": 100, "currency": "usd"}
    told = error(sandbox, "payment_intents", params | {"transfer_data": {"destination": "acct_1"}})
    assert told["message"].startswith("Sandbox: transfer_data")
    told = error(sandbox, "payment_intents", params | {"colour": "blue", "size": "l"})
    assert (told["code"], told["param"]) == ("parameter_unknown", "colour")
    assert told["message"] == "Received unknown parameters: colour, size"


def test_an_event_keeps_the_object_as_it_was(sandbox: Sandbox) -> None:
    intent = create(sandbox)
    sandbox.pay(intent["id"])
    first, *_, last = sandbox.state.events
    assert first["data"]["object"]["status"] == "requires_payment_method"
    assert last["data"]["object"]["status"] == "succeeded"
    assert first["request"]["id"].startswith("req_")
    assert first["api_version"] == LATEST


def test_a_statements_suffix_is_kept_and_stands_behind_the_accounts_prefix(sandbox: Sandbox) -> None:
    made = create(sandbox, statement_descriptor_suffix="OCT MARATHON")
    paid = sandbox.pay(made["id"])
    [charge] = sandbox.state.charges

    assert paid["statement_descriptor_suffix"] == "OCT MARATHON"
    assert charge["calculated_statement_descriptor"] == "SANDBOX* OCT MARATHON"


@pytest.mark.parametrize("suffix", ["x" * 23, "123 456", "<b>", "it's", 'a"b', "a*b", "a\\b", "é"])
def test_a_suffix_that_banks_cant_print_is_refused_by_name(sandbox: Sandbox, suffix: str) -> None:
    params = {"amount": 1999, "currency": "usd", "statement_descriptor_suffix": suffix}
    refused = error(sandbox, "payment_intents", params)

    assert (refused["status"], refused["param"]) == (400, "statement_descriptor_suffix")


def test_a_whole_descriptor_is_refused_where_a_card_may_be_used(sandbox: Sandbox) -> None:
    params = {"amount": 1999, "currency": "usd", "statement_descriptor": "THE WHOLE SHOP"}

    assert error(sandbox, "payment_intents", params)["param"] == "statement_descriptor"
    assert (
        error(sandbox, f"payment_intents/{create(sandbox)['id']}", {"statement_descriptor": "SHOP"})["status"]
        == 400
    )


def test_a_receipt_goes_to_an_email_address_only(sandbox: Sandbox) -> None:
    params = {"amount": 1999, "currency": "usd", "receipt_email": "nobody"}
    refused = error(sandbox, "payment_intents", params)

    assert (refused["status"], refused["param"], refused["code"]) == (400, "receipt_email", "email_invalid")
