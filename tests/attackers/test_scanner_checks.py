"""The thirteen checks of the usual scanners (graphql-cop's list, which InQL and GraphQL Armor share), against a
server as it is in production. What such a scanner would report is asked for in its own terms."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
CANCEL = 'mutation { cancelOrder(orderId: "1") { __typename } }'
CIRCULAR = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    body: Any

    @property
    def data(self) -> Any:
        return (self.body.get("data") or {}) if isinstance(self.body, dict) else {}

    @property
    def errors(self) -> list[dict[str, Any]]:
        return self.body.get("errors", []) if isinstance(self.body, dict) else []

    @property
    def code(self) -> str:
        return str(self.errors[0]["extensions"]["code"]) if self.errors else ""


@dataclass(frozen=True)
class Check:
    """What a scanner sends, when it calls the server vulnerable, and what it is told instead."""

    vulnerable: Callable[[Answer], bool]
    instead: tuple[int, str]  # status and code
    query: str | None = None
    method: str = "POST"
    path: str = "/graphql"
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: JSON)

    def request(self) -> dict[str, Any]:
        if self.method == "GET":
            return {"params": {"query": self.query} if self.query else {}, "headers": self.headers}
        content = self.content if self.content is not None else json.dumps({"query": self.query}).encode()
        return {"content": content, "headers": self.headers}


def is_data(answer: Answer) -> bool:
    return bool(answer.data)


def has_a_page(answer: Answer) -> bool:
    return any(word in answer.text.lower() for word in ("graphiql", "playground", "<html", "apollo sandbox"))


def form(**values: str) -> bytes:
    return str(httpx.QueryParams(values)).encode()


CHECKS = {
    "alias overloading": Check(
        is_data, (200, "GRAPHQL_VALIDATION_FAILED"),
        "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }",
    ),
    "array-based query batching": Check(
        lambda answer: isinstance(answer.body, list), (400, "BAD_REQUEST"),
        content=json.dumps([{"query": "query cop { __typename }"}] * 10).encode(),
    ),
    "directive overloading": Check(
        lambda answer: len(answer.errors) == 10, (200, "GRAPHQL_VALIDATION_FAILED"),
        "query cop { __typename " + "@aa" * 10 + " }",
    ),
    "circular introspection": Check(
        lambda answer: "types" in answer.data.get("__schema", {}), (200, "GRAPHQL_VALIDATION_FAILED"), CIRCULAR,
    ),
    "field duplication": Check(
        is_data, (200, "GRAPHQL_VALIDATION_FAILED"), "query cop { " + "__typename \n" * 500 + "} ",
    ),
    "field suggestions": Check(
        lambda answer: "did you mean" in answer.text.lower(), (200, "GRAPHQL_VALIDATION_FAILED"),
        "query cop { prodcts { nodes { idd } } }",
    ),
    "GraphiQL": Check(
        has_a_page, (406, "NOT_ACCEPTABLE"), method="GET", headers={"accept": "text/html"},
    ),
    "mutations by GET": Check(
        is_data, (405, "METHOD_NOT_ALLOWED"), CANCEL, method="GET", headers={},
    ),
    "queries by GET as a form of another site sends them": Check(
        lambda answer: "ada" in answer.text, (200, "UNAUTHENTICATED"), "query cop { me { id } }",
        method="GET", headers={"cookie": "session=ada; authorization=ada"},
    ),
    "operations in a form": Check(
        is_data, (415, "UNSUPPORTED_MEDIA_TYPE"), content=form(query="query cop { __typename }"), headers=FORM,
    ),
    "introspection": Check(
        lambda answer: bool(answer.data.get("__schema", {}).get("types")), (200, "GRAPHQL_VALIDATION_FAILED"),
        get_introspection_query(),
    ),
    "trace mode": Check(
        lambda answer: "tracing" in answer.text or "extensions" in (answer.body or {}),
        (200, "GRAPHQL_VALIDATION_FAILED"), "query cop { __typenam }",
    ),
    "unhandled errors": Check(
        lambda answer: "exception" in answer.text or "Traceback" in answer.text or "stack" in answer.text,
        (400, "BAD_REQUEST"), content=b'qwerty cop { abc }',
    ),
}  # fmt: skip
BEYOND = {
    "an explorer page": Check(
        has_a_page, (404, ""), method="GET", path="/explorer/", headers={"accept": "text/html"},
    ),
    "depth": Check(
        is_data, (200, "GRAPHQL_VALIDATION_FAILED"), "{ " + "me { " * 50 + "id" + " }" * 51,
    ),
    "cyclic fragments": Check(
        is_data, (200, "GRAPHQL_VALIDATION_FAILED"),
        "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }",
    ),
    "tokens": Check(
        is_data, (200, "GRAPHQL_PARSE_FAILED"), "{ me { " + "id " * 5_000 + "} }",
    ),
    "characters": Check(
        is_data, (413, "CONTENT_TOO_LARGE"), "{ me { id } } #" + "x" * 200_000,
    ),
    "batching by aliases of one mutation": Check(
        is_data, (200, "GRAPHQL_VALIDATION_FAILED"),
        "mutation { " + " ".join(f'a{n}: cancelOrder(orderId: "{n}") {{ __typename }}' for n in range(5)) + " }",
    ),
    "plain text": Check(
        is_data, (415, "UNSUPPORTED_MEDIA_TYPE"), "{ __typename }", headers={"content-type": "text/plain"},
    ),
    "multipart": Check(
        is_data, (415, "UNSUPPORTED_MEDIA_TYPE"), "{ __typename }",
        headers={"content-type": "multipart/form-data; boundary=x"},
    ),
    "names of types": Check(
        lambda answer: "User" in answer.text, (200, "GRAPHQL_VALIDATION_FAILED"), "{ me }",
    ),
}  # fmt: skip


@pytest.fixture
async def production(settings: Settings) -> AsyncIterator[Client]:
    """A server with the settings that `serve` has of itself."""
    async with running(settings.model_copy(update={"introspection": False})) as http:
        yield Client(http, JWT_SECRET)


async def asked(production: Client, check: Check) -> Answer:
    signed_in = {} if "cookie" in check.headers else {"authorization": f"Bearer {production.token('ada')}"}
    request = check.request()
    request["headers"] = {**signed_in, **request["headers"]}
    answer = await production.http.request(check.method, check.path, **request)
    is_json = "json" in answer.headers.get("content-type", "")
    return Answer(answer.status_code, answer.text, answer.json() if is_json else None)


@pytest.mark.parametrize("name", [*CHECKS, *BEYOND])
async def test_a_scanner_has_nothing_to_report(production: Client, name: str) -> None:
    check = {**CHECKS, **BEYOND}[name]

    answer = await asked(production, check)

    assert not check.vulnerable(answer), answer.text[:500]
    assert (answer.status, answer.code) == check.instead


async def test_no_answer_sets_a_cookie_so_that_no_other_site_can_send_one(production: Client) -> None:
    for check in CHECKS.values():
        answer = await production.http.request(check.method, check.path, **check.request())
        assert "set-cookie" not in answer.headers
