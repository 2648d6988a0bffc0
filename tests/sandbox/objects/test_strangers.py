"""Other applications on the account: a million events that nobody stores."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.objects.strangers import Application

MONTH = 30 * 86_400


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig(webhook_url="http://shop.test/hook"))


def paged(sandbox: Sandbox, path: str, **params: Any) -> Iterator[Any]:
    after: dict[str, str] = {}
    while True:
        page = sandbox.call("GET", f"/v1/{path}", {"limit": 100, **params, **after}).json()
        yield from page["data"]
        if not page["has_more"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}


def test_a_million_events_a_month_are_there_at_once_and_cost_no_memory(sandbox: Sandbox) -> None:
    stream = sandbox.strangers.move_in(Application())
    assert len(stream.events) == pytest.approx(1_000_000, abs=5)
    assert len(sandbox.state.events) == 0
    oldest = sandbox.call(
        "GET", "/v1/events", {"limit": 1, "created": {"lte": stream.start}}
    ).json()["data"]  # fmt: skip
    assert oldest[0]["created"] == stream.start


def test_every_event_is_listed_once_in_order_beside_ours(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application(events_a_month=700))
    sandbox.strangers.move_in(Application(events_a_month=300))
    ours = sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()["id"]

    events, intents = list(paged(sandbox, "events")), list(paged(sandbox, "payment_intents"))

    for found in (events, intents):
        made = [each["created"] for each in found]
        assert made == sorted(made, reverse=True)
        assert len({each["id"] for each in found}) == len(found)
    assert len(events) == pytest.approx(1_001, abs=3)
    assert sum(each["id"] == ours for each in intents) == 1


def test_cursors_and_types_skip_to_the_right_place(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application(events_a_month=1_000))
    every = list(paged(sandbox, "events"))
    wanted = ["payment_intent.succeeded", "charge.failed"]
    some = list(paged(sandbox, "events", types=wanted))
    assert [each["id"] for each in some] == [each["id"] for each in every if each["type"] in wanted]
    assert list(paged(sandbox, "events", types=["dispute.created"])) == []
    tail = [each for each in every if each["created"] >= every[40]["created"]]
    assert list(paged(sandbox, "events", created={"gte": every[40]["created"]})) == tail
    back = sandbox.call("GET", "/v1/events", {"ending_before": every[20]["id"], "limit": 5}).json()["data"]
    assert back == every[15:20]


def test_each_object_can_be_read_by_its_id_and_is_what_the_event_said(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application(metadata={"order_id": "{uuid}", "site": "blog", "n": "{n}"}))
    page = sandbox.call("GET", "/v1/events", {"limit": 100, "types": ["payment_intent.*"]}).json()["data"]
    assert {each["data"]["object"]["status"] for each in page} > {"succeeded"}
    for event in page[:8]:
        assert sandbox.call("GET", f"/v1/events/{event['id']}").json() == event
    done = next(each for each in page if each["type"] == "payment_intent.succeeded")["data"]["object"]
    read = sandbox.call("GET", f"/v1/payment_intents/{done['id']}", {"expand": ["latest_charge"]}).json()
    assert read["metadata"]["site"] == "blog"
    assert len(read["metadata"]["order_id"]) == 36
    assert read["latest_charge"]["payment_intent"] == done["id"]
    charges = sandbox.call("GET", "/v1/charges", {"payment_intent": done["id"]}).json()["data"]
    assert [each["id"] for each in charges] == [read["latest_charge"]["id"]]


def test_the_stream_goes_on_as_the_clock_does(sandbox: Sandbox) -> None:
    sandbox.clock.freeze()
    stream = sandbox.strangers.move_in(Application(days=1))
    before = len(stream.events)
    sandbox.pass_time(86_400)
    assert len(stream.events) - before == pytest.approx(1_000_000 / 30, abs=2)


def test_who_writes_to_a_stranger_is_found_out(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application(unpaid_every=1))
    theirs = sandbox.call("GET", "/v1/payment_intents", {"limit": 1}).json()["data"][0]["id"]
    assert sandbox.strangers.written() == []
    assert sandbox.call("POST", f"/v1/payment_intents/{theirs}/cancel").json()["status"] == "canceled"
    assert sandbox.strangers.written() == [theirs]
    listed = sandbox.call("GET", "/v1/payment_intents", {"limit": 100}).json()["data"]
    assert [each["status"] for each in listed if each["id"] == theirs] == ["canceled"]


def test_their_events_are_sent_as_webhooks_when_ordered(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application())
    sent = sandbox.strangers.deliver(300, types=["payment_intent.succeeded"])
    assert len(sandbox.webhooks.outbox) == len(sent) == 300
    assert b"payment_intent.succeeded" in sandbox.webhook(sent[0]).body


def test_an_id_that_is_not_there_yet_is_unknown(sandbox: Sandbox) -> None:
    stream = sandbox.strangers.move_in(Application())
    for number in (-1, len(stream.events) + 1_000):
        event_id = stream.events.id_of(abs(number)) if number > 0 else "evt_0001zz"
        assert sandbox.call("GET", f"/v1/events/{event_id}").status == 404
    assert sandbox.call("GET", "/v1/events", {"starting_after": "evt_none"}).status == 400


def test_a_reset_moves_them_out(sandbox: Sandbox) -> None:
    sandbox.strangers.move_in(Application())
    sandbox.reset()
    assert sandbox.call("GET", "/v1/events").json()["data"] == []
