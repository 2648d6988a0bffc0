"""Restricted keys: 403 without a code, whose message names what is missing."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults.permissions import permission_of

KEY = "rk_test_0123456789abcdefghij"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def test_a_restricted_key_may_do_what_it_was_given(sandbox: Sandbox) -> None:
    sandbox.permissions.restrict(KEY, ["rak_payment_intent_write", "rak_event_read"])
    made = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}, key=KEY)
    path = f"/v1/payment_intents/{made.json()['id']}"
    assert sandbox.call("GET", path, key=KEY).status == 200  # to write includes to read
    assert sandbox.call("GET", "/v1/events", key=KEY).status == 200
    assert sandbox.call("GET", "/v1/refunds", key=KEY).status == 403


def test_the_403_has_no_code_and_names_the_permission(sandbox: Sandbox) -> None:
    sandbox.permissions.restrict(KEY, ["rak_payment_intent_write"])
    refused = sandbox.call("POST", "/v1/refunds", {"payment_intent": "pi_1"}, key=KEY)
    error = refused.json()["error"]
    assert (refused.status, error["type"], "code" in error) == (403, "invalid_request_error", False)
    assert (
        "Having the 'rak_refund_write' permission would allow this request to continue." in error["message"]
    )
    assert KEY not in error["message"]
    assert error["message"].startswith("The provided key 'rk_test_")


def test_a_permission_can_be_taken_from_every_key(sandbox: Sandbox) -> None:
    sandbox.permissions.forbid("rak_dispute_read", "rak_refund_write")
    assert sandbox.call("GET", "/v1/disputes").status == 403
    assert sandbox.call("GET", "/v1/refunds").status == 200
    assert sandbox.call("POST", "/v1/refunds", {"payment_intent": "pi_1"}).status == 403
    sandbox.permissions.allow("rak_dispute_read")
    assert sandbox.call("GET", "/v1/disputes").status == 200


def test_a_refusal_is_not_kept_under_the_key_of_a_call(sandbox: Sandbox) -> None:
    call = ("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    sandbox.permissions.forbid("rak_payment_intent_write")
    assert sandbox.call(*call, idempotency_key="k").status == 403
    sandbox.permissions.allow("rak_payment_intent_write")
    assert sandbox.call(*call, idempotency_key="k").status == 200


@pytest.mark.parametrize("wrong", ["refunds", "rak_refund", "rak_nothing_read", "refund_write"])
def test_a_misspelt_permission_is_refused(sandbox: Sandbox, wrong: str) -> None:
    with pytest.raises(ValueError, match="permission"):
        sandbox.permissions.forbid(wrong)


def test_permissions_are_named_after_resources() -> None:
    assert permission_of("POST", "/v1/payment_intents/pi_1/cancel") == "rak_payment_intent_write"
    assert permission_of("GET", "/v1/webhook_endpoints") == "rak_webhook_read"
    assert permission_of("DELETE", "/v1/customers/cus_1") == "rak_customer_write"
