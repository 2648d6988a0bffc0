"""Disputes: with a date to answer by, through review to an end."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Object
from sandbox.http.errors import StripeError


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def disputed(sandbox: Sandbox, **how: object) -> Object:
    made = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()
    sandbox.pay(made["id"])
    return sandbox.dispute(made["id"], **how)  # type: ignore[arg-type]


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.state.events if "dispute" in event["type"]]


def test_a_dispute_is_of_any_amount_and_due_at_any_time(sandbox: Sandbox) -> None:
    due = sandbox.clock.now() + 3600
    dispute = disputed(sandbox, amount=300, due_by=due, reason="product_not_received")
    assert (dispute["amount"], dispute["status"]) == (300, "needs_response")
    assert dispute["evidence_details"]["due_by"] == due


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_dispute_is_reviewed_and_ends(sandbox: Sandbox, end: str) -> None:
    dispute = disputed(sandbox)
    reviewed = sandbox.move_dispute(dispute["id"], "under_review")
    assert reviewed["evidence_details"]["has_evidence"] is True
    assert sandbox.move_dispute(dispute["id"], end)["status"] == end
    reinstated = ["charge.dispute.funds_reinstated"] if end == "won" else []
    assert types(sandbox) == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", *reinstated,
        "charge.dispute.closed",
    ]  # fmt: skip
    with pytest.raises(StripeError):
        sandbox.move_dispute(dispute["id"], "under_review")


def test_a_dispute_that_nobody_answers_in_time_is_lost(sandbox: Sandbox) -> None:
    dispute = disputed(sandbox, due_by=sandbox.clock.now() + 100)
    sandbox.pass_time(101)
    assert sandbox.state.disputes.require(dispute["id"])["status"] == "lost"


def test_an_inquiry_that_nobody_answers_is_closed(sandbox: Sandbox) -> None:
    inquiry = disputed(sandbox, inquiry=True)
    sandbox.pass_time(10 * 86_400)
    assert sandbox.state.disputes.require(inquiry["id"])["status"] == "warning_closed"


@pytest.mark.parametrize(("words", "end"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_in_the_words_of_test_mode_decides(sandbox: Sandbox, words: str, end: str) -> None:
    path = f"/v1/disputes/{disputed(sandbox)['id']}"
    staged = sandbox.call("POST", path, {"evidence": {"uncategorized_text": "a letter"}, "submit": False})
    assert staged.json()["status"] == "needs_response"
    decided = sandbox.call("POST", path, {"evidence": {"uncategorized_text": words}})
    assert decided.json()["status"] == end
    assert sandbox.call("POST", path, {"metadata": {"a": "b"}}).status == 400


def test_a_dispute_can_be_accepted(sandbox: Sandbox) -> None:
    assert sandbox.call("POST", f"/v1/disputes/{disputed(sandbox)['id']}/close").json()["status"] == "lost"


def test_events_about_a_dispute_can_be_sent_in_any_order(sandbox: Sandbox) -> None:
    sandbox.webhooks.set_url("http://shop.test/hook")
    dispute = disputed(sandbox)
    sandbox.move_dispute(dispute["id"], "lost")
    created, _, closed = [event["id"] for event in sandbox.state.events if "dispute" in event["type"]]
    sandbox.webhooks.outbox.clear()
    for event_id in (closed, created):
        sandbox.webhooks.redeliver(event_id)
    assert [dispatch.event_id for dispatch in sandbox.webhooks.outbox] == [closed, created]
    assert b'"needs_response"' in sandbox.webhook(created).body
