"""The sandbox's lists, forms and parameters."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.errors import StripeError
from sandbox.http.forms import decode, encode

PATH = "/v1/payment_intents"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create_at_each_second(sandbox: Sandbox, count: int) -> list[tuple[str, int]]:
    made = []
    for _ in range(count):
        intent = sandbox.call("POST", PATH, {"amount": 100, "currency": "usd"}).json()
        made.append((intent["id"], intent["created"]))
        sandbox.clock.advance(1)
    return made


def ids(sandbox: Sandbox, path: str = PATH, **params: Any) -> list[str]:
    answer = sandbox.call("GET", path, params)
    assert answer.status == 200, answer.json()
    return [each["id"] for each in answer.json()["data"]]


def pages(sandbox: Sandbox, **params: Any) -> Iterator[list[str]]:
    while True:
        answer = sandbox.call("GET", PATH, params).json()
        yield [each["id"] for each in answer["data"]]
        if not answer["has_more"]:
            return
        params["starting_after"] = answer["data"][-1]["id"]


def test_the_newest_come_first_and_pages_cover_everything_once(sandbox: Sandbox) -> None:
    made = [intent_id for intent_id, _ in create_at_each_second(sandbox, 25)]
    assert ids(sandbox) == made[::-1][:10]
    assert [each for page in pages(sandbox, limit=7) for each in page] == made[::-1]
    assert ids(sandbox, ending_before=made[0], limit=3) == made[1:4][::-1]
    assert ids(sandbox, ending_before=made[-1]) == []


def test_created_bounds_are_inclusive_or_not_as_named(sandbox: Sandbox) -> None:
    made = create_at_each_second(sandbox, 6)
    names, times = [name for name, _ in made], [second for _, second in made]
    assert times == sorted(set(times))
    assert ids(sandbox, created={"gte": times[2]}) == names[2:][::-1]
    assert ids(sandbox, created={"gt": times[2]}) == names[3:][::-1]
    assert ids(sandbox, created={"lte": times[2]}) == names[:3][::-1]
    assert ids(sandbox, created={"lt": times[2]}) == names[:2][::-1]
    assert ids(sandbox, created={"gte": times[1], "lt": times[3]}) == names[1:3][::-1]
    assert ids(sandbox, created=times[4]) == [names[4]]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"created": {"gte": "yesterday"}}, "created[gte]"),
        ({"created": {"since": 1}}, "created[since]"),
        ({"starting_after": "pi_none"}, "starting_after"),
        ({"starting_after": "pi_1", "ending_before": "pi_2"}, None),
        ({"status": "succeeded"}, "status"),
    ],
)
def test_a_list_refuses_what_it_does_not_know(
    sandbox: Sandbox, params: dict[str, Any], param: str | None
) -> None:
    answer = sandbox.call("GET", PATH, params)
    assert (answer.status, answer.json()["error"].get("param")) == (400, param)


def test_lists_are_narrowed_by_what_they_belong_to(sandbox: Sandbox) -> None:
    customer = sandbox.call("POST", "/v1/customers", {"email": "a@shop.test"}).json()["id"]
    first, second = (name for name, _ in create_at_each_second(sandbox, 2))
    sandbox.call("POST", f"{PATH}/{second}", {"customer": customer})
    assert ids(sandbox, customer=customer) == [second]
    for each in (first, second):
        sandbox.pay(each)
        sandbox.refund(each, 10)
    assert len(ids(sandbox, "/v1/charges", payment_intent=first)) == 1
    assert ids(sandbox, "/v1/refunds", payment_intent=second) == [
        [each["id"] for each in sandbox.state.refunds][1]
    ]
    assert ids(sandbox, "/v1/customers", email="a@shop.test") == [customer]
    assert ids(sandbox, "/v1/customers", email="b@shop.test") == []


def test_a_deleted_customer_leaves_the_list(sandbox: Sandbox) -> None:
    customer = sandbox.call("POST", "/v1/customers").json()["id"]
    assert sandbox.call("DELETE", f"/v1/customers/{customer}").json()["deleted"] is True
    assert ids(sandbox, "/v1/customers") == []
    assert sandbox.call("POST", f"/v1/customers/{customer}", {"name": "B"}).status == 404


def test_events_are_listed_by_type(sandbox: Sandbox) -> None:
    ((intent, _),) = create_at_each_second(sandbox, 1)
    sandbox.pay(intent)
    listed = sandbox.call("GET", "/v1/events", {"type": "payment_intent.*"}).json()["data"]
    assert [each["type"] for each in listed] == ["payment_intent.succeeded", "payment_intent.created"]
    types = ["charge.succeeded", "payment_intent.created"]
    listed = sandbox.call("GET", "/v1/events", {"types": types}).json()["data"]
    assert [each["type"] for each in listed] == types
    event = sandbox.call("GET", f"/v1/events/{listed[0]['id']}").json()
    assert event["data"]["object"]["payment_intent"] == intent


def test_a_form_nests_as_stripes_does() -> None:
    text = "amount=5&metadata[order_id]=7&expand[]=customer&expand[]=latest_charge&card[number][0]=4&created[gte]=1"
    assert decode(text) == {
        "amount": "5",
        "metadata": {"order_id": "7"},
        "expand": ["customer", "latest_charge"],
        "card": {"number": {"0": "4"}},
        "created": {"gte": "1"},
    }


@pytest.mark.parametrize(
    "text", ["a[b=1", "a]=1", "[a]=1", "a=1&a[b]=2", "a[]=1&a[b]=2", "a=%ff", "&".join(["a=1"] * 2000)]
)
def test_a_malformed_form_is_a_400(text: str) -> None:
    with pytest.raises(StripeError) as refusal:
        decode(text)
    assert refusal.value.status == 400


NAMES = st.text("abcxyz_0189", min_size=1, max_size=8)
TREES = st.recursive(
    st.text(max_size=20), lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4), max_leaves=8
)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_what_was_encoded_is_decoded_again(tree: dict[str, Any]) -> None:
    assert decode(encode(tree)) == tree


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ({"k" * 41: "v"}, "metadata"),
        ({"k": "v" * 501}, "metadata[k]"),
        ({f"k{number}": "v" for number in range(51)}, "metadata"),
        ({"k": {"deep": "v"}}, "metadata[k]"),
        ("text", "metadata"),
    ],
)
def test_metadata_is_bounded(sandbox: Sandbox, metadata: Any, param: str) -> None:
    answer = sandbox.call("POST", PATH, {"amount": 100, "currency": "usd", "metadata": metadata})
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"receipt_email": "nobody"}, "email_invalid"),
        ({"return_url": "shop", "confirm": True, "payment_method": "pm_card_visa"}, "url_invalid"),
        ({"currency": ""}, "parameter_invalid_empty"),
        ({"currency": "xxx"}, None),
        ({"confirm": "yes"}, None),
        ({"capture_method": "later"}, None),
        ({"customer": "cus_none"}, "resource_missing"),
        ({"payment_method": "pm_none"}, "resource_missing"),
        ({"metadata": "x"}, None),
    ],
)
def test_a_bad_parameter_is_a_400_with_its_code(
    sandbox: Sandbox, params: dict[str, Any], code: str | None
) -> None:
    answer = sandbox.call("POST", PATH, {"amount": 100, "currency": "usd"} | params)
    told = answer.json()["error"]
    assert (answer.status, told.get("code")) == (400, code)
    assert told["param"] in params
    assert len(sandbox.state.payment_intents) == 0


def test_only_a_form_is_read(sandbox: Sandbox) -> None:
    answer = sandbox.call("POST", PATH, {"amount": 100}, headers={"content-type": "application/json"})
    assert answer.status == 400
