"""Every order of the control API, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.serve import served

CONFIG = SandboxConfig(webhook_url="http://127.0.0.1:9/hook", retry_delays=())
SECRET = {"Authorization": f"Bearer {CONFIG.secret_keys[0]}"}
Json = dict[str, Any]


class Stage:
    """The sandbox and a client of it."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Sandbox) -> None:
        self.http = http
        self.sandbox = sandbox

    async def order(self, path: str, **body: Any) -> Json:
        async with self.http.post(f"/_sandbox/{path}", json=body) as answer:
            found: Json = await answer.json()
            assert answer.status == 200, found
            return found

    async def refused(self, path: str, **body: Any) -> str:
        async with self.http.post(f"/_sandbox/{path}", json=body) as answer:
            assert answer.status == 400
            return str((await answer.json())["error"])

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Json]:
        async with self.http.request(method, f"/v1/{path}", headers=SECRET, **kwargs) as answer:
            return answer.status, await answer.json()

    def intent(self, *, paid: bool = False) -> str:
        made = self.sandbox.call("POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}).json()
        if paid:
            self.sandbox.pay(made["id"])
        return str(made["id"])


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Stage]:
    app = build_sandbox(CONFIG)
    async with served(app) as url, aiohttp.ClientSession(url) as http:
        yield Stage(http, app.state.sandbox)


@pytest.fixture
async def stage(running: Stage) -> Stage:
    running.sandbox.reset()
    return running


async def test_an_object_is_made_sick_disguised_and_cured(stage: Stage) -> None:
    intent = stage.intent()
    await stage.order(f"objects/{intent}/sick", fault={"kind": "lock_timeout"}, times=1, method="GET")
    assert (await stage.call("GET", f"payment_intents/{intent}"))[0] == 429
    await stage.order(f"objects/{intent}/disguise", change={"status": "odd"}, without=["client_secret"])
    status, shown = await stage.call("GET", f"payment_intents/{intent}")
    assert (status, shown["status"], "client_secret" in shown) == (200, "odd", False)
    await stage.order(f"objects/{intent}/cure")
    assert (await stage.call("GET", f"payment_intents/{intent}"))[1]["status"] == "requires_payment_method"
    assert "unknown fault" in await stage.refused(f"objects/{intent}/sick", fault={"kind": "flu"})


async def test_permissions_are_given_and_taken(stage: Stage) -> None:
    key = "rk_test_0123456789abcdef"
    await stage.order("keys", key=key, permissions=["rak_event_read"], forbid=["rak_refund_write"])
    assert stage.sandbox.call("GET", "/v1/events", key=key).status == 200
    assert stage.sandbox.call("GET", "/v1/refunds", key=key).status == 403
    assert stage.sandbox.call("POST", "/v1/refunds", {"payment_intent": "pi_1"}).status == 403
    assert (await stage.order("keys", allow=["rak_refund_write"]))["forbidden"] == []
    assert "permission" in await stage.refused("keys", forbid=["everything"])


async def test_settings_refunds_and_disputes_of_the_dashboard(stage: Stage) -> None:
    await stage.order("dashboard/settings", capture_method="manual", minimums={"usd": 600})
    assert stage.sandbox.pay(stage.intent())["status"] == "requires_capture"
    assert "unknown setting" in await stage.refused("dashboard/settings", colour="blue")
    await stage.order("dashboard/settings", capture_method="automatic")

    paid = stage.intent(paid=True)
    await stage.order(f"payment_intents/{paid}/refunds", status="requires_action")
    refund = await stage.order("dashboard/refund", payment_intent=paid, amount=250, metadata={"by": "hand"})
    assert (refund["status"], refund["metadata"]) == ("requires_action", {"by": "hand"})
    moved = await stage.order(f"refunds/{refund['id']}/move", status="failed", failure_reason="declined")
    assert (moved["status"], moved["failure_reason"]) == ("failed", "declined")

    due = stage.sandbox.clock.now() + 60
    dispute = await stage.order("dashboard/dispute", payment_intent=paid, amount=400, due_by=due)
    assert (dispute["amount"], dispute["evidence_details"]["due_by"]) == (400, due)
    assert (await stage.order(f"disputes/{dispute['id']}/move", status="under_review"))[
        "status"
    ] == "under_review"
    assert "unknown status" in await stage.refused(f"disputes/{dispute['id']}/move", status="tired")


async def test_strangers_move_in_and_their_events_are_delivered(stage: Stage) -> None:
    made = await stage.order("strangers", events_a_month=1_000_000, metadata={"order_id": "{uuid}"})
    assert made["events"] > 999_000
    sent = await stage.order("strangers/deliver", count=3, types=["charge.*"])
    assert len(sent["events"]) == 3
    async with stage.http.get("/_sandbox/strangers") as answer:
        assert await answer.json() == {"written": []}


async def test_endpoints_are_added_pinged_and_change_their_style(stage: Stage) -> None:
    second = await stage.order(
        "webhooks/endpoints",
        url="http://127.0.0.1:9/two",
        secret="whsec_two",
        style="thin",
        types=["refund.*"],
    )
    assert second["enabled_events"] == ["refund.*"]
    assert (await stage.order("webhooks/ping", endpoint=second["id"]))["type"].endswith(".ping")
    await stage.order("webhooks", style="thin", secret="whsec_new")
    assert (stage.sandbox.webhooks.style, stage.sandbox.webhooks.secret) == ("thin", "whsec_new")
    assert "unknown style" in await stage.refused("webhooks", style="fat")
    await stage.order("webhooks", style="snapshot", secret=CONFIG.webhook_secret)


async def test_time_is_ordered(stage: Stage) -> None:
    made = stage.intent()
    stage.sandbox.call("POST", f"/v1/payment_intents/{made}", {"metadata": {"a": "b"}})
    stood = (await stage.order("clock", freeze=True))["now"]
    assert (await stage.order("clock", advance=3600))["now"] == stood + 3600
    await stage.order("clock", thaw=True)
    assert "forward" in await stage.refused("clock", freeze=5)


async def test_latency_jitter_and_rate_are_ordered(stage: Stage) -> None:
    told = await stage.order("faults", latency=0.2, jitter=0.1, rate_limit=25)
    assert (told["latency"], told["jitter"], told["rate_limit"]) == (0.2, 0.1, 25)


async def test_a_huge_body_goes_on_until_it_is_refused(stage: Stage) -> None:
    await stage.order("faults", fault={"kind": "huge", "size": 3_000_000})
    async with stage.http.get("/v1/balance", headers=SECRET) as answer:
        assert "Content-Length" not in answer.headers
        body = await answer.read()
    assert len(body) == 3_000_000
    assert body.startswith(b'{"padding":"xxx')

    await stage.order("faults", fault={"kind": "huge"})
    async with stage.http.get("/v1/balance", headers=SECRET) as answer:
        await answer.content.readexactly(5_000_000)
        answer.close()  # a client that had enough
    assert (await stage.call("GET", "balance"))[0] == 200


async def test_who_follows_a_redirect_is_seen(stage: Stage) -> None:
    await stage.order("faults", fault={"kind": "redirect"})
    async with stage.http.get("/v1/balance", headers=SECRET) as answer:
        assert answer.status == 404
    assert [call["path"] for call in stage.sandbox.journal.calls()] == ["/v1/balance", "/v1/redirected"]
