"""Keys, the state file, and how the sandbox fares when it fills."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from sandbox.account.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox

PATH = "/v1/payment_intents"
PARAMS = {"amount": 1999, "currency": "usd"}


@pytest.mark.parametrize("field", ["secret_keys", "publishable_key"])
def test_a_live_key_is_refused_at_the_start(field: str) -> None:
    value = "rk_live_000000000000" if field == "publishable_key" else ("sk_test_0", "sk_live_0")
    with pytest.raises(ValueError, match="test keys only"):
        SandboxConfig(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sk_live_00000000000000000000", "live key"),
        ("rk_live_00000000000000000000", "live key"),
        ("sk_test_another00000000000000", "Invalid API Key provided: sk_test_********0000"),
        ("nonsense", "Invalid API Key provided: non****"),
    ],
)
def test_a_wrong_key_is_a_401(key: str, said: str) -> None:
    answer = Sandbox(SandboxConfig()).call("GET", "/v1/balance", key=key)
    assert answer.status == 401
    assert said in answer.json()["error"]["message"]
    assert key not in answer.body.decode()


def test_no_key_is_a_401() -> None:
    for header in ({"authorization": ""}, {"authorization": "Basic %%%"}, {"authorization": "Bearer "}):
        answer = Sandbox(SandboxConfig()).call("GET", "/v1/balance", headers=header)
        assert answer.status == 401
        assert answer.json()["error"]["message"].startswith("You did not provide an API key")


def test_without_chosen_keys_any_test_key_opens() -> None:
    sandbox = Sandbox(SandboxConfig(secret_keys=()))
    for key, status in (("sk_test_x", 200), ("rk_test_x", 200), ("sk_live_x", 401), ("x", 401)):
        assert sandbox.call("GET", "/v1/balance", key=key).status == status


def test_a_key_may_come_as_the_user_of_basic_authentication() -> None:
    sandbox = Sandbox(SandboxConfig(secret_keys=("sk_test_x",)))
    answer = sandbox.call("GET", "/v1/account", headers={"authorization": "Basic c2tfdGVzdF94Og=="})
    assert answer.json()["object"] == "account"


def config(path: Path) -> SandboxConfig:
    return SandboxConfig(state_file=path, webhook_url="http://shop.test/hook")


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    before = Sandbox(config(tmp_path / "deep" / "state.jsonl"))
    before.clock.advance(5000)
    first = before.call("POST", PATH, PARAMS, idempotency_key="k")
    asked = before.call("POST", PATH, PARAMS).json()
    before.pay(asked["id"], "pm_card_threeDSecure2Required")
    before.pay(first.json()["id"])
    before.close()

    after = Sandbox(config(tmp_path / "deep" / "state.jsonl"))
    assert after.call("POST", PATH, PARAMS, idempotency_key="k").body == first.body
    assert [event["id"] for event in after.state.events] == [event["id"] for event in before.state.events]
    assert after.call("GET", f"{PATH}/{first.json()['id']}").json()["status"] == "succeeded"
    assert after.authenticate(asked["id"], "approve")["status"] == "succeeded"
    assert len(after.webhooks.outbox) >= len(before.state.events)
    assert after.clock.now() >= first.json()["created"]
    after.close()


def test_what_is_still_to_happen_happens_after_a_restart(tmp_path: Path) -> None:
    before = Sandbox(config(tmp_path / "state.jsonl"))
    for token in ("pm_card_refundFail", "pm_usBankAccount_accountClosed", "pm_card_createDispute"):
        before.pay(before.call("POST", PATH, PARAMS).json()["id"], token)
    failing, bank, _ = before.state.payment_intents
    before.call("POST", "/v1/refunds", {"payment_intent": failing["id"]})
    held = before.call("POST", PATH, PARAMS | {"capture_method": "manual"}).json()["id"]
    before.pay(held)
    kept = before.call("POST", "/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}}).json()[
        "id"
    ]
    before.pay(before.call("POST", PATH, PARAMS).json()["id"], kept)
    before.close()

    after = Sandbox(config(tmp_path / "state.jsonl"))
    after.pass_time(10 * 86_400)

    assert [refund["status"] for refund in after.state.refunds] == ["failed"]
    assert after.state.payment_intents.require(bank["id"])["status"] == "requires_payment_method"
    assert after.state.payment_intents.require(held)["status"] == "canceled"
    assert [dispute["status"] for dispute in after.state.disputes] == ["lost"]
    again = after.call("POST", PATH, PARAMS | {"payment_method": kept})
    assert "may not be used again" in again.json()["error"]["message"]
    after.close()


def test_a_torn_last_line_is_dropped_and_the_file_compacted(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    sandbox = Sandbox(config(path))
    intent = sandbox.call("POST", PATH, PARAMS).json()
    for amount in range(100, 150):
        sandbox.call("POST", f"{PATH}/{intent['id']}", {"amount": amount})
    sandbox.close()
    with path.open("a") as file:
        file.write('{"kind": "payment_intent", "id": "pi_to')
    long = len(path.read_text().splitlines())
    again = Sandbox(config(path))
    assert again.call("GET", f"{PATH}/{intent['id']}").json()["amount"] == 149
    again.close()
    assert len(path.read_text().splitlines()) == 2 < long


def test_a_reset_empties_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    sandbox = Sandbox(config(path))
    sandbox.call("POST", PATH, PARAMS)
    sandbox.reset()
    kept = sandbox.call("POST", PATH, PARAMS, idempotency_key="k").json()
    sandbox.close()
    again = Sandbox(config(path))
    assert [each["id"] for each in again.state.payment_intents] == [kept["id"]]
    again.close()


def test_the_clock_goes_forward_only() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(100)
    assert clock.now() - before >= 100
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)


@contextmanager
def lines_run() -> Iterator[list[None]]:
    """One entry for each line of Python that runs, loops within expressions included."""
    lines: list[None] = []

    def watch(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line":
            lines.append(None)
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield lines
    finally:
        sys.settrace(before)


def test_the_four_thousandth_intent_takes_the_steps_of_the_first() -> None:
    sandbox = Sandbox(SandboxConfig())

    def intents(count: int) -> None:
        for number in range(count):
            sandbox.call("POST", PATH, PARAMS, idempotency_key=f"{len(sandbox.ledger)}-{number}")
            sandbox.call("GET", PATH, {"limit": 1})

    intents(100)
    with lines_run() as first:
        intents(50)
    intents(3850)
    with lines_run() as last:
        intents(50)
    assert len(last) < 1.1 * len(first)
