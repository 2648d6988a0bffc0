"""schemathesis makes operations from the schema, right ones and wrong ones, and sends them as a user: each is
answered, none with a fault of ours, and every answer is what the schema promises."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from graphql import build_schema, parse

from graph.schema import sdl
from main import build_app
from sandbox.serve import served
from settings import Settings
from tests.attackers.conformance import Conformance
from tests.attackers.tools import attack
from tests.client import Client
from tests.make import Shop

SCHEMA = build_schema(sdl())
SEED = "20260101"
ROOTS = [root for root in (SCHEMA.query_type, SCHEMA.mutation_type) if root]
FIELDS = sum(len(root.fields) for root in ROOTS)
EXAMPLES = 12  # of each field
# What a client may be told: never INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE or TIMEOUT.
MISTAKES = {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT", "FORBIDDEN"}
# Ids that exist, so that generated operations reach what they are about.
CONFIG = """
hooks = {hooks}

[dictionaries.orders]
values = {orders}

[dictionaries.products]
values = {products}

[parameters]
"Query.order.id" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.createPaymentIntent.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.cancelOrder.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.updateOrder.input.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.createCheckoutToken.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.resolveReview.input.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.refundOrder.input.orderId" = {{ dictionary = "orders", probability = 0.8 }}
"Mutation.createOrder.input.items[*].productId" = {{ dictionary = "products", probability = 0.8 }}
"""


@dataclass(frozen=True)
class Exchange:
    query: str
    status: int
    answer: dict[str, Any]

    @property
    def codes(self) -> set[str]:
        return {error["extensions"]["code"] for error in self.answer.get("errors", [])}


def exchanges(har: Path) -> list[Exchange]:
    """What was sent to /graphql, as a browser's log has it."""
    entries = json.loads(har.read_text())["log"]["entries"]
    return [
        Exchange(
            json.loads(entry["request"]["postData"]["text"])["query"],
            entry["response"]["status"],
            json.loads(entry["response"]["content"]["text"]),
        )
        for entry in entries
    ]


def conforms(exchange: Exchange) -> bool:
    data = exchange.answer.get("data")
    if data is None:
        return bool(exchange.codes)  # refused as a whole, with a reason
    return Conformance(SCHEMA).holds(parse(exchange.query), data)


def config(orders: Sequence[UUID], products: Sequence[UUID]) -> str:
    hooks = json.dumps(str(Path(__file__).with_name("scalars.py")))
    return CONFIG.format(
        hooks=hooks, orders=[str(order) for order in orders], products=[str(p) for p in products]
    )


@pytest.mark.parametrize("role", [None, "merchant"])
async def test_no_generated_operation_is_a_fault_of_ours_and_each_answer_is_of_the_schema(
    role: str | None,
    settings: Settings,
    client: Client,
    shop: Shop,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    orders = [await shop.order() for _ in range(5)]
    (tmp_path / "schemathesis.toml").write_text(config(orders, [await shop.product() for _ in range(3)]))
    har = tmp_path / "attack.har"
    arguments: list[str | Path] = [
        "--header", f"Authorization: Bearer {client.token('ada', role)}", "--seed", SEED,
        "--max-examples", str(EXAMPLES), "--phases", "fuzzing", "--continue-on-failure", "--no-color",
        "--report", "har", "--report-har-path", har,
    ]  # fmt: skip
    async with served(build_app(settings)) as url:
        done = await attack("schemathesis", "run", f"{url}/graphql", *arguments, here=tmp_path)

    assert f"Operations:       {FIELDS} selected / {FIELDS} total" in done.out, done.out
    seen = exchanges(har)
    assert len(seen) >= FIELDS * EXAMPLES // 2
    assert {exchange.status for exchange in seen} == {200}
    assert {code for exchange in seen for code in exchange.codes} <= MISTAKES
    assert not [exchange for exchange in seen if not conforms(exchange)]
    assert [exchange for exchange in seen if exchange.answer.get("data") and not exchange.codes]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


ORDER = "{ order(id: 1) { id status total { minorUnits } } }"
GOOD = {"order": {"id": "1", "status": "PAID", "total": {"minorUnits": 1}}}
BAD = [
    {"order": {"id": "1", "status": "PAID"}},
    {"order": {"id": "1", "status": "PAID", "total": {"minorUnits": 1}, "secret": "x"}},
    {"order": {"id": None, "status": "PAID", "total": {"minorUnits": 1}}},
    {"order": {"id": "1", "status": "LOST", "total": {"minorUnits": 1}}},
    {"order": {"id": "1", "status": "PAID", "total": {"minorUnits": 1.5}}},
    {"order": {"id": "1", "status": "PAID", "total": {"minorUnits": True}}},
    {"order": {"id": 1, "status": "PAID", "total": {"minorUnits": 1}}},
    {"order": [GOOD["order"]]},
]


@pytest.mark.parametrize("data", BAD)
def test_an_answer_that_is_not_of_the_schema_would_be_seen(data: dict[str, Any]) -> None:
    assert conforms(Exchange(ORDER, 200, {"data": GOOD}))
    assert not conforms(Exchange(ORDER, 200, {"data": data}))


def test_a_refusal_without_a_reason_would_be_seen() -> None:
    assert not conforms(Exchange("{", 200, {"data": None}))
