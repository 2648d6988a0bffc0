"""One object that is sick while the rest of the account is well."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox, Wait
from sandbox.faults import Fault, Rule
from sandbox.http.answers import Answer

STATUSES = {
    "500": 500, "503": 503, "404": 404, "424": 424, "425": 425, "429": 429, "lock_timeout": 429, "409": 409,
}  # fmt: skip


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create(sandbox: Sandbox) -> str:
    intent_id: str = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()[
        "id"
    ]
    return intent_id


def read(sandbox: Sandbox, intent_id: str) -> Answer:
    return sandbox.call("GET", f"/v1/payment_intents/{intent_id}")


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_a_sick_object_fails_and_its_neighbour_does_not(sandbox: Sandbox, fault: str, status: int) -> None:
    sick, well = create(sandbox), create(sandbox)
    sandbox.make_sick(sick, fault)

    assert read(sandbox, sick).status == status
    assert sandbox.call("POST", f"/v1/payment_intents/{sick}/cancel").status == status
    assert read(sandbox, well).status == 200
    sandbox.cure(sick)
    assert read(sandbox, sick).status == 200


def test_a_call_that_names_the_object_in_a_parameter_fails_too(sandbox: Sandbox) -> None:
    sick = create(sandbox)
    sandbox.make_sick(sick, "503")
    assert sandbox.call("GET", "/v1/refunds", {"payment_intent": sick}).status == 503
    assert sandbox.call("POST", "/v1/refunds", {"payment_intent": sick}).status == 503
    assert sandbox.call("GET", "/v1/refunds", {"payment_intent": f"{sick}x"}).status == 200


def test_sickness_lasts_for_calls_for_a_method_or_for_seconds(sandbox: Sandbox) -> None:
    sick = create(sandbox)
    sandbox.make_sick(sick, "500", times=2, method="GET")
    assert [read(sandbox, sick).status for _ in range(3)] == [500, 500, 200]
    sandbox.make_sick(sick, "lock_timeout", lasts=3600)
    assert read(sandbox, sick).status == 429
    sandbox.pass_time(3600)
    assert read(sandbox, sick).status == 200


def test_a_hanging_object_never_answers(sandbox: Sandbox) -> None:
    sick = create(sandbox)
    sandbox.make_sick(sick, Fault(kind="hang", seconds=60))
    steps = sandbox.steps(sandbox.request("GET", f"/v1/payment_intents/{sick}"))
    assert next(steps) == Wait(60)


def test_lock_timeout_says_that_a_retry_helps_and_is_not_about_the_rate(sandbox: Sandbox) -> None:
    sick = create(sandbox)
    sandbox.make_sick(sick, "lock_timeout")
    answer = read(sandbox, sick)
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "lock_timeout")
    assert answer.headers["Stripe-Should-Retry"] == "true"
    assert "Stripe-Rate-Limited-Reason" not in answer.headers


def test_the_rate_has_a_429_of_its_own(sandbox: Sandbox) -> None:
    sandbox.rates.set(1)
    create(sandbox)
    refused = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    assert refused.json()["error"]["code"] == "rate_limit"
    assert refused.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"


def test_an_endpoint_can_be_sick_as_a_whole(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="503"), path="/v1/refunds*", times=None))
    assert sandbox.call("GET", "/v1/refunds").status == 503
    assert sandbox.call("GET", "/v1/disputes").status == 200


def test_latency_has_a_jitter_that_the_seed_decides() -> None:
    def delays() -> list[Any]:
        sandbox = Sandbox(SandboxConfig(seed=3))
        sandbox.faults.latency, sandbox.faults.jitter = 0.3, 0.1
        return [next(sandbox.steps(sandbox.request("GET", "/v1/balance"))) for _ in range(20)]

    seen = [wait.seconds for wait in delays()]
    assert all(0.2 <= second <= 0.4 for second in seen)
    assert len(set(seen)) == 20
    assert delays() == delays()
