"""Stripe's own command line triggers its own fixtures against the sandbox; the state they leave is asserted.

The CLI says "succeeded" for any 2xx, so its exit code proves little. `npm ci` in stripe_cli/ installs it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Object
from sandbox.http.app import build_sandbox
from sandbox.serve import served

FOLDER = Path(__file__).with_name("stripe_cli")
BINARY = FOLDER / "node_modules/@stripe/cli-linux-x64/bin/stripe"
KEY = "sk_test_sandbox00000000000000000000"


@pytest.fixture(scope="module")
def binary() -> Path:
    if not BINARY.exists():
        reason = (
            f"the Stripe CLI is not installed: npm ci --ignore-scripts --prefix {FOLDER} (Linux x64 only)"
        )
        if os.environ.get("PAYGRAPH_REQUIRE_NODE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return BINARY


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[tuple[str, Starlette]]:
    app = build_sandbox(SandboxConfig(secret_keys=(KEY,)))
    async with served(app) as url:
        yield url, app


async def trigger(event: str, binary: Path, running: tuple[str, Starlette], home: Path) -> Sandbox:
    """Run the fixture of an event against an empty sandbox."""
    url, app = running
    sandbox: Sandbox = app.state.sandbox
    sandbox.reset()
    process = await asyncio.create_subprocess_exec(
        binary, "trigger", event, "--api-base", url, "--api-key", KEY,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    sys.stdout.write(output.decode())
    assert process.returncode == 0, output.decode()
    assert not [call for call in sandbox.journal.calls() if call["status"] not in (200, 402)]
    return sandbox


def only_intent(sandbox: Sandbox) -> Object:
    (intent,) = sandbox.state.payment_intents
    return intent


@pytest.mark.parametrize(
    ("event", "status", "received", "events"),
    [
        ("payment_intent.created", "requires_payment_method", 0, []),
        ("payment_intent.succeeded", "succeeded", 2000, ["charge.succeeded", "payment_intent.succeeded"]),
        (
            "payment_intent.payment_failed", "requires_payment_method", 0,
            ["charge.failed", "payment_intent.payment_failed"],
        ),
        ("payment_intent.requires_action", "requires_action", 0, ["payment_intent.requires_action"]),
        ("payment_intent.canceled", "canceled", 0, ["payment_intent.canceled"]),
        (
            "payment_intent.amount_capturable_updated", "requires_capture", 0,
            ["charge.succeeded", "payment_intent.amount_capturable_updated"],
        ),
        (
            "charge.refunded", "succeeded", 100,
            ["charge.succeeded", "payment_intent.succeeded", "refund.created", "charge.refunded"],
        ),
        (
            "charge.dispute.created", "succeeded", 100,
            ["charge.succeeded", "payment_intent.succeeded", "charge.dispute.created"],
        ),
        (
            "charge.captured", "succeeded", 2000,
            [
                "charge.succeeded", "payment_intent.amount_capturable_updated", "charge.captured",
                "payment_intent.succeeded",
            ],
        ),
    ],
)  # fmt: skip
async def test_a_fixture_leaves_the_state_it_is_named_after(
    binary: Path,
    running: tuple[str, Starlette],
    tmp_path: Path,
    event: str,
    status: str,
    received: int,
    events: list[str],
) -> None:
    sandbox = await trigger(event, binary, running, tmp_path)
    intent = only_intent(sandbox)
    assert (intent["status"], intent["amount_received"]) == (status, received)
    assert [each["type"] for each in sandbox.state.events] == ["payment_intent.created", *events]
    if event == "payment_intent.payment_failed":
        assert intent["last_payment_error"]["code"] == "card_declined"
    if event == "payment_intent.canceled":
        assert intent["cancellation_reason"] == "requested_by_customer"
    if event == "payment_intent.amount_capturable_updated":
        assert intent["amount_capturable"] == 2000
    if event == "charge.refunded":
        (charge,) = sandbox.state.charges
        assert (charge["refunded"], charge["amount_refunded"]) == (True, 100)


async def test_the_cli_cannot_use_a_live_key(
    binary: Path, running: tuple[str, Starlette], tmp_path: Path
) -> None:
    url, app = running
    app.state.sandbox.reset()
    process = await asyncio.create_subprocess_exec(
        binary, "trigger", "payment_intent.created", "--api-base", url, "--api-key", "sk_live_" + "0" * 24,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    await asyncio.wait_for(process.communicate(), 60)
    assert len(app.state.sandbox.state.payment_intents) == 0
