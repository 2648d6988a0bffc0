"""Idempotency keys in the sandbox: first result kept, nothing made twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox, Wait
from sandbox.http.answers import Answer

PATH = "/v1/payment_intents"
PARAMS = {"amount": 1999, "currency": "usd", "metadata": {"order_id": "7", "payment_id": "8"}}
DAY = 24 * 3600


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxConfig())


def create(sandbox: Sandbox, key: str = "k", *, fault: str | None = None, **params: Any) -> Answer:
    headers = {} if fault is None else {"sandbox-fault": fault}
    return sandbox.call("POST", PATH, PARAMS | params, idempotency_key=key, headers=headers)


def test_the_same_key_gives_the_same_answer_and_one_intent(sandbox: Sandbox) -> None:
    first, again = create(sandbox), create(sandbox)
    assert first.body == again.body
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert len(sandbox.state.payment_intents) == 1


def test_a_replay_shows_the_first_result_even_when_the_intent_moved_on(sandbox: Sandbox) -> None:
    intent = create(sandbox).json()
    sandbox.pay(intent["id"])
    assert create(sandbox).json()["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    "change",
    [{"amount": 2000}, {"currency": "eur"}, {"description": "x"}, {"metadata": {"order_id": "7"}}],
)
def test_other_parameters_under_the_same_key_are_refused(sandbox: Sandbox, change: dict[str, Any]) -> None:
    create(sandbox)
    answer = create(sandbox, **change)
    assert (answer.status, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert len(sandbox.state.payment_intents) == 1


def test_the_order_of_parameters_does_not_matter(sandbox: Sandbox) -> None:
    first = create(sandbox)
    turned = dict(reversed(PARAMS.items()))
    assert sandbox.call("POST", PATH, turned, idempotency_key="k").body == first.body


def test_another_endpoint_under_the_same_key_is_refused(sandbox: Sandbox) -> None:
    create(sandbox)
    answer = sandbox.call("POST", "/v1/customers", PARAMS, idempotency_key="k")
    assert answer.json()["error"]["type"] == "idempotency_error"
    assert "'/v1/customers' rather than '/v1/payment_intents'" in answer.json()["error"]["message"]


def test_a_connected_account_has_keys_of_its_own(sandbox: Sandbox) -> None:
    create(sandbox)
    other = sandbox.call("POST", PATH, PARAMS, idempotency_key="k", headers={"stripe-account": "acct_other"})
    assert "Idempotent-Replayed" not in other.headers


def test_a_key_in_flight_is_a_conflict_that_is_not_kept(sandbox: Sandbox) -> None:
    slow = {"sandbox-fault": "slow_header; seconds=5"}
    steps = sandbox.steps(sandbox.request("POST", PATH, PARAMS, idempotency_key="k", headers=slow))
    assert next(steps) == Wait(5.0)
    second = create(sandbox)
    assert (second.status, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert second.json()["error"]["type"] == "idempotency_error"
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert create(sandbox).body == end.value.value.body
    assert len(sandbox.state.payment_intents) == 1


def test_a_call_that_was_given_up_lets_its_key_go(sandbox: Sandbox) -> None:
    slow = {"sandbox-fault": "slow_header; seconds=5"}
    steps = sandbox.steps(sandbox.request("POST", PATH, PARAMS, idempotency_key="k", headers=slow))
    next(steps)
    steps.close()
    assert create(sandbox).status == 200


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_500_is_kept_for_ever_under_its_key(sandbox: Sandbox, point: str) -> None:
    first = create(sandbox, fault=f"500; point={point}")
    again = create(sandbox)
    assert (first.status, again.status, again.body) == (500, 500, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.state.payment_intents) == (1 if point == "after" else 0)
    assert create(sandbox, "another key").status == 200


@pytest.mark.parametrize("kind", ["429", "409", "401", "502", "400", "lock_timeout", "reset", "hang"])
def test_what_happens_before_the_endpoint_is_not_kept(sandbox: Sandbox, kind: str) -> None:
    create(sandbox, fault=kind)
    assert len(sandbox.state.payment_intents) == 0
    after = create(sandbox)
    assert (after.status, after.headers.get("Idempotent-Replayed")) == (200, None)


@pytest.mark.parametrize("kind", ["502", "reset", "truncated", "hang", "slow_body", "429"])
def test_a_lost_answer_can_be_had_again(sandbox: Sandbox, kind: str) -> None:
    create(sandbox, fault=f"{kind}; point=after")
    assert len(sandbox.state.payment_intents) == 1
    again = create(sandbox)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert len(sandbox.state.payment_intents) == 1


def test_a_failed_validation_is_not_kept(sandbox: Sandbox) -> None:
    assert create(sandbox, amount=1).status == 400
    assert create(sandbox).status == 200


def test_a_declined_card_is_kept(sandbox: Sandbox) -> None:
    params: dict[str, Any] = {"confirm": True, "payment_method": "pm_card_chargeDeclined"}
    params["return_url"] = "https://shop.test/"
    first, again = create(sandbox, **params), create(sandbox, **params)
    assert (first.status, again.body) == (402, first.body)
    assert len(sandbox.state.payment_intents) == 1


def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox) -> None:
    first = create(sandbox)
    sandbox.clock.advance(DAY - 60)
    assert create(sandbox).body == first.body
    sandbox.clock.advance(120)
    later = create(sandbox)
    assert later.json()["id"] != first.json()["id"]
    assert len(sandbox.ledger) == 1


def test_a_key_of_more_than_255_characters_is_refused(sandbox: Sandbox) -> None:
    assert create(sandbox, "k" * 255).status == 200
    assert create(sandbox, "k" * 256).status == 400


def test_reading_takes_no_notice_of_keys(sandbox: Sandbox) -> None:
    before = sandbox.call("GET", PATH, idempotency_key="k").json()
    create(sandbox)
    assert len(sandbox.call("GET", PATH, idempotency_key="k").json()["data"]) == len(before["data"]) + 1


FAULTS = st.sampled_from(
    [None, "429", "409", "500", "502", "reset", "hang; seconds=1", "slow_header; seconds=1"]
    + [f"{kind}; point=after" for kind in ("500", "502", "reset", "truncated", "hang", "slow_body")]
)
CALLS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(100, 102), FAULTS), min_size=1, max_size=12)


@given(calls=CALLS, order=st.randoms(use_true_random=False))
def test_no_key_ever_makes_two_intents_or_gives_two_results(
    calls: list[tuple[str, int, str | None]], order: Any
) -> None:
    """Calls with few keys, differing amounts and any fault, interleaved at every wait."""
    sandbox = Sandbox(SandboxConfig())
    made: dict[str, set[str]] = {}
    kept: dict[str, set[bytes]] = {}
    for key, answer in _interleaved(sandbox, calls, order):
        if answer.status == 200 and answer.wire == "whole":
            made.setdefault(key, set()).add(answer.json()["id"])
        if answer.headers.get("Idempotent-Replayed"):
            kept.setdefault(key, set()).add(answer.body)
    assert all(len(ids) == 1 for ids in made.values())
    assert all(len(bodies) == 1 for bodies in kept.values())
    assert len(sandbox.state.payment_intents) <= len({key for key, _, _ in calls})


def _interleaved(
    sandbox: Sandbox, calls: list[tuple[str, int, str | None]], order: Any
) -> Iterator[tuple[str, Answer]]:
    running = []
    for key, amount, fault in calls:
        headers = {} if fault is None else {"sandbox-fault": fault}
        request = sandbox.request(
            "POST", PATH, {"amount": amount, "currency": "usd"}, idempotency_key=key, headers=headers
        )
        running.append((key, sandbox.steps(request)))
    while running:
        key, steps = running[order.randrange(len(running))]
        try:
            next(steps)
        except StopIteration as end:
            running.remove((key, steps))
            yield key, end.value
