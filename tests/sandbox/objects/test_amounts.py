"""Which amounts (minor units) the sandbox takes, as Stripe documents it per currency."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox


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
