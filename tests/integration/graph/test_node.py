"""`node(id:)`: an order, a product or a user by the id alone, as far as the caller may see it."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from runtime.database.database import Database
from services.identity.principal import Principal
from services.orders.checkout_tokens import CheckoutTokenMaker
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, running
from tests.make import Shop

NODE = """
query($id: ID!) {
  node(id: $id) {
    __typename id
    ... on Order { status total { minorUnits } lines { name } }
    ... on Product { name price { minorUnits } }
    ... on User { email isMerchant }
  }
}
"""


async def node(client: Client, node_id: object, **caller: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await client.data(NODE, {"id": str(node_id)}, **caller))["node"]
    return found


async def test_an_order_is_found_by_its_owner_and_by_the_shop(client: Client, shop: Shop) -> None:
    order_id = await shop.order()

    found = await node(client, order_id)

    assert found == {
        "__typename": "Order",
        "id": str(order_id),
        "status": "PENDING",
        "total": {"minorUnits": 5_248},
        "lines": [{"name": "Mug"}, {"name": "Mug"}],
    }
    assert await node(client, order_id, user="shop", role="merchant") == found


async def test_a_foreign_order_looks_like_a_missing_one(client: Client, shop: Shop) -> None:
    order_id = await shop.order(user="eve")

    assert await node(client, order_id) is None
    assert await node(client, order_id, user=None) is None
    assert await node(client, uuid4()) is None
    for nonsense in ("", "nonsense", "\0", "\ud800", str(order_id).replace("-", "")):
        assert await node(client, nonsense) is None


async def test_a_product_needs_no_token_and_is_gone_when_it_is_off_sale(client: Client, shop: Shop) -> None:
    on_sale, off_sale = await shop.product(), await shop.product(active=False)

    found = await node(client, on_sale, user=None)

    price = {"minorUnits": 1_999}
    assert found == {"__typename": "Product", "id": str(on_sale), "name": "Mug", "price": price}
    assert await node(client, off_sale) is None


async def test_a_user_finds_themselves_and_nobody_else(client: Client) -> None:
    me = {"__typename": "User", "id": "ada", "email": None, "isMerchant": False}

    assert await node(client, "ada") == me
    assert await node(client, "eve") is None
    assert await node(client, "ada", user="shop", role="merchant") is None
    assert await node(client, "ada", user=None) is None


async def test_whose_id_is_that_of_a_foreign_order_sees_themselves(client: Client, shop: Shop) -> None:
    """Their identity provider may give any id."""
    order_id = str(await shop.order(user="eve"))

    found = await node(client, order_id, user=order_id)

    assert found == {"__typename": "User", "id": order_id, "email": None, "isMerchant": False}


async def test_a_checkout_token_finds_its_order_alone(
    http: httpx.AsyncClient, database: Database, shop: Shop
) -> None:
    mine, other = await shop.order(), await shop.order()
    merchant = Principal("shop", roles=frozenset({"merchant"}))
    made = await CheckoutTokenMaker(database).create(merchant, mine, 60)
    assert made is not None

    async def found(order_id: UUID) -> Any:
        answer = await http.post(
            "/graphql",
            json={"query": NODE, "variables": {"id": str(order_id)}},
            headers={"Authorization": f"Bearer {made.token}"},
        )
        return answer.json()["data"]["node"]

    assert (await found(mine))["id"] == str(mine)
    assert await found(other) is None


async def test_looking_is_counted_as_it_is_for_order(settings: Settings, shop: Shop) -> None:
    order_id = await shop.order()
    async with running(settings.model_copy(update={"order_reads_per_minute": 2})) as http:
        client = Client(http, JWT_SECRET)
        answers = [await client.ask(NODE, {"id": str(order_id)}) for _ in range(3)]

    assert [("errors" in answer) for answer in answers] == [False, False, True]
    assert answers[2]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
