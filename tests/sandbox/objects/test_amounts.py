"""Which amounts (minor units) the sandbox takes, as Stripe documents it per currency."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.errors import StripeError


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (50, "usd", None),
        (49, "jpy", "amount_too_small"),
        (0, "usd", "parameter_invalid_integer"),
        (-1, "usd", "parameter_invalid_integer"),
        (99_999_999, "usd", None),
        (100_000_000, "usd", "amount_too_large"),
        (100_000_000, "idr", None),
        (1005, "kwd", "parameter_invalid_integer"),
        (1010, "kwd", None),
        (150, "isk", "parameter_invalid_integer"),
        (200, "ugx", None),
        (17_499, "huf", "amount_too_small"),
        ("1.5", "usd", "parameter_invalid_integer"),
        ("1e3", "usd", "parameter_invalid_integer"),
        ("9" * 5000, "usd", "parameter_invalid_integer"),
        ("", "usd", "parameter_invalid_empty"),
    ],
)
def test_amounts_are_bounded_per_currency(amount: Any, currency: str, code: str | None) -> None:
    sandbox = Sandbox(SandboxConfig())
    answer = sandbox.call("POST", "/v1/payment_intents", {"amount": amount, "currency": currency})
    assert answer.json().get("error", {}).get("code") == code


@pytest.mark.parametrize(
    ("currency", "total", "odd", "whole"), [("isk", 50_000, 10_050, 10_000), ("kwd", 12_340, 1_235, 1_230)]
)
def test_parts_of_a_charge_are_whole_steps_too(currency: str, total: int, odd: int, whole: int) -> None:
    """Refunds, by the API and in the dashboard, and captures."""
    sandbox = Sandbox(SandboxConfig())
    wanted = {"amount": total, "currency": currency}
    paid = sandbox.call("POST", "/v1/payment_intents", wanted).json()["id"]
    sandbox.pay(paid)
    held = sandbox.call("POST", "/v1/payment_intents", {**wanted, "capture_method": "manual"}).json()["id"]
    sandbox.pay(held)

    def codes(amount: int) -> list[str | None]:
        answers = (
            sandbox.call("POST", "/v1/refunds", {"payment_intent": paid, "amount": amount}),
            sandbox.call("POST", f"/v1/payment_intents/{held}/capture", {"amount_to_capture": amount}),
        )
        return [answer.json().get("error", {}).get("code") for answer in answers]

    assert codes(odd) == ["parameter_invalid_integer"] * 2
    with pytest.raises(StripeError, match="multiple"):
        sandbox.refund(paid, odd)
    assert codes(whole) == [None, None]


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (49, "eur", "Amount must be at least €0.50 eur"),
        (49, "usd", "Amount must be at least $0.50 usd"),
        (49, "chf", "Amount must be at least 0.50 chf"),
        (49, "jpy", "Amount must be at least ¥50 jpy"),
    ],
)
def test_the_least_amount_is_named_as_recorded(amount: int, currency: str, words: str) -> None:
    sandbox = Sandbox(SandboxConfig())
    answer = sandbox.call("POST", "/v1/payment_intents", {"amount": amount, "currency": currency})
    assert answer.json()["error"]["message"] == words
