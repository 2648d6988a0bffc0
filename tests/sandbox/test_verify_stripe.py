"""`make verify-stripe`, pointed at another sandbox in Stripe's place: it finds nothing, or what was changed."""

import os
import subprocess
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


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [("", 0, "skipped, STRIPE_TEST_KEY is not set"), ("sk_live_0", 2, "must be a key of test mode")],
)
def test_without_a_test_key_it_calls_nobody(key: str, code: int, words: str) -> None:
    environment = {**os.environ, "STRIPE_TEST_KEY": key, "STRIPE_TEST_BASE": "http://127.0.0.1:9"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.verify_stripe"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert words in ended.stdout
