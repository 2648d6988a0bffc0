"""Paygraph as a subgraph: composed by Apollo's own tool, and its entities as a gateway asks for them.

`npm ci --ignore-scripts` in federation/ installs the tool.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from graphql import build_schema

from graph.serving.spending import SIGNED_IN
from graph.subgraph import subgraph_sdl
from runtime.database.database import Database
from services.identity.principal import Principal
from services.orders.checkout_tokens import CheckoutTokenMaker
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running
from tests.make import Shop
from tests.node import run, workshop_of

FOLDER = Path(__file__).with_name("federation")
ENTITIES = """
query($these: [_Any!]!) {
  _entities(representations: $these) {
    __typename
    ... on Order { id reference status total { minorUnits } }
    ... on Product { id name }
    ... on User { id email isMerchant }
  }
}
"""


@pytest.fixture
async def subgraph(settings: Settings, database: Database) -> AsyncIterator[Client]:
    async with running(settings.model_copy(update={"federation": True, "introspection": False})) as http:
        yield Client(http, JWT_SECRET)


def named(type_name: str, entity_id: object) -> dict[str, str]:
    return {"__typename": type_name, "id": str(entity_id)}


async def entities(client: Client, these: list[Any], **caller: Any) -> list[Any]:
    found: list[Any] = (await client.data(ENTITIES, {"these": these}, **caller))["_entities"]
    return found


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    place = workshop_of(FOLDER, tmp_path)
    (place / "paygraph.graphql").write_text(subgraph_sdl())
    return place


async def test_it_composes_with_a_shop_that_has_users_and_orders_of_its_own(workshop: Path) -> None:
    code, output = await run(
        workshop, "node", "compose.mjs", "paygraph=paygraph.graphql", "shop=shop.graphql"
    )

    assert code == 0, output
    composed = build_schema(output, assume_valid=True)
    order, user = composed.type_map["Order"], composed.type_map["User"]
    assert {"status", "total", "shippingAddress", "parcels"} <= {*order.fields}  # type: ignore[attr-defined]
    assert {"isMerchant", "name", "orders"} <= {*user.fields}  # type: ignore[attr-defined]
    assert "node" not in composed.query_type.fields  # type: ignore[union-attr]


async def test_without_keys_it_would_not_compose(workshop: Path) -> None:
    """The tool judges: the same schema without a word for the gateway collides with the shop's."""
    plain = (
        (workshop / "paygraph.graphql")
        .read_text()
        .replace(' @key(fields: "id") @key(fields: "reference")', "")
    )
    (workshop / "paygraph.graphql").write_text(plain)

    code, output = await run(
        workshop, "node", "compose.mjs", "paygraph=paygraph.graphql", "shop=shop.graphql"
    )

    assert code == 1
    assert "Order" in output


async def test_a_gateway_reads_the_schema_with_its_keys(subgraph: Client) -> None:
    told = (await subgraph.data("{ _service { sdl } }", user=None))["_service"]["sdl"]

    assert told == subgraph_sdl()
    assert 'type Order implements Node @key(fields: "id") @key(fields: "reference") {' in told


async def test_the_schema_is_told_a_few_times_in_one_answer_and_not_often(subgraph: Client) -> None:
    often = "{" + " ".join(f"a{number}: _service {{ sdl }}" for number in range(20)) + "}"

    answer = await subgraph.ask(often, user=None)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_entities_come_in_the_order_in_which_they_were_named(subgraph: Client, shop: Shop) -> None:
    order_id, product_id = await shop.order(), await shop.product()
    await shop.set_order(order_id, reference="A-1001")
    by_reference = {"__typename": "Order", "reference": "A-1001", "shippingAddress": "of another subgraph"}

    found = await entities(
        subgraph,
        [named("User", "ada"), named("Order", order_id), named("Product", product_id), by_reference],
    )

    order = {
        "__typename": "Order",
        "id": str(order_id),
        "reference": "A-1001",
        "status": "PENDING",
        "total": {"minorUnits": 5_248},
    }
    user = {"__typename": "User", "id": "ada", "email": None, "isMerchant": False}
    product = {"__typename": "Product", "id": str(product_id), "name": "Mug"}
    assert found == [user, order, product, order]


async def test_what_the_caller_may_not_see_looks_like_what_is_not_there(subgraph: Client, shop: Shop) -> None:
    foreign, off_sale = await shop.order(user="eve"), await shop.product(active=False)
    await shop.set_order(foreign, reference="E-1")
    these = [
        named("Order", foreign),
        named("Order", uuid4()),
        named("Order", "nonsense"),
        {"__typename": "Order", "reference": "E-1"},
        {"__typename": "Order", "reference": "none\u0000"},
        named("User", "eve"),
        named("Product", off_sale),
        named("Product", "\0"),
    ]

    assert await entities(subgraph, these) == [None] * len(these)
    assert await entities(subgraph, these, user=None) == [None] * len(these)
    of_the_shop = await entities(subgraph, these, user="shop", role="merchant")
    assert [each and each["id"] for each in of_the_shop] == [
        str(foreign), None, None, str(foreign), None, None, None, None
    ]  # fmt: skip


async def test_a_checkout_token_sees_its_order_alone(
    subgraph: Client, database: Database, shop: Shop
) -> None:
    mine, other = await shop.order(), await shop.order()
    await shop.set_order(mine, reference="A-1")
    await shop.set_order(other, reference="A-2")
    merchant = Principal("shop", roles=frozenset({"merchant"}))
    made = await CheckoutTokenMaker(database).create(merchant, mine, 60)
    assert made is not None
    numbered = [{"__typename": "Order", "reference": reference} for reference in ("A-1", "A-2")]
    these = [named("Order", mine), named("Order", other), *numbered]

    answer = await subgraph.http.post(
        "/graphql",
        json={"query": ENTITIES, "variables": {"these": these}},
        headers={"Authorization": f"Bearer {made.token}"},
    )

    assert [each and each["id"] for each in answer.json()["data"]["_entities"]] == [
        str(mine), None, str(mine), None
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"__typename": "Money", "id": "1"},
        {"__typename": "Order"},
        {"__typename": "Order", "id": 7},
        {"__typename": "Order", "id": "9" * 300},
        {"__typename": "Product", "reference": "SKU"},
        {"id": "1"},
        {"__typename": ["Order"]},
        "Order",
        None,
        7,
    ],
)
async def test_what_names_no_entity_is_bad_input(subgraph: Client, wrong: Any) -> None:
    answer = await subgraph.ask(ENTITIES, {"these": [wrong]})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_hundred_entities_are_resolved_at_once_and_not_one_more(subgraph: Client, shop: Shop) -> None:
    order_id = await shop.order()

    assert len(await entities(subgraph, [named("Order", order_id)] * 100)) == 100
    answer = await subgraph.ask(ENTITIES, {"these": [named("Order", order_id)] * 101})
    assert "100 entities" in answer["errors"][0]["message"]


async def test_entities_cost_what_lists_cost(subgraph: Client, shop: Shop) -> None:
    """A hundred entities with a hundred fields each, lines among them, are more than one operation may ask."""
    order_id = await shop.order(items=[(100, 1)] * 100)
    query = (
        "query($these: [_Any!]!) { _entities(representations: $these) "
        "{ ... on Order { lines { name quantity unitAmount { minorUnits } } } } }"
    )
    few = await subgraph.ask(query, {"these": [named("Order", order_id)] * 5})
    assert "errors" not in few
    assert SIGNED_IN.work < 100 * 100 * 4

    many = await subgraph.ask(query, {"these": [named("Order", order_id)] * 100})

    assert {error["extensions"]["code"] for error in many["errors"]} == {"BAD_USER_INPUT"}
    assert None in many["data"]["_entities"]


async def test_without_the_setting_there_is_neither(client: Client) -> None:
    for query in ("{ _service { sdl } }", ENTITIES):
        answer = await client.ask(query, {"these": []} if "these" in query else None)
        assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
