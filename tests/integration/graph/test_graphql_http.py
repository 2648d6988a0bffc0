"""`/graphql` over HTTP: what is refused, how, and that a refusal can be read by every client."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope

from graph.context import Context
from graph.serving.http import LARGEST_OPERATION, GraphQLEndpoint
from settings import Settings
from tests.client import Client
from tests.conftest import running

CONFIG = "{ paymentConfig { publishableKey } }"
CREATE = 'mutation { createPaymentIntent(orderId: "x") { __typename } }'
MODERN = "application/graphql-response+json; charset=utf-8"
JSON = {"content-type": "application/json"}


def code(answer: httpx.Response) -> str:
    """The code of a refusal that Apollo can read."""
    assert answer.headers["content-type"] == MODERN
    body = answer.json()
    assert list(body) == ["errors"]
    [error] = body["errors"]
    found: str = error["extensions"]["code"]
    return found


CONTENT_TYPES = [
    "", "text/plain", "text/plain; charset=application/json", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/graphql", "application/json; charset=utf-16",
    "application/json-patch+json", "application/jsonx", "text/json",
]  # fmt: skip


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_only_json_is_read_so_no_form_of_another_site_can_send_a_mutation(
    client: Client, content_type: str
) -> None:
    headers = {"content-type": content_type, "authorization": f"Bearer {client.token('ada')}"}
    answer = await client.http.post("/graphql", content=json.dumps({"query": CREATE}), headers=headers)

    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        'APPLICATION/JSON ; charset="UTF-8"',
        "application/json; charset=utf-8; odata=verbose",
        "application/json;odata=verbose;charset=utf8",
        "application/json; charset=",
    ],
)
async def test_json_is_read_however_its_type_is_written(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await http.post(
        "/graphql", content=json.dumps({"query": CONFIG}), headers={"content-type": content_type}
    )

    assert answer.json()["data"]["paymentConfig"]


async def test_an_upload_in_a_form_is_refused(client: Client) -> None:
    form = {"operations": json.dumps({"query": CREATE}), "map": "{}"}
    answer = await client.http.post("/graphql", data=form, files={"0": b"x"})

    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
async def test_other_methods_are_405_and_the_two_are_named(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, "/graphql")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_query_may_come_by_get(http: httpx.AsyncClient) -> None:
    query = "query Q($first: Int!) { products(first: $first) { nodes { id } } }"
    parameters = {"query": query, "variables": '{"first": 1}', "operationName": "Q", "extensions": ""}
    answer = await http.get("/graphql", params=parameters)

    assert answer.json() == {"data": {"products": {"nodes": []}}}


async def test_a_mutation_may_not_come_by_get(client: Client) -> None:
    headers = {"authorization": f"Bearer {client.token('ada')}"}
    answer = await client.http.get("/graphql", params={"query": CREATE}, headers=headers)

    assert (answer.status_code, answer.headers["allow"], code(answer)) == (405, "POST", "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": ""}, {"query": CONFIG, "variables": "{"}, {"query": CONFIG, "variables": "[]"}],
)
async def test_a_malformed_get_is_400(http: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answer = await http.get("/graphql", params=parameters)

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


async def test_an_answer_that_can_not_be_given_is_406(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": CONFIG}, headers={"accept": "text/html"})

    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")


def of_size(size: int) -> bytes:
    body = json.dumps({"query": CONFIG, "variables": {"padding": ""}}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


async def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_413(http: httpx.AsyncClient) -> None:
    largest = await http.post("/graphql", content=of_size(LARGEST_OPERATION), headers=JSON)
    too_large = await http.post("/graphql", content=of_size(LARGEST_OPERATION + 1), headers=JSON)

    assert largest.json()["data"]["paymentConfig"]
    assert (too_large.status_code, code(too_large)) == (413, "CONTENT_TOO_LARGE")


async def test_a_body_without_a_length_is_counted_as_it_comes(http: httpx.AsyncClient) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 60_000_000:
            sent += 10_000
            yield b" " * 10_000

    answer = await http.post("/graphql", content=chunks(), headers=JSON)

    assert (answer.status_code, code(answer)) == (413, "CONTENT_TOO_LARGE")
    assert sent <= LARGEST_OPERATION + 10_000


async def test_a_size_that_is_no_number_is_400(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", content=b"{}", headers={**JSON, "content-length": "9e9"})

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("body", [{"query": CONFIG}, {"query": "{ me { id } }"}, {"query": "{"}, []])
async def test_every_answer_of_graphql_has_the_headers_that_browsers_heed(
    http: httpx.AsyncClient, body: object
) -> None:
    answer = await http.post("/graphql", json=body)

    assert {name: answer.headers.get(name) for name in SAFE} == SAFE


@pytest.mark.parametrize("path", ["/livez", "/webhooks/stripe", "/nowhere"])
async def test_other_answers_have_them_too(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"


PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}


async def test_the_pages_of_configured_origins_alone_may_call(settings: Settings) -> None:
    ours, other = {"origin": "https://shop.example"}, {"origin": "https://evil.example"}
    async with running(settings.model_copy(update={"cors_origins": ("https://shop.example",)})) as http:
        asked, refused = [
            await http.options("/graphql", headers={**PREFLIGHT, **origin}) for origin in (ours, other)
        ]
        read, unread = [
            await http.post("/graphql", json={"query": CONFIG}, headers=origin) for origin in (ours, other)
        ]

    assert (asked.status_code, refused.status_code) == (200, 400)
    assert read.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in read.headers
    assert "access-control-allow-origin" not in unread.headers


async def test_no_page_of_another_origin_may_call_when_none_is_configured(http: httpx.AsyncClient) -> None:
    origin = {"origin": "https://shop.example"}
    asked = await http.options("/graphql", headers={**PREFLIGHT, **origin})
    answer = await http.post("/graphql", json={"query": CONFIG}, headers=origin)

    assert asked.status_code == 405
    assert "access-control-allow-origin" not in {*asked.headers, *answer.headers}


async def asked(endpoint: GraphQLEndpoint, *messages: Message) -> tuple[int, dict[str, Any]]:
    """The status and body that an endpoint answers with; it waits for ever once the messages are used up."""
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/graphql", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    left, sent = list(messages), []

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await endpoint(scope, receive, send)
    return (sent[0]["status"], json.loads(sent[1]["body"])) if sent else (0, {})


async def make_no_context(_: object) -> Context:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_operation_that_takes_too_long_is_503(caplog: pytest.LogCaptureFixture) -> None:
    whole = {"type": "http.request", "body": json.dumps({"query": CONFIG}).encode()}

    status, body = await asked(GraphQLEndpoint(make_no_context, longest=0.01), whole)

    assert (status, body["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")


async def test_a_body_that_comes_too_slowly_is_503() -> None:
    part = {"type": "http.request", "body": b"{", "more_body": True}

    status, body = await asked(GraphQLEndpoint(make_no_context, longest=0.01), part)

    assert (status, body["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")


async def test_nobody_is_answered_who_hung_up() -> None:
    part, gone = {"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}

    async def make_context(_: object) -> Any:
        return None

    assert await asked(GraphQLEndpoint(make_context), part, gone) == (0, {})


async def test_a_fault_before_any_resolver_is_masked() -> None:
    async def fail(_: object) -> Context:
        raise RuntimeError("the password is hunter2")

    status, body = await asked(GraphQLEndpoint(fail), {"type": "http.request", "body": b"{}"})

    assert (status, body["errors"][0]["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "hunter2" not in json.dumps(body)


async def test_a_compressed_body_is_refused_by_what_it_is(http: httpx.AsyncClient) -> None:
    packed = gzip.compress(json.dumps({"query": CONFIG}).encode())
    answer = await http.post("/graphql", content=packed, headers=JSON | {"content-encoding": "gzip"})

    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "Content-Encoding" in answer.json()["errors"][0]["message"]
    assert answer.headers["accept-encoding"] == "identity"

    plain = json.dumps({"query": CONFIG})
    answer = await http.post("/graphql", content=plain, headers=JSON | {"content-encoding": "identity"})
    assert answer.json()["data"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/json"),
        (" , ", "application/json"),
        ("application/json;q=0.5, application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json;q=0, */*", "application/json"),
        ("application/json;q=much", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, */*", "application/graphql-response+json"),
        ("*/*, application/json;q=0", "application/graphql-response+json"),
        ("application/*;q=0, application/json", "application/json"),
        ("application/json;q=nan", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/graphql-response+json, application/json, */*", "application/graphql-response+json"),
    ],
)
async def test_the_answer_is_what_the_client_prefers(
    http: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    answer = await http.post("/graphql", json={"query": CONFIG}, headers={"accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)


@pytest.mark.parametrize(
    "accept",
    ["application/json;q=0", "*/*;q=0", "application/*;q=0, */*", "text/html", "*/*, application/*;q=0"],
)
async def test_an_answer_that_the_client_refuses_is_406(http: httpx.AsyncClient, accept: str) -> None:
    answer = await http.post("/graphql", json={"query": CONFIG}, headers={"accept": accept})
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")


async def test_what_is_accepted_may_stand_in_two_headers(http: httpx.AsyncClient) -> None:
    accept = [("accept", "text/html"), ("accept", "application/graphql-response+json")]
    answer = await http.post("/graphql", json={"query": CONFIG}, headers=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/graphql-response+json")


async def test_of_two_parameters_of_one_name_none_is_guessed(http: httpx.AsyncClient) -> None:
    """As of two members of a JSON object: a filter in front may have judged the other one."""
    answer = await http.get("/graphql", params=[("query", CONFIG), ("query", "{ me { id } }")])
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


async def test_a_body_may_begin_with_a_byte_order_mark(http: httpx.AsyncClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"query": CONFIG}).encode()
    assert (await http.post("/graphql", content=body, headers=JSON)).json()["data"]


async def test_what_is_left_open_by_get_may_be_null_or_empty(http: httpx.AsyncClient) -> None:
    open_ended = {"query": CONFIG, "variables": "null", "extensions": " null ", "operationName": ""}
    assert (await http.get("/graphql", params=open_ended)).json()["data"]


@pytest.mark.parametrize("path", ["/graphql", "/webhooks/stripe", "/livez", "/readyz", "/metrics"])
async def test_a_slash_at_the_end_changes_nothing_and_nobody_is_redirected(
    http: httpx.AsyncClient, path: str
) -> None:
    evil = {"host": "evil.example"}
    plain, slashed = [
        await http.post(each, json={"query": CONFIG}, headers=evil) for each in (path, path + "/")
    ]
    assert (slashed.status_code, slashed.headers.get("location")) == (plain.status_code, None)
    if path == "/graphql":
        assert slashed.json() == plain.json()
    asked = await http.get("/assets", headers=evil)
    assert (asked.status_code, asked.headers.get("location")) == (404, None)
