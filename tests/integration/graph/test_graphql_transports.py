"""What an operation may cost is the same by HTTP and by WebSocket, and so is how it is refused."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from graph.serving.bounds import DEEPEST, MOST_ALIASES, MOST_DIRECTIVES, MOST_REPEATED
from graph.serving.spending import SIGNED_IN
from main import build_app
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.sockets import follower, token

UNFIT, UNREAD, BAD = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"
PAGES = SIGNED_IN.entries // 100
CANCEL = 'cancelOrder(orderId: "x") { __typename }'
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "syntax": (UNREAD, {"query": "{"}),
    "tokens": (UNREAD, {"query": "{ me {" + " id" * SIGNED_IN.tokens + "} }"}),
    "depth": (UNFIT, {"query": "{ me " * (DEEPEST + 1) + "}" * (DEEPEST + 1)}),
    "aliases": (UNFIT, {"query": "{" + " ".join(f"a{n}: __typename" for n in range(MOST_ALIASES + 1)) + "}"}),
    "directives": (UNFIT, {"query": "{ __typename " + "@a " * (MOST_DIRECTIVES + 1) + "}"}),
    "repeated fields": (UNFIT, {"query": "{" + " __typename" * (MOST_REPEATED + 2) + "}"}),
    "two mutations": (UNFIT, {"query": f"mutation {{ a: {CANCEL} b: {CANCEL} }}"}),
    "a mutation in a fragment": (UNFIT, {"query": f"mutation {{ ... {{ {CANCEL} }} }}"}),
    "introspection": (UNFIT, {"query": "{ __schema { types { name } } }"}),
    "an unknown field": (UNFIT, {"query": "{ nothing }"}),
    "several operations": (BAD, {"query": "query A { __typename } query B { __typename }"}),
    "a page too large": (BAD, {"query": "{ orders(first: 1000) { nodes { id } } }"}),
    "pages too large together": (
        BAD,
        {"query": "{" + " ".join(f"a{n}: orders(first: 100) {{ nodes {{ id }} }}" for n in range(PAGES + 1)) + "}"},
    ),
    "a variable of another type": (
        BAD,
        {"query": "query($first: Int!) { orders(first: $first) { nodes { id } } }", "variables": {"first": "many"}},
    ),
}  # fmt: skip


@pytest.fixture
async def url(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings.model_copy(update={"introspection": False}))) as address:
        yield f"{address}/graphql"


async def by_http(url: str, operation: dict[str, Any]) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, json=operation, headers={"authorization": f"Bearer {token()}"})
    errors: list[dict[str, Any]] = answer.json()["errors"]
    return errors


async def by_socket(url: str, operation: dict[str, Any]) -> list[dict[str, Any]]:
    async with follower(url.replace("http://", "ws://"), token()) as ada:
        await ada.send("subscribe", id="1", payload=operation)
        payload = (await ada.receive())["payload"]
    errors: list[dict[str, Any]] = payload if isinstance(payload, list) else payload["errors"]
    return errors


@pytest.mark.parametrize("name", REFUSED)
async def test_what_exceeds_a_bound_is_refused_alike_by_http_and_by_socket(url: str, name: str) -> None:
    code, operation = REFUSED[name]

    told, told_there = await by_http(url, operation), await by_socket(url, operation)

    assert {error["extensions"]["code"] for error in told} == {code}
    assert told_there == told


PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
MALFORMED = {
    "no query": {},
    "a hash alone": {"query": None, "extensions": PERSISTED},
    "a query of another kind": {"query": 1},
    "a list of variables": {"query": "{ __typename }", "variables": [1]},
    "extensions of another kind": {"query": "{ __typename }", "extensions": True},
    "a name of another kind": {"query": "{ __typename }", "operationName": {}},
}


@pytest.mark.parametrize(
    "payload", [*MALFORMED.values(), None, [], "x"], ids=[*MALFORMED, "null", "list", "text"]
)
async def test_an_operation_of_the_wrong_kind_closes_the_socket_with_the_reason(
    url: str, payload: Any
) -> None:
    async with follower(url.replace("http://", "ws://"), token()) as ada:
        await ada.send("subscribe", id="1", payload=payload)
        with pytest.raises(ConnectionClosed) as closed:
            await ada.receive()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    assert "`" in closed.value.rcvd.reason
