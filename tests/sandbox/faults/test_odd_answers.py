"""Injected answers that no client expects."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Fault, Rule

CREATE = ("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd", "metadata": {"order_id": "7"}})


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig(webhook_url="http://shop.test/hook"))


def test_a_disguised_object_is_shown_changed_everywhere(sandbox: Sandbox) -> None:
    intent = sandbox.call(*CREATE).json()["id"]
    sandbox.disguise(intent, status="teleported", metadata=None, without=("client_secret",))

    read = sandbox.call("GET", f"/v1/payment_intents/{intent}").json()
    (listed,) = sandbox.call("GET", "/v1/payment_intents").json()["data"]
    (event,) = sandbox.call("GET", "/v1/events").json()["data"]

    for shown in (read, listed, event["data"]["object"]):
        assert (shown["status"], shown["metadata"]) == ("teleported", None)
        assert "client_secret" not in shown
    assert b"teleported" in sandbox.webhook(event["id"]).body
    assert sandbox.state.payment_intents.require(intent)["status"] == "requires_payment_method"
    sandbox.cure(intent)
    assert sandbox.call("GET", f"/v1/payment_intents/{intent}").json()["metadata"] == {"order_id": "7"}


def test_one_answer_can_be_altered(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="altered", change={"amount": 1}, without=("status",))))
    made = sandbox.call(*CREATE).json()
    assert (made["amount"], "status" in made) == (1, False)
    assert sandbox.state.payment_intents.require(made["id"])["amount"] == 1000
    sandbox.faults.add(Rule(fault=Fault(kind="altered", without=("metadata",))))
    assert "metadata" not in sandbox.call("GET", "/v1/payment_intents").json()["data"][0]


def test_a_page_can_be_empty_and_have_more(sandbox: Sandbox) -> None:
    sandbox.call(*CREATE)
    sandbox.faults.add(Rule(fault=Fault(kind="empty_page"), path="/v1/events"))
    page = sandbox.call("GET", "/v1/events").json()
    assert (page["data"], page["has_more"]) == ([], True)


def test_a_page_of_html_comes_with_200(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="html")))
    answer = sandbox.call(*CREATE)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert len(sandbox.state.payment_intents) == 0


def test_any_text_can_stand_for_an_answer(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="text", text='["a list"]', point="after")))
    assert sandbox.call(*CREATE).json() == ["a list"]
    assert len(sandbox.state.payment_intents) == 1


def test_a_redirect_names_a_place_whose_visits_the_journal_shows(sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(fault=Fault(kind="redirect")))
    answer = sandbox.call(*CREATE)
    assert (answer.status, answer.headers["Location"]) == (302, "http://sandbox.invalid/v1/redirected")


def test_settings_of_a_fault_can_be_texts_of_a_header(sandbox: Sandbox) -> None:
    fault = 'altered; change={"amount": 5}; without=status,metadata'
    made = sandbox.call(*CREATE, headers={"sandbox-fault": fault}).json()
    assert made["amount"] == 5
    assert not {"status", "metadata"} & set(made)
