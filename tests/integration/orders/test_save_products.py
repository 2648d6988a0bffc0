"""saveProducts: the catalogue by the shop's own ids, repeatable, without a trace in placed orders."""

import asyncio
from typing import Any

import pytest

from tests.client import Client
from tests.make import Shop

SAVE = """
mutation($input: [ProductInput!]!) {
  saveProducts(input: $input) {
    __typename
    ... on SavedProducts { products { id reference name description price { minorUnits currency } } }
    ... on InvalidProduct { code message reference }
  }
}
"""
CATALOGUE = "{ products(first: 100) { nodes { id reference name price { minorUnits } } } }"
PLACE = """
mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id total { minorUnits } } } }
"""


def product(**others: Any) -> dict[str, Any]:
    return {"reference": "SKU-1", "name": "Lamp", "unitAmount": 4_500, "currency": "EUR", **others}


async def save(client: Client, *products: dict[str, Any], role: str | None = "merchant") -> dict[str, Any]:
    answer = await client.ask(SAVE, {"input": list(products)}, role=role)
    saved: dict[str, Any] = answer["data"]["saveProducts"]
    return saved


async def test_products_are_added_and_brought_up_to_date_by_their_references(
    client: Client, shop: Shop
) -> None:
    first = await save(client, product(reference="B"), product(reference="A", description="It shines."))
    again = await save(
        client, product(reference="A", name="Lamp 2", unitAmount=5_000), product(reference="C")
    )

    assert [each["reference"] for each in first["products"]] == ["B", "A"]
    assert [each["reference"] for each in again["products"]] == ["A", "C"]
    assert again["products"][0]["id"] == first["products"][1]["id"]
    listed = (await client.data(CATALOGUE))["products"]["nodes"]
    assert {each["reference"]: (each["name"], each["price"]["minorUnits"]) for each in listed} == {
        "B": ("Lamp", 4_500), "A": ("Lamp 2", 5_000), "C": ("Lamp", 4_500)
    }  # fmt: skip


async def test_one_that_is_not_for_sale_is_not_in_the_catalogue(client: Client, shop: Shop) -> None:
    await save(client, product())
    await save(client, product(active=False))

    assert (await client.data(CATALOGUE))["products"]["nodes"] == []


async def test_a_placed_order_keeps_its_price(client: Client, shop: Shop) -> None:
    [lamp] = (await save(client, product()))["products"]
    items = {"items": [{"productId": lamp["id"], "quantity": 2}]}
    placed = (await client.data(PLACE, {"input": items}))["createOrder"]

    await save(client, product(unitAmount=1))

    order = await client.data(
        "query($id: ID!) { order(id: $id) { total { minorUnits } } }", {"id": placed["id"]}
    )
    assert order["order"]["total"]["minorUnits"] == 9_000


async def test_the_same_product_saved_at_once_is_one(client: Client, shop: Shop) -> None:
    answers = await asyncio.gather(*(save(client, product(), product(reference="Z")) for _ in range(8)))

    assert len({answer["products"][0]["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (product(reference=""), "a reference"),
        (product(name=""), "a name"),
        (product(name="\0"), "a name"),
        (product(description="\0"), "a description"),
        (product(description="\ud800"), "a description"),
        (product(description="x" * 5_001), "a description"),
        (product(unitAmount=-1), "an amount"),
        (product(unitAmount=10**12), "an amount"),
    ],
)
async def test_one_wrong_product_saves_none(
    client: Client, shop: Shop, wrong: dict[str, Any], told: str
) -> None:
    answer = await save(client, product(reference="good"), wrong)

    assert answer["__typename"] == "InvalidProduct"
    assert told in answer["message"]
    assert (await client.data(CATALOGUE))["products"]["nodes"] == []


async def test_none_too_many_and_one_twice_are_refused(client: Client, shop: Shop) -> None:
    many = [product(reference=str(number)) for number in range(101)]

    for given, told in (([], "between 1 and 100"), (many, "between 1 and 100"), ([product()] * 2, "twice")):
        answer = await save(client, *given)
        assert (answer["__typename"], told in answer["message"]) == ("InvalidProduct", True)
    assert (await save(client))[
        "message"
    ] == "Nothing was saved: between 1 and 100 products are saved at once."


async def test_customers_may_not(client: Client, shop: Shop) -> None:
    answer = await client.ask(SAVE, {"input": [product()]})

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
