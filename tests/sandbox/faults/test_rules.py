"""Injected faults, rate limits, latency and the journal, without sockets."""

from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox, Wait
from sandbox.faults import Fault, Rule, parse_fault
from sandbox.http.answers import Answer
from sandbox.webhooks.dispatch import WebhookFault

PATH = "/v1/payment_intents"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig(webhook_url="http://shop.test/hook"))


def create(sandbox: Sandbox, **call: Any) -> Answer:
    return sandbox.call("POST", PATH, {"amount": 100, "currency": "usd"}, **call)


def statuses(sandbox: Sandbox, count: int) -> list[int]:
    return [create(sandbox).status for _ in range(count)]


def test_a_rule_strikes_from_the_nth_call_on_so_many_times(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="429"), method="POST", path="/v1/payment_*", nth=2, times=2))
    assert sandbox.call("GET", PATH).status == 200
    assert statuses(sandbox, 5) == [200, 429, 429, 200, 200]


def test_a_rule_may_hold_for_ever_until_it_is_cleared(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="502"), times=None))
    assert statuses(sandbox, 4) == [502] * 4
    sandbox.faults.clear()
    assert statuses(sandbox, 1) == [200]


def test_chance_is_decided_by_the_seed() -> None:
    def run(seed: int) -> list[int]:
        sandbox = Sandbox(SandboxConfig(seed=seed))
        sandbox.faults.add(Rule(fault=Fault(kind="429"), times=None, probability=0.5))
        return statuses(sandbox, 40)

    assert run(1) == run(1) != run(2)
    assert {200, 429} == set(run(1))


def test_the_first_rule_that_strikes_decides_and_all_count(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="429")))
    sandbox.faults.add(Rule(fault=Fault(kind="502"), nth=2))
    assert statuses(sandbox, 3) == [429, 502, 200]


def test_a_429_says_when_to_come_back(sandbox: Sandbox) -> None:
    answer = create(sandbox, headers={"sandbox-fault": "429; retry_after=7"})
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["error"]["code"] == "rate_limit"


def test_a_502_is_the_edges_page(sandbox: Sandbox) -> None:
    answer = create(sandbox, headers={"sandbox-fault": "502"})
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.body.startswith(b"<html>")


def test_a_402_carries_the_code_that_was_ordered(sandbox: Sandbox) -> None:
    fault = "402; code=card_declined; decline_code=lost_card"
    told = create(sandbox, headers={"sandbox-fault": fault}).json()["error"]
    assert (told["type"], told["code"], told["decline_code"]) == ("card_error", "card_declined", "lost_card")


def test_a_reset_has_no_answer(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectionResetError):
        create(sandbox, headers={"sandbox-fault": "reset"}).json()


def test_slowness_is_told_to_the_driver(sandbox: Sandbox) -> None:
    sandbox.faults.latency = 0.25
    request = sandbox.request(
        "POST", PATH, {"amount": 100, "currency": "usd"}, headers={"sandbox-fault": "hang; seconds=9"}
    )
    steps = sandbox.steps(request)
    assert [next(steps), next(steps)] == [Wait(0.25), Wait(9.0)]


@pytest.mark.parametrize(
    "text",
    ["", "flood", "reset; point=during", "429; point=later", "reset; colour=blue", "hang; seconds=long"],
)
def test_an_unknown_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|point|float"):
        parse_fault(text)


@pytest.mark.parametrize(("fault", "meanwhile", "after"), [("reset", 409, 200), ("500", 500, 500)])
def test_a_call_may_be_done_after_it_was_answered(
    sandbox: Sandbox, fault: str, meanwhile: int, after: int
) -> None:
    sandbox.faults.add(Rule(fault=parse_fault(f"{fault}; point=later; seconds=60")))

    create(sandbox, idempotency_key="k")

    assert create(sandbox, idempotency_key="k").status == meanwhile
    assert len(sandbox.state.payment_intents) == 0
    sandbox.pass_time(60)
    assert create(sandbox, idempotency_key="k").status == after
    assert len(sandbox.state.payment_intents) == 1


def test_the_rate_limit_holds_per_endpoint_and_refills(sandbox: Sandbox) -> None:
    sandbox.rates.set(3)
    assert statuses(sandbox, 5) == [200, 200, 200, 429, 429]
    assert sandbox.call("GET", PATH).status == 200
    sandbox.clock.advance(1)
    assert statuses(sandbox, 1) == [200]


def test_the_journal_tells_each_call_without_secrets(sandbox: Sandbox) -> None:
    intent = create(sandbox, idempotency_key="k").json()
    create(sandbox, idempotency_key="k")
    create(sandbox, headers={"sandbox-fault": "reset; point=after"})
    publishable = sandbox.config.publishable_key
    params = {"client_secret": intent["client_secret"], "key": publishable}
    sandbox.call("GET", f"{PATH}/{intent['id']}", params, key=publishable)
    first, again, lost, seen = sandbox.journal.calls()
    assert (first["method"], first["path"], first["status"], first["replayed"]) == ("POST", PATH, 200, False)
    assert (again["replayed"], again["idempotency_key"]) == (True, "k")
    assert (lost["fault"], lost["wire"]) == ("reset after", "reset")
    assert seen["params"] == {"client_secret": "[removed]", "key": "[removed]"}
    assert first["request_id"].startswith("req_")
    assert intent["client_secret"] not in str(list(sandbox.journal))


def test_a_reset_forgets_everything(sandbox: Sandbox) -> None:
    create(sandbox, idempotency_key="k")
    sandbox.faults.add(Rule(fault=Fault(kind="502"), times=None))
    sandbox.reset()
    assert (len(sandbox.state.payment_intents), len(sandbox.state.events), len(sandbox.ledger)) == (0, 0, 0)
    assert not list(sandbox.journal)
    assert "Idempotent-Replayed" not in create(sandbox, idempotency_key="k").headers


def test_an_awaited_event_is_listed_as_undelivered(sandbox: Sandbox) -> None:
    create(sandbox)
    (event,) = sandbox.call("GET", "/v1/events", {"delivery_success": False}).json()["data"]
    assert event["pending_webhooks"] == 1
    sandbox.webhooks.note(sandbox.webhooks.outbox.popleft(), 1, 200, None)
    assert sandbox.call("GET", "/v1/events", {"delivery_success": False}).json()["data"] == []
    assert sandbox.call("GET", f"/v1/events/{event['id']}").json()["pending_webhooks"] == 0


def test_an_early_event_is_asked_for_before_the_answer(sandbox: Sandbox) -> None:
    sandbox.webhooks.faults.append(WebhookFault(kind="early"))
    create(sandbox)
    assert [dispatch.suffers("early") for dispatch in sandbox.webhooks.outbox] == [True]
    intent = create(sandbox).json()
    sandbox.webhooks.faults.append(WebhookFault(kind="early", times=None))
    sandbox.pay(intent["id"])
    assert len(sandbox.webhooks.outbox) == 4
