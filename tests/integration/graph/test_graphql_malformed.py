"""Bodies and operations as only an attacker or a broken client sends them: 400 with a reason, and cheap."""

import json

import httpx
import pytest

from tests.client import Client

CONFIG = "{ paymentConfig { publishableKey } }"
MODERN = "application/graphql-response+json; charset=utf-8"
JSON = {"content-type": "application/json"}


def codes(answer: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


BODIES = {
    "nothing": b"",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"1",
    "a batch": json.dumps([{"query": CONFIG}, {"query": CONFIG}]).encode(),
    "an empty batch": b"[]",
    "half an object": b'{"query": "{ me',
    "text behind the object": b'{"query": "{ me { id } }"} x',
    "no query": b"{}",
    "an empty query": b'{"query": ""}',
    "a null query": b'{"query": null}',
    "a query that is no string": b'{"query": {"a": 1}}',
    "variables that are a list": json.dumps({"query": CONFIG, "variables": [1]}).encode(),
    "variables that are a string": json.dumps({"query": CONFIG, "variables": "{}"}).encode(),
    "extensions that are a string": json.dumps({"query": CONFIG, "extensions": "x"}).encode(),
    "an operation name that is a number": json.dumps({"query": CONFIG, "operationName": 1}).encode(),
    "no operation": b'{"query": "fragment F on User { id }"}',
    "a subscription": b'{"query": "subscription { orderUpdated(orderId: \\"x\\") { id } }"}',
    "90,000 nested lists": b"[" * 90_000,
    "90,000 nested lists in variables": b'{"query": "{ me { id } }", "variables": {"a": ' + b"[" * 90_000,
    "40,000 closed lists in variables": b'{"variables": {"a": ' + b"[" * 40_000 + b"]" * 40_000 + b"}}",
    "15,000 nested objects": b'{"a":' * 15_000 + b"1" + b"}" * 15_000,
    "70 nested objects": b'{"query": "{ me { id } }", "a":' + b'{"a":' * 70 + b"1" + b"}" * 71,
    "a number of 5,000 digits": b'{"query": "{ me { id } }", "variables": {"a": ' + b"9" * 5_000 + b"}}",
    "NaN": b'{"query": "{ me { id } }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ me { id } }", "variables": {"a": -Infinity}}',
    "a name twice": b'{"query": "{ me { id } }", "query": "{ me { email } }"}',
    "a name twice in variables": b'{"query": "{ me { id } }", "variables": {"a": 1, "a": 2}}',
    "bytes that are not UTF-8": b'{"query": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"query": "\xed\xa0\x80"}',
    "UTF-16": json.dumps({"query": CONFIG}).encode("utf-16"),
    "a control character": b'{"query": "{ me\x00 { id } }"}',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_malformed_body_is_400_and_says_why(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/graphql", content=body, headers=JSON)

    assert (answer.status_code, answer.headers["content-type"]) == (400, MODERN)
    assert codes(answer) == {"BAD_REQUEST"}
    assert "data" not in answer.json()


QUERIES = {
    "a syntax error": "{ me { ",
    "an unknown field": "{ nonsense }",
    "an unknown fragment": "{ ...Missing }",
    "a surrogate": "{ \ud800 }",
    "a NUL": "{ \0 }",
    "a number of 5,000 digits": "{ products(first: " + "9" * 5_000 + ") { nodes { id } } }",
    "a float of 5,000 digits": "{ products(first: " + "9" * 5_000 + "e99999) { nodes { id } } }",
    "900 nested fields": "{ me " * 300 + "}" * 300,
    "900 nested lists": "{ products(first: " + "[" * 900 + "]" * 900 + ") { nodes { id } } }",
    "a fragment on nothing": "{ me { ...F } } fragment F on Nothing { id }",
    "unused variables": "query Q($a: Int) { me { id } }",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
async def test_an_operation_that_can_not_be_executed_is_400_without_data(
    http: httpx.AsyncClient, query: str
) -> None:
    accept = {**JSON, "accept": "application/graphql-response+json"}
    answer = await http.post("/graphql", content=json.dumps({"query": query}), headers=accept)

    assert (answer.status_code, answer.headers["content-type"]) == (400, MODERN)
    assert codes(answer) in ({"GRAPHQL_PARSE_FAILED"}, {"GRAPHQL_VALIDATION_FAILED"})
    assert "data" not in answer.json()


@pytest.mark.parametrize("name", [None, ""])
async def test_of_several_operations_none_is_guessed(http: httpx.AsyncClient, name: str | None) -> None:
    document = "query A { paymentConfig { apiVersion } } query B { paymentConfig { publishableKey } }"
    answer = await http.post("/graphql", json={"query": document, "operationName": name})
    named = await http.post("/graphql", json={"query": document, "operationName": "B"})

    assert codes(answer) <= {"BAD_REQUEST", "BAD_USER_INPUT"}
    assert "publishableKey" in named.json()["data"]["paymentConfig"]


async def test_the_same_is_200_for_a_client_that_knows_plain_json_only(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        "/graphql", json={"query": "{ nonsense }"}, headers={"accept": "application/json"}
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert "data" not in answer.json()


async def test_a_number_too_large_for_any_reader_is_bad_input(http: httpx.AsyncClient) -> None:
    query = "query($n: Int!) { products(first: $n) { nodes { id } } }"
    body = json.dumps({"query": query, "variables": {"n": 1}}).replace(": 1}", ": 1e999}")

    answer = await http.post("/graphql", content=body, headers=JSON)

    assert codes(answer) == {"BAD_USER_INPUT"}


STRANGE = ["\0", "a\0b", "\ud800", "x\udfff", "\x7f", "\u202e", "\ufeff", "\U0010ffff", "x" * 90_000]
ORDER = "00000000-0000-4000-8000-000000000000"
TAKING_TEXT = [
    "query($t: ID!) { order(id: $t) { id } }",
    "query($t: String!) { products(after: $t) { nodes { id } } }",
    "mutation($t: ID!) { createPaymentIntent(orderId: $t) { __typename } }",
    "mutation($t: ID!) { cancelOrder(orderId: $t) { __typename } }",
    'mutation($t: ID!) { refundOrder(input: {orderId: $t, idempotencyKey: "k"}) { __typename } }',
    f'mutation($t: String!) {{ refundOrder(input: {{orderId: "{ORDER}", idempotencyKey: $t}}) {{ __typename }} }}',
    f'mutation($t: String!) {{ refundOrder(input: {{orderId: "{ORDER}", idempotencyKey: "k", reason: $t}}) '
    "{ __typename } }",
]


@pytest.mark.parametrize("text", STRANGE)
async def test_no_text_however_strange_is_a_fault_of_ours(client: Client, text: str) -> None:
    answers = [await client.ask(query, {"t": text}, role="merchant") for query in TAKING_TEXT]

    codes = [error["extensions"]["code"] for answer in answers for error in answer.get("errors", [])]
    assert set(codes) <= {"BAD_USER_INPUT"}
