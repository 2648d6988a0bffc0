"""Stripe's documented test numbers and tokens: each does what https://docs.stripe.com/testing says."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer, Object
from sandbox.objects.numbers import BANK_TOKENS, CARDS, TOKENS, passes_luhn


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def pay(sandbox: Sandbox, **params: Any) -> Answer:
    settings = {"amount": 2000, "currency": "usd", "confirm": True, "return_url": "https://shop.test/back"}
    return sandbox.call("POST", "/v1/payment_intents", settings | params)


def charge_of(sandbox: Sandbox, intent: Object) -> Object:
    return sandbox.state.charges.require(intent["latest_charge"])


def test_every_number_is_one_and_every_token_leads_to_one() -> None:
    assert len(CARDS) > 100
    assert [number for number in CARDS if not passes_luhn(number)] == []
    assert set(TOKENS.values()) <= set(CARDS)
    assert len(TOKENS) > 100


@pytest.mark.parametrize("number", CARDS)
def test_every_number_is_taken_and_answered(sandbox: Sandbox, number: str) -> None:
    card = {"number": number, "exp_month": 12, "exp_year": 34, "cvc": "123"}
    answer = pay(sandbox, payment_method_data={"type": "card", "card": card})
    assert answer.status in (200, 402)
    if answer.status == 402:
        assert answer.json()["error"]["decline_code"] != "test_mode_live_card"
    else:
        assert answer.json()["status"] in ("succeeded", "requires_action", "processing")


@pytest.mark.parametrize("token", [*TOKENS, *BANK_TOKENS])
def test_every_token_is_known(sandbox: Sandbox, token: str) -> None:
    name = token if token.startswith("pm_") else f"pm_card_{token}"
    currency = "eur" if "sepa" in token else "usd"
    assert pay(sandbox, payment_method=name, currency=currency).status in (200, 402)


@pytest.mark.parametrize(
    ("token", "code", "decline_code", "network"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "01"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "51"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "41"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "43"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "54"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "N7"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "96"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "61"),
        ("pm_card_radarBlock", "card_declined", "fraudulent", None),
        ("pm_card_threeDSecureRequiredProcessingError", "card_declined", "generic_decline", "01"),
    ],
)
def test_a_decline_says_what_the_network_said(
    sandbox: Sandbox, token: str, code: str, decline_code: str, network: str | None
) -> None:
    answer = pay(sandbox, payment_method=token)
    error = answer.json()["error"]
    assert (answer.status, error["type"], error["code"]) == (402, "card_error", code)
    assert error["decline_code"] == decline_code
    assert error.get("network_decline_code") == network
    assert "advice_code" in error
    assert "payment_method_type" not in error
    assert error["request_log_url"].startswith("https://dashboard.stripe.com/test/logs/req_")
    assert error["doc_url"] == "https://stripe.com/docs/error-codes/" + code.replace("_", "-")
    assert answer.headers["Stripe-Should-Retry"] == "false"
    assert error["payment_intent"]["last_payment_error"]["decline_code"] == decline_code


def test_a_blocked_payment_never_reached_the_network(sandbox: Sandbox) -> None:
    failed = pay(sandbox, payment_method="pm_card_radarBlock").json()["error"]
    outcome = sandbox.state.charges.require(failed["charge"])["outcome"]
    assert (outcome["type"], outcome["network_status"]) == ("blocked", "not_sent_to_network")
    raised = pay(sandbox, payment_method="pm_card_riskLevelElevated").json()
    assert charge_of(sandbox, raised)["outcome"]["risk_level"] == "elevated"


def test_checks_are_what_the_number_says(sandbox: Sandbox) -> None:
    def checks(token: str) -> Object:
        address = {"line1": "1 Road", "postal_code": "94110"}
        data = {"type": "card", "card": {"token": token}, "billing_details": {"address": address}}
        paid = pay(sandbox, payment_method_data=data).json()
        found: Object = charge_of(sandbox, paid)["payment_method_details"]["card"]["checks"]
        return found

    assert checks("tok_visa") == {
        "address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass",
    }  # fmt: skip
    assert checks("tok_cvcCheckFail")["cvc_check"] == "fail"
    assert checks("tok_avsFail")["address_postal_code_check"] == "fail"
    assert checks("tok_avsUnchecked")["address_line1_check"] == "unavailable"


def test_countries_and_co_branded_networks(sandbox: Sandbox) -> None:
    german = charge_of(sandbox, pay(sandbox, payment_method="pm_card_de").json())
    assert german["payment_method_details"]["card"]["country"] == "DE"
    shared = pay(sandbox, payment_method="pm_card_visa_cartesBancaires").json()
    method = sandbox.state.payment_methods.require(shared["payment_method"])
    assert method["card"]["networks"]["available"] == ["cartes_bancaires", "visa"]


def test_an_unknown_token_is_the_sandboxs_own_fault(sandbox: Sandbox) -> None:
    error = pay(sandbox, payment_method="pm_card_brandNew").json()["error"]
    assert error["message"].startswith("Sandbox: ")
    assert pay(sandbox, payment_method="pm_1").json()["error"]["message"] == "No such PaymentMethod: 'pm_1'"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("pm_usBankAccount_accountClosed", "account_closed"),
        ("pm_usBankAccount_noAccount", "no_account"),
        ("pm_usBankAccount_insufficientFunds", "insufficient_funds"),
        ("pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"),
    ],
)
def test_a_bank_debit_fails_a_minute_later(sandbox: Sandbox, token: str, code: str) -> None:
    made = pay(sandbox, payment_method=token).json()
    assert made["status"] == "processing"
    sandbox.pass_time(61)
    after = sandbox.state.payment_intents.require(made["id"])
    assert (after["status"], after["last_payment_error"]["code"]) == ("requires_payment_method", code)


def test_several_disputes_share_a_charge(sandbox: Sandbox) -> None:
    pay(sandbox, payment_method="pm_card_createMultipleDisputes")
    assert [dispute["amount"] for dispute in sandbox.state.disputes] == [1000, 1000]


@pytest.mark.parametrize(
    ("token", "on_session", "off_session"),
    [
        ("pm_card_authenticationRequiredOnSetup", "requires_action", "authentication_required"),
        ("pm_card_authenticationRequired", "requires_action", "authentication_required"),
        ("pm_card_authenticationRequiredSetupForOffSession", "requires_action", "succeeded"),
        ("pm_card_threeDSecureOptional", "succeeded", "succeeded"),
        ("pm_card_amex_threeDSecureNotSupported", "succeeded", "succeeded"),
    ],
)
def test_who_must_authenticate(sandbox: Sandbox, token: str, on_session: str, off_session: str) -> None:
    assert pay(sandbox, payment_method=token).json()["status"] == on_session
    away = pay(sandbox, payment_method=token, off_session=True).json()
    assert away.get("status", away.get("error", {}).get("code")) == off_session
