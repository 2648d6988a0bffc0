"""Payment methods of customers, and what may be used how often."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def post(sandbox: Sandbox, path: str, **params: Any) -> Answer:
    return sandbox.call("POST", f"/v1/{path}", params)


def customer(sandbox: Sandbox) -> str:
    made: str = post(sandbox, "customers", email="ada@shop.test").json()["id"]
    return made


def pay(sandbox: Sandbox, **params: Any) -> Answer:
    settings = {"amount": 2000, "currency": "usd", "confirm": True, "return_url": "https://shop.test/back"}
    return post(sandbox, "payment_intents", **(settings | params))


def method(sandbox: Sandbox, test: str = "tok_visa") -> str:
    made: str = post(sandbox, "payment_methods", type="card", card={"token": test}).json()["id"]
    return made


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_a_method_without_a_customer_is_good_for_one_attempt(sandbox: Sandbox, token: str) -> None:
    used = method(sandbox, token)
    pay(sandbox, payment_method=used)
    again = pay(sandbox, payment_method=used)
    assert again.status == 400
    assert "may not be used again" in again.json()["error"]["message"]
    assert post(sandbox, f"payment_methods/{used}/attach", customer=customer(sandbox)).status == 400


def test_a_method_of_a_customer_pays_again_for_them_alone(sandbox: Sandbox) -> None:
    owner, kept = customer(sandbox), method(sandbox)
    assert post(sandbox, f"payment_methods/{kept}/attach", customer=owner).json()["customer"] == owner
    assert [pay(sandbox, payment_method=kept, customer=owner).status for _ in range(2)] == [200, 200]
    assert "belongs to the customer" in pay(sandbox, payment_method=kept).json()["error"]["message"].lower()
    assert pay(sandbox, payment_method=kept, customer=customer(sandbox)).status == 400


def test_a_declining_card_cannot_be_attached_but_one_that_declines_later_can(sandbox: Sandbox) -> None:
    owner = customer(sandbox)
    declined = post(sandbox, "payment_methods/pm_card_chargeDeclined/attach", customer=owner)
    assert (declined.status, declined.json()["error"]["code"]) == (402, "card_declined")
    later = post(sandbox, "payment_methods/pm_card_chargeCustomerFail/attach", customer=owner)
    assert later.status == 200
    assert pay(sandbox, payment_method=later.json()["id"], customer=owner).status == 402


def test_an_unknown_method_is_404_where_it_is_attached_and_400_where_it_pays(sandbox: Sandbox) -> None:
    assert post(sandbox, "payment_methods/pm_none/attach", customer=customer(sandbox)).status == 404
    assert pay(sandbox, payment_method="pm_none").status == 400


def test_methods_of_a_customer_are_listed_read_changed_and_detached(sandbox: Sandbox) -> None:
    owner = customer(sandbox)
    kept = post(sandbox, "payment_methods/pm_card_visa/attach", customer=owner).json()["id"]
    for path in (f"customers/{owner}/payment_methods", "payment_methods"):
        listed = sandbox.call(
            "GET", f"/v1/{path}", {"type": "card", **({} if "/" in path else {"customer": owner})}
        )
        assert [each["id"] for each in listed.json()["data"]] == [kept]
    assert sandbox.call("GET", f"/v1/customers/{owner}/payment_methods/{kept}").json()["id"] == kept
    changed = post(sandbox, f"payment_methods/{kept}", card={"exp_year": 2040}, metadata={"a": "b"}).json()
    assert (changed["card"]["exp_year"], changed["metadata"]) == (2040, {"a": "b"})
    assert post(sandbox, f"payment_methods/{kept}/detach").json()["customer"] is None
    assert pay(sandbox, payment_method=kept).status == 400
    assert post(sandbox, f"payment_methods/{kept}/detach").status == 400


def test_a_payment_can_save_its_method(sandbox: Sandbox) -> None:
    owner = customer(sandbox)
    paid = pay(
        sandbox, payment_method="pm_card_visa", customer=owner, setup_future_usage="off_session"
    ).json()
    kept = sandbox.state.payment_methods.require(paid["payment_method"])
    assert kept["customer"] == owner
    again = pay(sandbox, payment_method=kept["id"], customer=owner, off_session=True)
    assert again.json()["status"] == "succeeded"


def test_off_session_needs_no_return_url(sandbox: Sandbox) -> None:
    made = post(
        sandbox, "payment_intents", amount=2000, currency="usd", confirm=True, off_session=True,
        payment_method="pm_card_visa",
    )  # fmt: skip
    assert (made.status, made.json()["automatic_payment_methods"]["allow_redirects"]) == (200, "always")
    assert made.headers["Stripe-Should-Retry"] == "false"


def test_a_setup_intent_saves_a_card_that_then_needs_no_customer(sandbox: Sandbox) -> None:
    owner = customer(sandbox)
    setup = post(sandbox, "setup_intents", customer=owner).json()
    assert setup["status"] == "requires_payment_method"
    key, secret = sandbox.config.publishable_key, {"client_secret": setup["client_secret"]}
    path = f"/v1/setup_intents/{setup['id']}"
    details = {
        **secret,
        "payment_method": "pm_card_authenticationRequiredOnSetup",
        "return_url": "https://shop.test/",
    }
    asked = sandbox.call("POST", f"{path}/confirm", details, key=key).json()
    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect_to_url")

    assert sandbox.authenticate(setup["id"], "approve")["status"] == "succeeded"

    read = sandbox.call("GET", path, secret, key=key).json()
    assert "customer" not in read
    away = pay(sandbox, payment_method=read["payment_method"], customer=owner, off_session=True)
    assert away.json()["status"] == "succeeded"


def test_a_setup_intent_is_refused_declined_and_canceled(sandbox: Sandbox) -> None:
    refused = post(
        sandbox, "setup_intents", payment_method="pm_card_authenticationRequired", confirm=True
    ).json()
    after = sandbox.authenticate(refused["id"], "refuse")
    assert after["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    declined = post(sandbox, "setup_intents", payment_method="pm_card_chargeDeclined", confirm=True)
    assert (declined.status, declined.json()["error"]["setup_intent"]["status"]) == (
        402,
        "requires_payment_method",
    )
    assert post(sandbox, f"setup_intents/{refused['id']}/cancel").json()["status"] == "canceled"
    again = post(sandbox, f"setup_intents/{refused['id']}/confirm", payment_method="pm_card_visa")
    assert again.json()["error"]["code"] == "setup_intent_unexpected_state"


@pytest.mark.parametrize("noun", ["payment_intents", "setup_intents"])
def test_a_deleted_customer_is_refused_as_one_that_never_was(sandbox: Sandbox, noun: str) -> None:
    gone = customer(sandbox)
    assert sandbox.call("DELETE", f"/v1/customers/{gone}").json()["deleted"] is True
    params = {"amount": 2000, "currency": "usd"} if noun == "payment_intents" else {}
    for owner in (gone, "cus_none"):
        refused = post(sandbox, noun, customer=owner, **params)
        error = refused.json()["error"]
        assert (refused.status, error["code"], error["param"]) == (400, "resource_missing", "customer")
        assert error["message"] == f"No such customer: '{owner}'"
