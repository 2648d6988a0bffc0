"""What the pages of other origins may send, and that a demo answers to its own name alone."""

from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from graph.serving.site import Site
from main import build_app
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.conftest import running
from tests.sockets import follower

LIBRARIES = {
    "Apollo": "apollo-require-preflight,apollographql-client-name,apollographql-client-version,x-apollo-operation-name",
    "Sentry": "baggage,sentry-trace",
    "OpenTelemetry": "baggage,traceparent,tracestate",
    "Datadog": "x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,x-datadog-trace-id,x-datadog-tags",
    "New Relic": "newrelic,traceparent,tracestate",
    "Elastic": "elastic-apm-traceparent",
}
SHOP = "https://shop.example"


async def preflight(http: httpx.AsyncClient, origin: str, headers: str) -> int:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": headers}
    return (await http.options("/graphql", headers={**asks, "origin": origin})).status_code


async def test_the_headers_of_the_usual_libraries_pass_a_preflight(settings: Settings) -> None:
    async with running(settings.model_copy(update={"cors_origins": (SHOP,)})) as http:
        for library, headers in LIBRARIES.items():
            status = await preflight(http, SHOP, f"authorization,content-type,{headers}")
            assert status == 200, library
        assert await preflight(http, SHOP, "x-shop-version") == 400


async def test_cors_headers_adds_a_header(settings: Settings) -> None:
    own = {"cors_origins": (SHOP,), "cors_headers": ("X-Shop-Version",)}
    async with running(settings.model_copy(update=own)) as http:
        assert await preflight(http, SHOP, "x-shop-version,traceparent") == 200


PREVIEWS = {"cors_origin_patterns": ("https://*.preview.example",)}


async def test_a_pattern_lets_in_the_previews_and_nothing_like_them(settings: Settings) -> None:
    async with running(settings.model_copy(update=PREVIEWS)) as http:
        assert await preflight(http, "https://pr-17.preview.example", "content-type") == 200
        for origin in (
            "https://preview.example",
            "http://pr-17.preview.example",
            "https://pr-17.preview.example:8443",
            "https://a.b.preview.example",
            "https://pr-17.preview.example.evil.test",
            "https://evil.test/.preview.example",
            "https://evilpreview.example",
            "https://pr-17.previewxexample",
        ):
            assert await preflight(http, origin, "content-type") == 400, origin


async def test_sockets_follow_the_same_rules_as_requests(settings: Settings, database: Database) -> None:
    app = build_app(settings.model_copy(update=PREVIEWS))
    async with served(app) as url:
        address = url.replace("http", "ws") + "/graphql/"
        async with follower(address, origin=Origin("https://pr-17.preview.example")) as page:
            await page.sign_in(None)
        with pytest.raises(InvalidStatus):
            async with follower(address, origin=Origin("https://preview.example")):
                pass


@pytest.fixture
async def demo(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings, Site())) as url:
        yield url


@pytest.mark.parametrize("path", ["/", "/config.json", "/graphql", "/livez"])
async def test_the_demo_answers_to_its_own_name_alone(demo: str, path: str) -> None:
    port = httpx.URL(demo).port
    async with httpx.AsyncClient(base_url=demo) as http:
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "10.0.0.7"):
            assert (await http.get(path, headers={"host": host})).status_code != 421
        for host in (
            "evil.example",
            f"evil.example:{port}",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
        ):
            assert (await http.get(path, headers={"host": host})).status_code == 421


async def test_no_page_of_another_origin_can_send_to_the_demo(demo: str) -> None:
    async with httpx.AsyncClient(base_url=demo) as http:
        for path in ("/graphql", "/webhooks/stripe"):
            for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
                answer = await http.post(path, json={"query": "{ __typename }"}, headers={"origin": origin})
                assert answer.status_code == 403
        own = await http.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": demo})
        assert own.status_code == 200
    with pytest.raises(InvalidStatus):
        async with follower(demo.replace("http", "ws") + "/graphql", origin=Origin("https://evil.example")):
            pass
