"""`GET /v1/payment_intents/search`."""

import pytest

from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.answers import Answer


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(SandboxConfig())
    for number in range(3):
        metadata = {"order_id": str(number), "name": f"mugs AND pens {number}"}
        params = {"amount": 1000 + number, "currency": "usd", "metadata": metadata}
        made = sandbox.call("POST", "/v1/payment_intents", params).json()
        if number:
            sandbox.pay(made["id"])
    return sandbox


def search(sandbox: Sandbox, query: str, **params: object) -> Answer:
    return sandbox.call("GET", "/v1/payment_intents/search", {"query": query, **params})


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("metadata['order_id']:'1'", [1001]),
        ('status:"succeeded" AND metadata["order_id"]:"2"', [1002]),
        ("status:'succeeded'", [1002, 1001]),
        ("-status:'succeeded'", [1000]),
        ("amount>1000 AND amount<1002", [1001]),
        ("amount:1000 OR metadata['order_id']~'2'", [1002, 1000]),
        ("metadata['name']:'mugs AND pens 1' AND amount>1000", [1001]),
        ("metadata['name']:\"mugs and pens 1\" OR metadata['name']~' OR '", [1001]),
        ("metadata['nothing']:null AND currency:'USD'", [1002, 1001, 1000]),
    ],
)
def test_what_is_searched_is_found(sandbox: Sandbox, query: str, amounts: list[int]) -> None:
    found = search(sandbox, query).json()
    assert found["object"] == "search_result"
    assert [intent["amount"] for intent in found["data"]] == amounts


def test_pages_go_on(sandbox: Sandbox) -> None:
    first = search(sandbox, "currency:'usd'", limit=2).json()
    assert (len(first["data"]), first["has_more"]) == (2, True)
    second = search(sandbox, "currency:'usd'", limit=2, page=first["next_page"]).json()
    assert (len(second["data"]), second["has_more"], second["next_page"]) == (1, False, None)


@pytest.mark.parametrize(
    "query", ["", "colour:'blue'", "status>'a'", "a AND b OR c", "metadata:'x'", "status:"]
)
def test_a_query_that_cannot_be_read_is_refused(sandbox: Sandbox, query: str) -> None:
    assert search(sandbox, query).status == 400
