"""Errors: ours are masked and logged once, clients' are told to them alone, and no value comes back in any."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from runtime.database.database import Database
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running
from tests.make import Shop

SECRET = "sk_live_value_of_a_variable"
CREATE = "mutation Create($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }"
ITEM: dict[str, Any] = {"productId": "x", "quantity": 1}
NEEDING_A_USER = {
    "me": "{ me { id } }",
    "order": '{ order(id: "x") { id } }',
    "orders": "{ orders { nodes { id } } }",
    "createOrder": "mutation { createOrder(input: {items: []}) { __typename } }",
    "createPaymentIntent": 'mutation { createPaymentIntent(orderId: "x") { __typename } }',
    "cancelOrder": 'mutation { cancelOrder(orderId: "x") { __typename } }',
    "refundOrder": 'mutation { refundOrder(input: {orderId: "x", idempotencyKey: "k"}) { __typename } }',
}


@pytest.fixture
async def broken(settings: Settings, own_url: str) -> AsyncIterator[Client]:
    """A client of a server whose database lacks columns that every question about orders and products names."""
    with psycopg.connect(own_url) as admin:
        admin.execute("ALTER TABLE products RENAME COLUMN name TO title")
        admin.execute("ALTER TABLE order_items RENAME COLUMN unit_amount TO price")
    async with running(settings.model_copy(update={"database_url": SecretStr(own_url)})) as http:
        yield Client(http, JWT_SECRET)


def at_error(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged as an error, beside the line that each request has."""
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    return [record for record in errors if record.name != "paygraph.requests"]


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.mark.parametrize("field", NEEDING_A_USER)
async def test_without_a_token_what_needs_a_user_says_so(client: Client, field: str) -> None:
    answer = await client.ask(NEEDING_A_USER[field], user=None)

    [error] = answer["errors"]
    assert (error["extensions"], error["path"]) == ({"code": "UNAUTHENTICATED"}, [field])
    assert not any((answer["data"] or {}).values())


@pytest.mark.parametrize(
    "authorization", ["Bearer nonsense", "Bearer", "Basic YTpi", "bearer " + "x" * 20_000, "é"]
)
async def test_a_bad_token_is_no_token(client: Client, authorization: str) -> None:
    headers = [(b"authorization", authorization.encode())]
    answer = await client.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)

    assert (answer.status_code, codes(answer.json())) == (200, ["UNAUTHENTICATED"])


@pytest.mark.parametrize("query", ["{ products { nodes { id } } }", "{ paymentConfig { publishableKey } }"])
async def test_the_catalogue_and_the_publishable_key_need_no_token(client: Client, query: str) -> None:
    assert await client.data(query, user=None)


async def test_me_is_who_the_token_speaks_for(client: Client) -> None:
    query = "{ me { id email isMerchant } }"

    assert (await client.data(query, user="ada"))["me"] == {"id": "ada", "email": None, "isMerchant": False}
    assert (await client.data(query, user="boss", role="merchant"))["me"]["isMerchant"] is True


@pytest.mark.parametrize(
    "query",
    ['query Looking { order(id: "00000000-0000-4000-8000-000000000000") { id } }',
     "query Looking { orders { nodes { id } } }",
     "query Looking { products { nodes { id } } }"],
)  # fmt: skip
async def test_a_fault_of_ours_is_masked_and_logged_once_with_its_traceback(
    broken: Client, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    answer = await broken.ask(query)

    [error] = answer["errors"]
    [record] = at_error(caplog)
    told = json.dumps(answer)
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert error["message"] == "Something went wrong on our side. It has been logged."
    assert not [word for word in ("SELECT", "psycopg", "Traceback", "hunter2", "127.0.0.1") if word in told]
    event = record.msg
    assert isinstance(event, dict)
    assert (event["operation"], isinstance(event["exc_info"], Exception)) == ("Looking", True)


MISTAKES = {
    "syntax": ("{ me", None),
    "nothing selected": ("{ products { pageInfo { } } }", None),
    "field": ("{ nonsense }", None),
    "required variable": (CREATE, {}),
    "variable of another type": (CREATE, {"input": 1}),
    "page": ("{ products(first: 0) { nodes { id } } }", None),
    "null for an argument with a default": (
        "query($first: Int) { products(first: $first) { nodes { id } } }",
        {"first": None},
    ),
    "literal that its scalar refuses": (
        'mutation { createOrder(input: {items: [], currency: "XXX"}) { __typename } }',
        None,
    ),
    "number that is not whole": (
        'mutation { refundOrder(input: {orderId: "x", idempotencyKey: "k", amount: 1.5}) { __typename } }',
        None,
    ),
    "no token": (NEEDING_A_USER["orders"], None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_clients_mistake_has_a_code_and_is_no_error_in_our_log(
    client: Client, caplog: pytest.LogCaptureFixture, mistake: str
) -> None:
    query, variables = MISTAKES[mistake]

    answer = await client.ask(query, variables, user=None)

    assert set(codes(answer)) <= {
        "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "UNAUTHENTICATED",
    }  # fmt: skip
    assert not at_error(caplog)


TRICKY = (SECRET, f"x', found: ; found: value: {SECRET}", f"Value '{SECRET}' does not exist", f"\n{SECRET}\n")


def secret_variables() -> Iterator[tuple[str, dict[str, Any]]]:
    for value in (*TRICKY, [SECRET], {"a": SECRET}, {SECRET[::-1]: SECRET}):
        yield "query($v: Int!) { products(first: $v) { nodes { id } } }", {"v": value}
        yield "query($v: OrderStatus) { orders(status: $v) { nodes { id } } }", {"v": value}
        yield CREATE, {"input": value}
        yield CREATE, {"input": {"items": value}}
        yield CREATE, {"input": {"items": [{**ITEM, "quantity": value}]}}
        yield CREATE, {"input": {"items": [ITEM], "currency": value}}
        yield CREATE, {"input": {"items": [ITEM], "unknown": value}}
        yield CREATE, {"input": {"items": [{"quantity": 1, "other": value}]}}
        yield CREATE, {"input": {"items": [ITEM], "total": value}}
        yield "query($v: DateTime!) { moneyMoved(from: $v, to: $v) { currency } }", {"v": value}
    for value in ([SECRET], {"a": SECRET}):
        yield "query($v: ID!) { order(id: $v) { id } }", {"v": value}
        yield "query($v: String) { products(after: $v) { nodes { id } } }", {"v": value}
        yield CREATE, {"input": {"items": [ITEM], "idempotencyKey": value}}


@pytest.mark.parametrize(("query", "variables"), [*secret_variables()])
async def test_the_value_of_a_variable_is_never_repeated(
    client: Client, caplog: pytest.LogCaptureFixture, query: str, variables: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)

    answer = await client.ask(query, variables)

    assert set(codes(answer)) == {"BAD_USER_INPUT"}
    assert "data" not in answer
    assert all(error["message"].startswith("Variable '$") for error in answer["errors"])
    assert SECRET not in json.dumps(answer)
    assert SECRET not in caplog.text


async def test_a_bad_variable_is_told_by_its_place_and_kind(client: Client) -> None:
    items = [ITEM, {"productId": "x", "quantity": "many"}, {"quantity": 1}]

    answer = await client.ask(CREATE, {"input": {"items": items}})

    assert [error["message"] for error in answer["errors"]] == [
        "Variable '$input' has invalid value at .items[1].quantity: Int cannot represent non-integer value",
        "Variable '$input' has invalid value at .items[2]: Expected value of type 'OrderItemInput' to include "
        "required field 'productId'",
    ]


async def test_in_production_a_bad_variable_is_told_by_its_place_alone(
    settings: Settings, database: Database
) -> None:
    items = [ITEM, {"productId": "x", "quantity": "many"}, {"quantity": 1}]
    async with running(settings.model_copy(update={"introspection": False})) as http:
        answers = [
            await Client(http, JWT_SECRET).ask(CREATE, variables)
            for variables in ({"input": {"items": items}}, {})
        ]

    assert [[error["message"] for error in answer["errors"]] for answer in answers] == [
        [f"Variable '$input' has invalid value at .items{place}." for place in ("[1].quantity", "[2]")],
        ["Variable '$input' has invalid value."],
    ]
    assert {code for answer in answers for code in codes(answer)} == {"BAD_USER_INPUT"}


async def test_a_refused_variable_is_400_and_a_failed_field_is_200(client: Client, shop: Shop) -> None:
    headers = {"accept": "application/graphql-response+json"}
    refused = await client.http.post("/graphql", json={"query": CREATE}, headers=headers)
    failed = await client.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)

    assert (refused.status_code, failed.status_code) == (400, 200)
    assert failed.json()["data"] == {"me": None}
