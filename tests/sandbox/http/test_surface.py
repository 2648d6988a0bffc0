"""The sandbox's HTTP surface: browsers, the control API, the 3-D Secure page, and what may not be served."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.serve import served

CONFIG = SandboxConfig()
SECRET = {"Authorization": f"Bearer {CONFIG.secret_keys[0]}"}
ORIGIN = {"Origin": "https://shop.test"}
RETURN = "https://shop.test/back?order=7"
Json = dict[str, Any]


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[tuple[aiohttp.ClientSession, Sandbox]]:
    app = build_sandbox(CONFIG)
    async with served(app) as url, aiohttp.ClientSession(url) as http:
        yield http, app.state.sandbox


@pytest.fixture
async def http(running: tuple[aiohttp.ClientSession, Sandbox]) -> aiohttp.ClientSession:
    running[1].reset()
    return running[0]


async def send(http: aiohttp.ClientSession, method: str, path: str, **kwargs: Any) -> tuple[int, Json]:
    async with http.request(method, path, **kwargs) as response:
        return response.status, await response.json()


async def create(http: aiohttp.ClientSession, **params: str) -> Json:
    data = {"amount": "1999", "currency": "usd"} | params
    status, intent = await send(http, "POST", "/v1/payment_intents", data=data, headers=SECRET)
    assert status == 200, intent
    return intent


async def confirm(http: aiohttp.ClientSession, intent: Json, **params: str) -> tuple[int, Json]:
    data = {
        "client_secret": intent["client_secret"],
        "key": CONFIG.publishable_key,
        "return_url": RETURN,
    } | params
    return await send(http, "POST", f"/v1/payment_intents/{intent['id']}/confirm", data=data, headers=ORIGIN)


async def test_a_browser_confirms_as_stripe_js_does(http: aiohttp.ClientSession) -> None:
    intent = await create(http)
    card = {"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "34", "cvc": "123"}
    fields = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
    measured = {
        "payment_method_data[guid]": "NA",
        "payment_user_agent": "stripe.js",
        "expected_payment_method_type": "card",
    }
    status, paid = await confirm(http, intent, **{"payment_method_data[type]": "card"}, **fields, **measured)
    assert (status, paid["status"]) == (200, "succeeded")
    query = {"client_secret": intent["client_secret"], "key": CONFIG.publishable_key}
    async with http.get(f"/v1/payment_intents/{intent['id']}", params=query, headers=ORIGIN) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await response.json())["status"] == "succeeded"


async def test_a_preflight_is_answered_as_stripes(http: aiohttp.ClientSession) -> None:
    asked = ORIGIN | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with http.options("/v1/payment_intents/pi_1/confirm", headers=asked) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Headers"] == "authorization"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]


async def test_there_is_one_date_and_it_is_the_sandboxs(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/balance", headers=SECRET) as response:
        assert len(response.headers.getall("Date")) == 1
        assert response.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("outcome", "redirect_status", "status"),
    [("approve", "succeeded", "succeeded"), ("refuse", "failed", "requires_payment_method")],
)
async def test_the_page_for_three_d_secure_leads_back_to_the_shop(
    http: aiohttp.ClientSession, outcome: str, redirect_status: str, status: str
) -> None:
    intent = await create(http)
    _, asked = await confirm(http, intent, payment_method="pm_card_threeDSecure2Required")
    url = asked["next_action"]["redirect_to_url"]["url"]
    async with http.get(url) as page:
        text = await page.text()
        assert (page.status, page.content_type) == (200, "text/html")
    assert "19.99 USD" in text
    assert 'lang="en"' in text
    assert "<script" not in text
    form = {"outcome": outcome, "client_secret": intent["client_secret"]}
    action = f"/_sandbox/payment_intents/{intent['id']}/authenticate"
    async with http.post(action, data=form, allow_redirects=False) as back:
        assert back.status == 303
        query = parse_qs(urlsplit(back.headers["Location"]).query)
    assert query["order"] == ["7"]
    assert query["payment_intent"] == [intent["id"]]
    assert query["payment_intent_client_secret"] == [intent["client_secret"]]
    assert query["redirect_status"] == [redirect_status]
    _, after = await send(http, "GET", f"/v1/payment_intents/{intent['id']}", headers=SECRET)
    assert after["status"] == status
    async with http.get(url) as again:
        assert "Approve</button>" not in await again.text()


async def test_the_page_asks_for_the_secret(http: aiohttp.ClientSession) -> None:
    intent = await create(http)
    await confirm(http, intent, payment_method="pm_card_threeDSecure2Required")
    async with http.get(f"/_sandbox/authenticate/{intent['id']}?client_secret=wrong") as page:
        assert page.status == 404
    action = f"/_sandbox/payment_intents/{intent['id']}/authenticate"
    async with http.post(action, data={"outcome": "approve", "client_secret": "wrong"}) as page:
        assert page.status == 404


async def test_tests_in_other_processes_order_faults_and_read_the_journal(
    http: aiohttp.ClientSession,
) -> None:
    rule = {"fault": {"kind": "429"}, "method": "POST", "path": "/v1/payment_intents", "nth": 2}
    assert (await send(http, "POST", "/_sandbox/faults", json=rule))[0] == 200
    data = {"amount": "1999", "currency": "usd"}
    statuses = [
        (await send(http, "POST", "/v1/payment_intents", data=data, headers=SECRET))[0] for _ in range(3)
    ]
    assert statuses == [200, 429, 200]
    _, journal = await send(http, "GET", "/_sandbox/journal")
    assert [entry["status"] for entry in journal["entries"]] == statuses
    assert (await send(http, "DELETE", "/_sandbox/faults"))[1] == {"rules": []}
    assert (await send(http, "POST", "/_sandbox/reset"))[1] == {"reset": True}
    assert (await send(http, "GET", "/_sandbox/journal"))[1] == {"entries": []}


async def test_the_same_seed_brings_the_same_faults(http: aiohttp.ClientSession) -> None:
    rule = {"fault": {"kind": "429"}, "probability": 0.5, "times": None}

    async def run(seed: int) -> list[int]:
        await send(http, "DELETE", "/_sandbox/faults")
        await send(http, "POST", "/_sandbox/faults", json={**rule, "seed": seed})
        return [(await send(http, "GET", "/v1/balance", headers=SECRET))[0] for _ in range(30)]

    seven = await run(7)
    assert await run(8) != seven == await run(7)
    assert {*seven} == {200, 429}
    assert (await send(http, "POST", "/_sandbox/faults", json={"seed": "many"}))[0] == 400


async def test_a_header_orders_a_fault_for_one_call(http: aiohttp.ClientSession) -> None:
    headers = SECRET | {"Sandbox-Fault": "truncated"}
    with pytest.raises(aiohttp.ClientPayloadError):
        await send(http, "GET", "/v1/balance", headers=headers)
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await send(http, "POST", "/v1/customers", headers=SECRET | {"Sandbox-Fault": "reset"})
    status, told = await send(http, "GET", "/v1/balance", headers=SECRET | {"Sandbox-Fault": "flood"})
    assert (status, "unknown fault 'flood'" in told["error"]) == (400, True)


async def test_a_slow_body_begins_at_once_and_drips(http: aiohttp.ClientSession) -> None:
    headers = SECRET | {"Sandbox-Fault": "slow_body; seconds=20"}
    async with http.get("/v1/balance", headers=headers) as response:
        assert response.status == 200
        assert await response.content.read(1) == b"{"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.read(), 0.1)


async def test_the_world_outside_the_api_is_ordered_by_json(http: aiohttp.ClientSession) -> None:
    async def tell(path: str, **body: Any) -> tuple[int, Json]:
        return await send(http, "POST", f"/_sandbox/{path}", json=body)

    intent = await create(http)
    path = f"payment_intents/{intent['id']}"
    assert (await tell(f"{path}/pay", payment_method="pm_card_chargeDeclined"))[0] == 402
    assert (await tell(f"{path}/pay", payment_method="pm_usBankAccount_success"))[1]["status"] == "processing"
    assert (await tell(f"{path}/complete", outcome="maybe"))[0] == 400
    assert (await tell(f"{path}/complete", outcome="succeed"))[1]["status"] == "succeeded"
    refund = (await tell("dashboard/refund", payment_intent=intent["id"], amount=100))[1]
    assert (await tell(f"refunds/{refund['id']}/complete", outcome="fail"))[1]["status"] == "failed"
    dispute = (await tell("dashboard/dispute", payment_intent=intent["id"]))[1]
    assert (await tell(f"disputes/{dispute['id']}/close", outcome="won"))[1]["status"] == "won"
    assert (await tell("dashboard/cancel", payment_intent=intent["id"]))[0] == 400
    asked = await create(http)
    await tell(f"payment_intents/{asked['id']}/pay", payment_method="pm_card_authenticationRequired")
    approved = await tell(f"payment_intents/{asked['id']}/authenticate", outcome="approve")
    assert approved[1]["status"] == "succeeded"
    assert (await tell("dashboard/refund", payment_intent="pi_none"))[0] == 404
    assert (await tell("nothing"))[0] == 404


async def test_the_clock_and_the_webhook_endpoint_are_set(http: aiohttp.ClientSession) -> None:
    _, before = await send(http, "POST", "/_sandbox/clock", json={"advance": 0})
    _, after = await send(http, "POST", "/_sandbox/clock", json={"advance": 90})
    assert after["now"] - before["now"] >= 90
    assert (await send(http, "POST", "/_sandbox/clock", json={"advance": -1}))[0] == 400
    fault = {"fault": {"kind": "dropped", "type": "charge.*", "times": None}}
    _, webhooks = await send(http, "POST", "/_sandbox/webhooks", json=fault)
    assert webhooks["faults"][0]["kind"] == "dropped"
    assert (await send(http, "POST", "/_sandbox/webhooks", json={"fault": {"kind": "lost"}}))[0] == 400
    await send(http, "DELETE", "/_sandbox/faults")
    _, webhooks = await send(http, "POST", "/_sandbox/webhooks", json={})
    assert webhooks == {"url": None, "faults": []}


async def test_a_limit_and_a_latency_are_set(http: aiohttp.ClientSession) -> None:
    _, settings = await send(http, "POST", "/_sandbox/faults", json={"rate_limit": 2, "latency": 0.01})
    assert (settings["rate_limit"], settings["latency"]) == (2, 0.01)
    statuses = [(await send(http, "GET", "/v1/balance", headers=SECRET))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_body_of_more_than_a_megabyte_is_refused(http: aiohttp.ClientSession) -> None:
    assert (await send(http, "POST", "/v1/customers", data=b"a" * 1_000_001, headers=SECRET))[0] == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 - refused, and that is the point
async def test_it_is_served_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        async with served(build_sandbox(CONFIG), host=host):
            pass


async def test_a_port_in_use_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with served(build_sandbox(CONFIG), port=taken.getsockname()[1]):
                pass


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/v3/none"])
async def test_an_address_where_nothing_is_says_what_this_is(http: aiohttp.ClientSession, path: str) -> None:
    """`/` is the address that the demo prints."""
    status, answer = await send(http, "GET", path)
    assert status == 404
    assert answer["error"]["message"].startswith(f"Sandbox: GET {path} is not done here")


async def test_letters_are_taken_as_curl_sends_them(http: aiohttp.ClientSession) -> None:
    form = {**SECRET, "Content-Type": "application/x-www-form-urlencoded"}
    for body, name in (("name=Zoë", "Zoë"), ("name=Zo%C3%AB", "Zoë")):
        status, made = await send(http, "POST", "/v1/customers", data=body.encode(), headers=form)
        assert (status, made["name"]) == (200, name)
    status, refused = await send(http, "POST", "/v1/customers", data=b"name=Zo\xeb", headers=form)
    assert (status, refused["error"]["type"]) == (400, "invalid_request_error")
