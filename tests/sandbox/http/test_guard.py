"""Pages of the internet that a browser on this machine has open: they can't order anything from the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.app import build_sandbox
from sandbox.serve import served

CONFIG = SandboxConfig(hosts=("stripe.test", "other.test:9"))
SECRET = {"Authorization": f"Bearer {CONFIG.secret_keys[0]}"}
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
NEW = {"amount": "1000", "currency": "usd"}


class Stage:
    """The sandbox and a client of it."""

    def __init__(self, url: str, http: aiohttp.ClientSession, sandbox: Sandbox) -> None:
        self.url = url
        self.http = http
        self.sandbox = sandbox

    @property
    def port(self) -> int:
        return URL(self.url).port or 0

    async def status(self, method: str, path: str, headers: dict[str, str], **kwargs: Any) -> int:
        async with self.http.request(method, path, headers=headers, **kwargs) as answer:
            await answer.read()
            return answer.status


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    app = build_sandbox(CONFIG)
    async with served(app) as url, aiohttp.ClientSession(url) as http:
        yield Stage(url, http, app.state.sandbox)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "stripe.test"])
async def test_it_answers_its_own_names_with_its_port(stage: Stage, name: str) -> None:
    host = {"Host": f"{name}:{stage.port}"}
    assert await stage.status("GET", "/v1/balance", host | SECRET) == 200
    assert await stage.status("GET", "/_sandbox/journal", host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "127.0.0.1", "127.0.0.1:1",
        "127.0.0.2:{port}", "localhost:{port}x", "localhost:{port}:1", "user@localhost:{port}", "localhost.:{port}",
        "other.test:{port}",
    ],
)  # fmt: skip
async def test_another_host_is_misdirected_whatever_is_asked(stage: Stage, host: str) -> None:
    headers = {"Host": host.format(port=stage.port)}
    for method, path in (
        ("GET", "/v1/balance"), ("POST", "/_sandbox/reset"), ("GET", "/_sandbox/journal"), ("GET", "/v3/stripe.js"),
        ("GET", "/_sandbox/authenticate/pi_1"), ("OPTIONS", "/v1/payment_intents"), ("GET", "/"),
    ):  # fmt: skip
        assert await stage.status(method, path, headers | SECRET) == 421, (method, path)
    assert list(stage.sandbox.journal) == []


async def test_a_name_can_be_allowed_for_one_port(stage: Stage) -> None:
    assert await stage.status("GET", "/v1/balance", {"Host": "other.test:9", **SECRET}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_no_page_of_another_site_can_use_the_control_api(stage: Stage, headers: dict[str, str]) -> None:
    made = stage.sandbox.call("POST", "/v1/payment_intents", NEW).json()["id"]
    for path in (
        "reset",
        "faults",
        "keys",
        f"payment_intents/{made}/pay",
        f"payment_intents/{made}/authenticate",
    ):
        assert await stage.status("POST", f"/_sandbox/{path}", headers, json={}) == 403
    assert await stage.status("DELETE", "/_sandbox/faults", headers) == 403
    assert stage.sandbox.state.payment_intents.require(made)["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain;charset=UTF-8"],
)
async def test_a_form_is_no_order_even_where_a_browser_names_no_origin(stage: Stage, kind: str) -> None:
    rule = b'{"fault": {"kind": "500"}, "times": null}'
    assert await stage.status("POST", "/_sandbox/faults", {"Content-Type": kind}, data=rule) == 415
    assert stage.sandbox.faults.rules == []


async def test_no_page_can_use_a_secret_key_that_everyone_knows(stage: Stage) -> None:
    for sent in (
        {"headers": EVIL | SECRET, "data": NEW},
        {"headers": EVIL, "data": NEW | {"key": CONFIG.secret_keys[0]}},
    ):
        assert await stage.status("POST", "/v1/payment_intents", **sent) == 401
    assert len(stage.sandbox.state.payment_intents) == 0
    assert await stage.status("GET", "/v1/payment_intents", EVIL | SECRET) == 401


async def test_the_banks_page_may_post_its_own_form(stage: Stage) -> None:
    made = stage.sandbox.call("POST", "/v1/payment_intents", NEW).json()
    stage.sandbox.pay(made["id"], "pm_card_threeDSecure2Required")
    form = {"client_secret": made["client_secret"], "outcome": "approve"}
    own = {"Origin": f"http://127.0.0.1:{stage.port}", "Sec-Fetch-Site": "same-origin"}
    path = f"/_sandbox/payment_intents/{made['id']}/authenticate"
    assert await stage.status("POST", path, EVIL, data=form) == 403
    assert await stage.status("POST", path, own, data=form) == 200
    assert stage.sandbox.state.payment_intents.require(made["id"])["status"] == "succeeded"


async def test_a_shops_page_still_pays_with_the_publishable_key(stage: Stage) -> None:
    made = stage.sandbox.call("POST", "/v1/payment_intents", NEW).json()
    shop = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"}
    form = {
        "key": CONFIG.publishable_key,
        "client_secret": made["client_secret"],
        "payment_method": "pm_card_visa",
    }
    form["return_url"] = "http://127.0.0.1:8000/"
    assert await stage.status("POST", f"/v1/payment_intents/{made['id']}/confirm", shop, data=form) == 200
