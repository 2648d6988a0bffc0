"""A token in a cookie (JWT_COOKIE): taken from the shop's own pages, and from no other page that a browser shows."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from runtime.database.database import Database
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running

ORIGIN = "https://shop.example"
ME = json.dumps({"query": "{ me { id } }"})
JSON = {"content-type": "application/json"}


@pytest_asyncio.fixture(loop_scope="session")
async def cookies(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    given = {"jwt_cookie": "__Host-session", "cors_origins": (ORIGIN,)}
    async with running(settings.model_copy(update=given)) as http:
        yield http


def cookie(user: str = "ada") -> dict[str, str]:
    return {"cookie": f"theme=dark; __Host-session={Client(httpx.AsyncClient(), JWT_SECRET).token(user)}"}


async def caller(http: httpx.AsyncClient, headers: dict[str, str]) -> str | None:
    answer = (await http.post("/graphql", content=ME, headers={**JSON, **headers})).json()
    return answer["data"]["me"]["id"] if answer["data"]["me"] else None


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"origin": ORIGIN},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": "http://shop.test"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "https://behind-a-proxy.example"},
        {"sec-fetch-site": "none"},
    ],
    ids=str,
)
async def test_a_token_is_taken_from_the_cookie_of_the_shops_own_pages(
    cookies: httpx.AsyncClient, page: dict[str, str]
) -> None:
    assert await caller(cookies, {**cookie(), **page}) == "ada"


@pytest.mark.parametrize(
    "page",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": "https://shop.test"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "SAME-ORIGIN"},
    ],
    ids=str,
)
async def test_a_cookie_that_another_page_sends_makes_nobody_of_the_caller(
    cookies: httpx.AsyncClient, page: dict[str, str]
) -> None:
    assert await caller(cookies, {**cookie(), **page}) is None
    query = {"query": "{ me { id } }"}
    read = await cookies.get("/graphql", params=query, headers={**cookie(), **page})
    assert read.json()["data"]["me"] is None


async def test_a_form_of_another_page_is_refused_whatever_it_sends(cookies: httpx.AsyncClient) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        answer = await cookies.post("/graphql", content=ME, headers={**cookie(), "content-type": kind})
        assert answer.status_code == 415


async def test_the_header_goes_before_the_cookie(cookies: httpx.AsyncClient) -> None:
    bob = Client(cookies, JWT_SECRET).token("bob")
    assert await caller(cookies, {**cookie(), "authorization": f"Bearer {bob}"}) == "bob"
    assert await caller(cookies, {**cookie(), "authorization": "Bearer nonsense"}) is None


async def test_no_cookie_is_read_unless_a_setting_names_it(http: httpx.AsyncClient) -> None:
    assert await caller(http, cookie()) is None


async def test_a_page_of_the_shop_may_send_cookies_and_another_may_not(cookies: httpx.AsyncClient) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    ours = await cookies.options("/graphql", headers={**asked, "origin": ORIGIN})
    assert ours.headers["access-control-allow-credentials"] == "true"
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    theirs = await cookies.options("/graphql", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in theirs.headers


async def test_of_two_cookies_of_the_name_none_counts(cookies: httpx.AsyncClient) -> None:
    """A page of another host of the domain can set one beside it: who then pays would pay in its name."""
    ours, theirs = cookie()["cookie"], cookie("mallory")["cookie"]
    assert await caller(cookies, {"cookie": f"{ours}; {theirs}"}) is None
    assert await caller(cookies, {"cookie": f"{theirs}; {ours}"}) is None
    assert await caller(cookies, {"cookie": f"{ours}; {ours}"}) == "ada"
    assert await caller(cookies, {"cookie": f"{ours}; x__Host-session=1"}) == "ada"
