"""Whatever a field of Stripe's holds, the object is read or named as unreadable; nothing escapes as another error."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from services.payments.intents import IntentStatus, Refused, UnreadableAnswer
from services.payments.stripe_ids import INTENT, PREFIXES, is_id, kind_of_id
from services.stripe_api.calls import name_of
from services.stripe_api.gateway import path_of
from services.stripe_api.objects import (
    dispute_from,
    event_seen,
    intent_from,
    intent_seen,
    page_from,
    refund_from,
)
from services.stripe_api.wire import Answer, error_of

INTENT_OBJECT = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 100,
    "amount_received": 100,
    "currency": "usd",
    "metadata": {},
    "client_secret": "pi_1_secret_2",
}
REFUND_OBJECT = {"id": "re_1", "status": "succeeded", "amount": 1, "reason": None, "metadata": {}}
DISPUTE_OBJECT = {"id": "dp_1", "status": "lost", "amount": 1, "reason": "fraudulent", "created": 1}
EVENT_OBJECT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "created": 1,
    "data": {"object": {"id": "pi_1", "metadata": {"installation_id": "x"}}},
}
ODD: list[Any] = [
    None,
    "",
    "odd",
    "a\0b",
    "\ud800",
    -1,
    1.5,
    10**30,
    True,
    [],
    {},
    [None],
    {"id": 1},
    "x" * 10_000,
]
OBJECTS: list[tuple[Callable[[object], object], dict[str, Any]]] = [
    (intent_from, INTENT_OBJECT),
    (intent_seen, INTENT_OBJECT),
    (refund_from, REFUND_OBJECT),
    (dispute_from, DISPUTE_OBJECT),
    (event_seen, EVENT_OBJECT),
]


@pytest.mark.parametrize(("read", "whole"), OBJECTS, ids=[read.__name__ for read, _ in OBJECTS])
def test_every_field_may_be_missing_or_odd(read: Callable[[object], object], whole: dict[str, Any]) -> None:
    read(whole)
    broken = [{name: value for name, value in whole.items() if name != left_out} for left_out in whole]
    broken += [{**whole, name: odd} for name in whole for odd in ODD]
    for data in [*broken, *ODD]:
        with suppress(UnreadableAnswer):
            read(data)


def test_what_an_intent_can_do_without_is_left_empty() -> None:
    without = {
        **INTENT_OBJECT,
        "metadata": None,
        "status": "requires_payment_method",
        "amount_received": None,
    }
    del without["client_secret"]

    intent = intent_from(without)

    assert (intent.status, intent.amount_received) == (IntentStatus.REQUIRES_PAYMENT_METHOD, 0)
    assert (intent.client_secret, intent.payment_id, intent.installation_id) == ("", None, None)


@pytest.mark.parametrize("odd", ["a\x00b\ud800", {"a": "\x00"}, 7])
def test_what_metadata_says_of_an_installation_can_be_asked_of_the_database(odd: object) -> None:
    intent = intent_from({**INTENT_OBJECT, "metadata": {"installation_id": odd}})

    assert intent.installation_id is not None
    assert intent.installation_id.isprintable()


def test_stripes_words_can_be_written_into_the_database() -> None:
    told = {"message": "What\x00 is\ud800 this?\n" + "!" * 1_000_000, "code": "a\x00b", "param": "\x00"}

    error = error_of(Answer(400, {}, {"error": told}))

    assert error is not None
    assert str(error).startswith("What  is  this? !!!")
    assert (len(str(error)), error.code, error.param) == (500, "a b", " ")


def test_a_success_without_its_amount_is_unreadable_and_not_zero() -> None:
    with pytest.raises(UnreadableAnswer):
        intent_from({**INTENT_OBJECT, "amount_received": None})


@pytest.mark.parametrize("odd", [None, "soon", -1e300, 10**30, True, []])
def test_a_dispute_is_heard_of_whatever_its_date_is(odd: object) -> None:
    assert dispute_from({**DISPUTE_OBJECT, "evidence_details": {"due_by": odd}}).due_by is None


def test_a_refund_of_an_unknown_status_is_unreadable() -> None:
    for status in ("creating", "odd"):
        with pytest.raises(UnreadableAnswer):
            refund_from({**REFUND_OBJECT, "status": status})


def test_an_intent_of_a_list_that_can_not_be_read_keeps_what_tells_whose_it_is() -> None:
    seen = intent_seen({**INTENT_OBJECT, "status": "odd", "metadata": {"installation_id": "x"}})
    assert seen is not None
    assert (seen.id, seen.marks.installation_id, seen.intent) == ("pi_1", "x", None)
    assert "odd" in seen.unreadable


def test_a_page_is_continued_behind_its_last_object_also_when_none_is_of_interest() -> None:
    page = page_from({"data": [{"id": "evt_1", "type": "x"}], "has_more": True}, event_seen)
    assert (page.items, page.next) == ((), "evt_1")


@pytest.mark.parametrize(
    "data",
    [
        {"data": [], "has_more": True},
        {"data": [{}], "has_more": True},
        {"data": [{"id": "evt_9"}], "has_more": True},  # where it was before: it would never end
        {"data": None, "has_more": False},
        {},
        [],
    ],
)
def test_a_page_that_can_not_be_continued_is_unreadable(data: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        page_from(data, event_seen, after="evt_9")


@pytest.mark.parametrize(
    "text",
    [
        "pi_1/../../balance",
        "pi_",
        "pi_1?x",
        "pi_1%2f",
        "pi_1\n",
        "PI_1",
        "pi_1_secret_2",
        "pi_ü",
        "",
        "balance",
        "../x",
    ],
)
def test_what_is_no_id_never_becomes_a_path(text: str) -> None:
    assert not is_id(INTENT, text)
    with pytest.raises(Refused):
        path_of(text)


def test_each_kind_of_id_has_its_path() -> None:
    paths = [path_of(text) for text in ("pi_1", "re_1", "pyr_1", "dp_1", "du_1", "ch_1", "py_1")]
    assert {path.split("/")[2] for path in paths} == {"payment_intents", "refunds", "disputes", "charges"}


@pytest.mark.parametrize("prefix", [prefix for prefixes in PREFIXES.values() for prefix in prefixes])
def test_calls_have_a_few_names_whatever_the_ids_are(prefix: str) -> None:
    assert kind_of_id(f"{prefix}1") is not None
    assert name_of("get", f"/v1/things/{prefix}1/parts") == "GET /v1/things/:id/parts"
