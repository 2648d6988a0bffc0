"""`make verify-stripe`, pointed at another sandbox in Stripe's place: it finds nothing, or what was changed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Fault, Rule
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from tests.verify_stripe.__main__ import report
from tests.verify_stripe.compare import PROBES, compare
from tests.verify_stripe.probes import CARDS

ROOT = Path(__file__).parents[2]
KEY = "sk_test_another00000000000"


@pytest.fixture
async def another() -> AsyncIterator[tuple[str, Sandbox]]:
    app = build_sandbox(SandboxConfig(secret_keys=(KEY,)))
    async with served(app) as url:
        yield url, app.state.sandbox


async def test_two_sandboxes_answer_every_probe_alike(another: tuple[str, Sandbox]) -> None:
    url, sandbox = another
    found = await compare(url, KEY)
    assert found == [], report(found)
    assert len(PROBES) > 150
    assert len(sandbox.journal.calls()) > len(PROBES)


async def test_what_another_stripe_does_otherwise_is_found(another: tuple[str, Sandbox]) -> None:
    url, sandbox = another
    changed = Fault(kind="altered", change={"status": "shining"}, without=("description",))
    sandbox.faults.add(Rule(fault=changed, method="POST", path="/v1/payment_intents", times=None))
    probes = {name: CARDS[name] for name in ("card visa", "card chargeDeclined")}

    found = await compare(url, KEY, probes)

    told = {(each.path, each.sandbox, each.stripe) for each in found if each.probe == "card visa"}
    assert told == {
        ("payment.body.status", "succeeded", "shining"),
        ("payment.body.description", None, "(no such field)"),
    }
    assert "shining" in report(found)


async def test_a_contract_that_does_not_hold_is_told(another: tuple[str, Sandbox]) -> None:
    url, sandbox = another
    sandbox.permissions.forbid("rak_refund_write")
    name = "contract: a refund is made once for a key and listed"
    (difference,) = await compare(url, KEY, {name: PROBES[name]})
    assert (difference.path, difference.sandbox) == ("holds", "yes")
    assert "rak_refund_write" in difference.stripe


@pytest.mark.parametrize("fault", [Fault(kind="429"), Fault(kind="lock_timeout")], ids=["rate", "lock"])
async def test_what_passes_is_waited_for(another: tuple[str, Sandbox], fault: Fault) -> None:
    url, sandbox = another
    sandbox.faults.add(Rule(fault=fault, method="POST", path="/v1/payment_intents", times=2))
    assert await compare(url, KEY, {"card visa": CARDS["card visa"]}) == []


async def test_an_account_that_may_do_nothing_differs_in_each_probe_and_ends_none(
    another: tuple[str, Sandbox],
) -> None:
    url, sandbox = another
    sandbox.permissions.forbid("rak_payment_intent_write")
    found = await compare(url, KEY)
    [ended] = [each for each in found if each.probe == "events of paid"]
    assert (ended.path, ended.sandbox) == ("ended by", "its last answer")
    assert "403" in ended.stripe
    assert "rak_payment_intent_write" in ended.stripe
    assert len({each.probe for each in found}) > 100


async def test_an_account_that_answers_in_other_words_differs_in_each_probe_and_ends_none(
    another: tuple[str, Sandbox],
) -> None:
    url, sandbox = another
    sandbox.faults.add(Rule(fault=Fault(kind="html"), times=None))
    found = await compare(url, KEY)
    assert {each.probe for each in found} == PROBES.keys()


async def test_the_command_says_what_is_alike_and_ends_with_0(another: tuple[str, Sandbox]) -> None:
    code, told = await verified(KEY, another[0])
    assert code == 0, told
    assert f"{len(PROBES)} of {len(PROBES)} probes answer alike; 0 fields differ" in told


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9", "http://[::1"], ids=["a key", "a port", "a url"])
async def test_a_stripe_that_cant_be_asked_is_told_in_a_sentence(
    another: tuple[str, Sandbox], url: str | None
) -> None:
    code, told = await verified("sk_test_of_nobody", url or another[0])
    assert (code, len(told.splitlines())) == (2, 1), told
    assert told.startswith("verify-stripe: ")


async def verified(key: str, base: str) -> tuple[int | None, str]:
    """How `make verify-stripe` ends, and all that it writes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.verify_stripe",
        cwd=ROOT, env={**os.environ, "STRIPE_TEST_KEY": key, "STRIPE_TEST_BASE": base},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode, told.decode()


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [
        ("", 0, "skipped, STRIPE_TEST_KEY is not set (a secret key of Stripe's test mode, sk_test_…)"),
        ("sk_live_0", 2, "STRIPE_TEST_KEY must be a key of test mode (sk_test_…); no other is ever used"),
    ],
)
async def test_without_a_test_key_it_calls_nobody(key: str, code: int, words: str) -> None:
    assert await verified(key, "http://127.0.0.1:9") == (code, f"verify-stripe: {words}\n")
