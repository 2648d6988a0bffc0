"""What an operation may ask for, all its aliases together: one caller can't keep the server from the others."""

from typing import Any

import pytest

from graph.serving.bounds import MOST_ENTRIES, MOST_ITEMS
from tests.client import Client
from tests.make import Shop

LARGEST_ORDER = [(100, 1)] * 500


def error(answer: dict[str, Any]) -> tuple[str, str]:
    [found] = answer["errors"]
    return found["extensions"]["code"], found["message"]


@pytest.mark.parametrize("field", ["orders", "products"])
async def test_the_pages_of_an_operation_have_200_entries_together(client: Client, field: str) -> None:
    pages = " ".join(
        f"p{number}: {field}(first: 20) {{ nodes {{ id }} }}" for number in range(MOST_ENTRIES // 20)
    )

    assert await client.data(f"{{ {pages} }}")
    refused = await client.ask(f"{{ {pages} more: {field}(first: 1) {{ nodes {{ id }} }} }}")

    assert error(refused) == (
        "BAD_USER_INPUT", "An operation lists at most 200 entries in all: ask for smaller pages.",
    )  # fmt: skip


async def test_the_orders_of_an_operation_tell_3000_items_together(client: Client, shop: Shop) -> None:
    orders = [await shop.order(items=LARGEST_ORDER) for _ in range(MOST_ITEMS // len(LARGEST_ORDER))]
    page = "orders(first: 100) { nodes { items { quantity } } }"

    assert len((await client.data(f"{{ {page} }}"))["orders"]["nodes"]) == len(orders)
    again = await client.ask(f'{{ {page} order(id: "{orders[0]}") {{ items {{ quantity }} }} }}')
    await shop.order(items=[(100, 1)])
    one_more = await client.ask(f"{{ {page} }}")

    assert {error(again)[0], error(one_more)[0]} == {"BAD_USER_INPUT"}


async def test_orders_without_their_items_are_not_counted_by_them(client: Client, shop: Shop) -> None:
    for _ in range(MOST_ITEMS // len(LARGEST_ORDER) + 1):
        await shop.order(items=LARGEST_ORDER)

    assert len((await client.data("{ orders { nodes { id total { amount } } } }"))["orders"]["nodes"]) == 7


async def test_each_operation_begins_anew(client: Client, shop: Shop) -> None:
    order_id = await shop.order(items=LARGEST_ORDER)

    for _ in range(MOST_ITEMS // len(LARGEST_ORDER) + 2):
        assert await client.order(order_id)
