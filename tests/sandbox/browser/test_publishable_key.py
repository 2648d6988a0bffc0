"""What a browser may do with the publishable key and a client secret."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Object

PUBLISHABLE = SandboxConfig().publishable_key
RETURN = "https://shop.test/back"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create(sandbox: Sandbox, **params: Any) -> Object:
    intent: Object = sandbox.call(
        "POST", "/v1/payment_intents", {"amount": 1999, "currency": "usd"} | params
    ).json()
    return intent


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4111 1111 1111 1111"}, "card_declined"),
        ({"number": "4242 4242 4242 4242", "exp_year": 2020}, "invalid_expiry_year"),
        ({"number": "4242424242424242", "exp_month": 13}, "invalid_expiry_month"),
        ({"number": "4242424242424242", "cvc": "12"}, "invalid_cvc"),
        ({"number": "4242424242424242", "cvc": "123"}, None),
        ({"number": "4000000000000002", "cvc": "123"}, "card_declined"),
    ],
)
def test_a_browser_pays_with_a_card_number(sandbox: Sandbox, card: dict[str, Any], code: str | None) -> None:
    intent = create(sandbox)
    data = {
        "type": "card",
        "card": {"exp_month": 12, "exp_year": sandbox.clock.now() // 31_556_952 + 1972} | card,
    }
    params = {"client_secret": intent["client_secret"], "payment_method_data": data, "return_url": RETURN}
    answer = sandbox.call("POST", f"/v1/payment_intents/{intent['id']}/confirm", params, key=PUBLISHABLE)
    assert answer.json().get("error", {}).get("code") == code
    assert str(card["number"]) not in str(list(sandbox.journal))


def test_a_browser_sees_little_and_only_with_the_secret(sandbox: Sandbox) -> None:
    intent = create(sandbox, metadata={"order_id": "7"})
    path = f"/v1/payment_intents/{intent['id']}"
    seen = sandbox.call("GET", path, {"client_secret": intent["client_secret"]}, key=PUBLISHABLE).json()
    assert seen["client_secret"] == intent["client_secret"]
    assert "metadata" not in seen
    told = sandbox.call("GET", path, {"client_secret": f"{intent['id']}_secret_wrong"}, key=PUBLISHABLE)
    assert (told.status, told.json()["error"]["param"]) == (400, "client_secret")
    assert sandbox.call("GET", path, key=PUBLISHABLE).json()["error"]["code"] == "parameter_missing"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "payment_intents"),
        ("GET", "payment_intents"),
        ("GET", "events"),
        ("POST", "refunds"),
        ("GET", "balance"),
    ],
)
def test_a_publishable_key_does_nothing_else(sandbox: Sandbox, method: str, path: str) -> None:
    answer = sandbox.call(method, f"/v1/{path}", key=PUBLISHABLE)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "secret_key_required")


def test_a_decline_does_not_show_a_browser_more_of_the_intent(sandbox: Sandbox) -> None:
    intent = create(sandbox, metadata={"order_id": "7"})
    params = {"client_secret": intent["client_secret"], "payment_method": "pm_card_chargeDeclined"}
    answer = sandbox.call("POST", f"/v1/payment_intents/{intent['id']}/confirm", params, key=PUBLISHABLE)
    assert answer.status == 402
    assert "metadata" not in answer.json()["error"]["payment_intent"]
