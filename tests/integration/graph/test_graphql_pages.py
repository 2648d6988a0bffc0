"""Pages of products and of orders: keyset cursors that neither skip nor repeat, within bounds."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import OrderStatus
from tests.client import Client
from tests.make import Shop

PRODUCTS = """
query Products($first: Int!, $after: String) {
  products(first: $first, after: $after) {
    nodes { id name price { minorUnits currency amount } description image }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
ORDERS = """
query Orders($first: Int!, $after: String, $status: OrderStatus) {
  orders(first: $first, after: $after, status: $status) {
    nodes { id status }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
QUERIES = {"products": PRODUCTS, "orders": ORDERS}


async def page(client: Client, field: str, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.data(QUERIES[field], {"first": 20, **variables}))[field]
    return found


def ids(found: dict[str, Any]) -> list[UUID]:
    assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
    return [UUID(node["id"]) for node in found["nodes"]]


async def walk(client: Client, field: str, **variables: Any) -> list[list[UUID]]:
    """Every page's ids, the first page first."""
    pages, after = [], None
    while True:
        found = await page(client, field, after=after, **variables)
        pages.append(ids(found))
        info = found["pageInfo"]
        assert info["hasPreviousPage"] is (after is not None)
        if not info["hasNextPage"]:
            return pages
        after = info["endCursor"]


async def test_products_are_told_at_todays_price(client: Client, shop: Shop) -> None:
    product = await shop.product(name="Kettle", unit_amount=2_500, currency="KWD")

    assert (await page(client, "products"))["nodes"] == [
        {
            "id": str(product),
            "name": "Kettle",
            "price": {"minorUnits": 2_500, "currency": "KWD", "amount": "2.500"},
            "description": "",
            "image": None,
        }
    ]


@pytest.mark.parametrize(
    ("minor_units", "currency", "amount"),
    [(1_999, "USD", "19.99"), (500, "JPY", "500"), (50_000, "ISK", "500"), (0, "EUR", "0.00"), (5, "USD", "0.05"),
     (999_999_999_999, "USD", "9999999999.99")],
)  # fmt: skip
async def test_an_amount_is_told_in_minor_units_and_as_a_decimal_of_its_currency(
    client: Client, shop: Shop, minor_units: int, currency: str, amount: str
) -> None:
    await shop.product(unit_amount=minor_units, currency=currency)

    [product] = (await page(client, "products"))["nodes"]

    assert product["price"] == {"minorUnits": minor_units, "currency": currency, "amount": amount}


async def test_all_products_are_walked_through_oldest_first_without_the_inactive(
    client: Client, shop: Shop
) -> None:
    active = [await shop.product(name=f"Mug {number}") for number in range(7)]
    await shop.product(name="Gone", active=False)

    assert await walk(client, "products", first=3) == [active[:3], active[3:6], active[6:]]


BY_IDS = """query ($ids: [ID!], $after: String) {
  products(first: 2, ids: $ids, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}"""


async def by_ids(client: Client, ids: list[str] | None, after: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = (await client.data(BY_IDS, {"ids": ids, "after": after}))["products"]
    return found


async def test_products_by_their_ids_are_those_that_are_for_sale(client: Client, shop: Shop) -> None:
    products = [str(await shop.product()) for _ in range(4)]
    gone = str(await shop.product(active=False))
    wanted = [gone, products[3], products[1], products[0], products[0], str(uuid4()), "nonsense", ""]

    first = await by_ids(client, wanted)
    rest = await by_ids(client, wanted, first["pageInfo"]["endCursor"])

    assert [[each["id"] for each in found["nodes"]] for found in (first, rest)] == [
        products[:2],
        products[3:],
    ]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert (await by_ids(client, []))["nodes"] == []
    assert len((await by_ids(client, None))["nodes"]) == 2


async def test_more_ids_than_a_page_holds_are_refused(client: Client) -> None:
    answer = await client.ask(BY_IDS, {"ids": ["x"] * 101})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_full_last_page_has_no_next(client: Client, shop: Shop) -> None:
    products = [await shop.product() for _ in range(4)]

    assert await walk(client, "products", first=2) == [products[:2], products[2:]]


@pytest.mark.parametrize("field", ["products", "orders"])
async def test_an_empty_list_is_one_empty_page(client: Client, field: str) -> None:
    found = await page(client, field)

    assert found == {
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


async def test_orders_are_the_users_own_newest_first(client: Client, shop: Shop) -> None:
    orders = [await shop.order(user="ada") for _ in range(5)]
    await shop.order(user="grace")

    assert await walk(client, "orders", first=2) == [orders[:2:-1], orders[2:0:-1], orders[:1]]


async def test_orders_placed_meanwhile_neither_repeat_nor_hide_any(client: Client, shop: Shop) -> None:
    orders = [await shop.order() for _ in range(6)]

    seen, after = [], None
    for _ in range(3):
        found = await page(client, "orders", first=2, after=after)
        seen += ids(found)
        after = found["pageInfo"]["endCursor"]
        await shop.order()

    assert seen == orders[::-1]
    assert len(ids(await page(client, "orders", first=100))) == 9


async def test_orders_of_the_same_moment_are_told_apart_by_their_ids(client: Client, shop: Shop) -> None:
    orders = [await shop.order() for _ in range(5)]
    for order in orders:
        await shop.set_order(order, created_at=datetime(2026, 1, 1, tzinfo=UTC))

    found = [order for ids_of_page in await walk(client, "orders", first=2) for order in ids_of_page]

    assert found == sorted(orders, reverse=True)


async def test_orders_may_be_those_of_one_status(client: Client, shop: Shop) -> None:
    orders = {status: [await shop.order(status=status) for _ in range(3)] for status in OrderStatus}

    for status, ids_of_status in orders.items():
        assert await walk(client, "orders", first=2, status=status.name) == [
            ids_of_status[:0:-1],
            ids_of_status[:1],
        ]


@pytest.mark.parametrize("field", ["products", "orders"])
async def test_a_page_has_between_1_and_100_entries(client: Client, field: str) -> None:
    for first in (1, 100):
        assert await page(client, field, first=first)
    for first in (0, -1, 101, 2**31 - 1):
        answer = await client.ask(QUERIES[field], {"first": first})
        assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
        assert answer["errors"][0]["message"] == "`first` must be between 1 and 100"


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


SOME_ID = "0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11"  # test ids must be alike in every worker
BAD_CURSORS = [
    "", "x", "====", "é", "\0", "\ud800", "null", "A" * 50_000,
    cursor(""), cursor("|"), cursor("2026-01-01|" + SOME_ID), cursor(f"2026-01-01T00:00:00|{SOME_ID}"),
    cursor("2026-01-01T00:00:00+00:00|x"), cursor(f"0000-01-01T00:00:00+00:00|{SOME_ID}"),
    cursor(f"2026-01-01T00:00:00+00:00|{SOME_ID}|"), cursor(f"infinity|{SOME_ID}"), cursor("\0|\0"),
]  # fmt: skip


@pytest.mark.parametrize("field", ["products", "orders"])
@pytest.mark.parametrize("after", BAD_CURSORS)
async def test_a_cursor_that_is_none_is_bad_input(client: Client, field: str, after: str) -> None:
    answer = await client.ask(QUERIES[field], {"first": 1, "after": after})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
@pytest.mark.parametrize("field", ["products", "orders"])
async def test_a_forged_cursor_at_the_end_of_time_is_no_fault_of_ours(
    client: Client, field: str, moment: str
) -> None:
    answer = await client.ask(QUERIES[field], {"first": 1, "after": cursor(f"{moment}|{uuid4()}")})

    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert "INTERNAL_SERVER_ERROR" not in codes
