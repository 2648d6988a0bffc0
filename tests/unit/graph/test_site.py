"""The pages in `web/dist`: which are served, under which policy, and what they are told."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from graph.serving.site import DIST, Site, SiteUser, no_such_page, site_routes
from sandbox.config import SandboxConfig
from sandbox.http.app import build_sandbox
from services.identity.desk_sign_in import DeskSignIn

ADA = SiteUser("ada", "Ada", "customer", "a.b.c")
SANDBOX = "http://127.0.0.1:8001"


def client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def pages(
    site: Site, *, shop: bool = True, explorer: bool = True, desk: bool = True, dist: Path = DIST
) -> httpx.AsyncClient:
    on = {"shop": shop, "explorer": explorer, "desk": desk}
    nowhere = {404: no_such_page(**on)}
    return client(Starlette(routes=site_routes(dist, site, **on), exception_handlers=nowhere))


def directives(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize("page", ["shop", "explorer", "desk", None])
async def test_only_what_is_switched_on_is_served(page: str | None) -> None:
    async with pages(
        Site(), shop=page == "shop", explorer=page == "explorer", desk=page == "desk"
    ) as browser:
        for name, path in (("shop", "/"), ("explorer", "/explorer/"), ("desk", "/desk/")):
            assert (await browser.get(path)).is_success is (page == name)
        assert (await browser.get("/config.json")).is_success is (page is not None)


@pytest.mark.parametrize("path", ["/", "/explorer/", "/desk/"])
async def test_a_page_lets_in_nothing_by_default_and_no_inline_script(path: str) -> None:
    async with pages(Site(sandbox=SANDBOX)) as browser:
        answer = await browser.get(path)
    policy = directives(answer)
    for name in ("default-src", "object-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert "*" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "strict-origin"


async def test_inline_styles_are_for_the_explorer_alone() -> None:
    async with pages(Site()) as browser:
        assert directives(await browser.get("/"))["style-src"] == "'self'"
        assert directives(await browser.get("/desk/"))["style-src"] == "'self'"
        assert directives(await browser.get("/explorer/"))["style-src"] == "'self' 'unsafe-inline'"


async def test_the_desk_speaks_with_this_server_alone() -> None:
    async with pages(Site(publishable_key="pk_test_1")) as browser:
        policy = directives(await browser.get("/desk/"))
    assert {sources for name, sources in policy.items() if name.endswith("-src")} == {"'self'", "'none'"}
    assert "frame-src" not in policy


async def test_the_desk_speaks_with_who_signs_its_people_in_too() -> None:
    sign_in = DeskSignIn("https://login.shop.example:8443/realms/shop", "desk", "openid email", "api")
    async with pages(Site(sign_in=sign_in)) as browser:
        policy = directives(await browser.get("/desk/"))
        told = (await browser.get("/config.json")).json()["signIn"]
        elsewhere = [directives(await browser.get(path)) for path in ("/", "/explorer/")]
    assert policy["connect-src"] == "'self' https://login.shop.example:8443"
    assert {
        sources for name, sources in policy.items() if name.endswith("-src") and name != "connect-src"
    } == {
        "'self'",
        "'none'",
    }
    assert told == {"issuer": sign_in.issuer, "clientId": "desk", "scope": "openid email", "audience": "api"}
    assert all("login.shop.example" not in str(each) for each in elsewhere)
    async with pages(Site()) as browser:
        assert (await browser.get("/config.json")).json()["signIn"] is None


async def test_the_sandbox_takes_the_place_of_stripe() -> None:
    async with pages(Site(sandbox=SANDBOX)) as browser:
        policy = directives(await browser.get("/"))
        told = (await browser.get("/config.json")).json()
    assert policy["script-src"] == policy["connect-src"] == f"'self' {SANDBOX}"
    assert "frame-src" not in policy
    assert told["stripeJs"] == f"{SANDBOX}/v3/stripe.js"


async def test_stripe_itself_may_do_what_its_documentation_asks_for() -> None:
    async with pages(Site(publishable_key="pk_test_1")) as browser:
        policy = directives(await browser.get("/"))
        told = (await browser.get("/config.json")).json()
    assert policy["script-src"] == "'self' https://js.stripe.com https://*.js.stripe.com"
    assert policy["connect-src"] == "'self' https://api.stripe.com"
    assert "https://hooks.stripe.com" in policy["frame-src"]
    assert (told["publishableKey"], told["sandbox"]) == ("pk_test_1", None)
    assert told["stripeJs"].startswith("https://js.stripe.com/")


async def test_tokens_are_told_if_there_are_any_and_never_kept() -> None:
    async with pages(Site(users=(ADA,))) as browser:
        answer = await browser.get("/config.json")
    assert answer.json()["users"] == [{"id": "ada", "name": "Ada", "role": "customer", "token": "a.b.c"}]
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    async with pages(Site()) as browser:
        assert (await browser.get("/config.json")).json()["users"] == []


async def test_assets_are_kept_for_ever_and_nothing_beside_them_is_served(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a-1.js").write_text("1")
    (tmp_path / "beside.txt").write_text("not for anyone")
    async with pages(Site(), dist=tmp_path) as browser:
        kept = await browser.get("/assets/a-1.js")
        assert (kept.text, kept.headers["cache-control"]) == ("1", "public, max-age=31536000, immutable")
        for path in ("/assets/../beside.txt", "/assets/%2e%2e/beside.txt", "/beside.txt", "/assets/"):
            assert (await browser.get(path)).status_code == 404


async def test_the_sandbox_serves_a_stripe_js_of_its_own() -> None:
    async with client(build_sandbox(SandboxConfig(hosts=("test",)))) as browser:
        answer = await browser.get("/v3/stripe.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "window.Stripe = function Stripe" in answer.text


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_is_led_from_nowhere_to_the_pages_that_are_switched_on() -> None:
    async with pages(Site(), explorer=False) as browser:
        lost = await browser.get("/<script>?q=<b>", headers=BROWSER)
        assert (lost.status_code, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert re.findall(r'href="(.*?)"', lost.text) == ["/", "/desk/"]
        assert "<script" not in lost.text
        assert directives(lost)["default-src"] == "'none'"
        asked = await browser.get("/nowhere", headers={"Accept": "*/*"})
        assert (asked.status_code, asked.text) == (404, "Not Found")


async def test_where_no_page_is_switched_on_a_browser_is_led_nowhere() -> None:
    async with pages(Site(), shop=False, explorer=False, desk=False) as browser:
        lost = await browser.get("/", headers=BROWSER)
        assert (lost.status_code, lost.text) == (404, "Not Found")
