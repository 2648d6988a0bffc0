"""What an operation may ask for, all its aliases together: one caller can't keep the server from the others."""

from typing import Any

import pytest

from graph.serving.spending import ENTRY, SIGNED_IN
from tests.client import Client
from tests.make import Shop

LARGEST_ORDER = [(100, 1)] * 500


def error(answer: dict[str, Any]) -> tuple[str, str]:
    [found] = answer["errors"]
    return found["extensions"]["code"], found["message"]


def reason(answer: dict[str, Any]) -> str | None:
    """What a client asks for smaller pages by, whatever the sentence says."""
    found: str | None = answer["errors"][0]["extensions"].get("reason")
    return found


@pytest.mark.parametrize("field", ["orders", "products"])
async def test_the_pages_of_an_operation_have_200_entries_together(client: Client, field: str) -> None:
    pages = " ".join(
        f"p{number}: {field}(first: 20) {{ nodes {{ id }} }}" for number in range(SIGNED_IN.entries // 20)
    )

    assert await client.data(f"{{ {pages} }}")
    refused = await client.ask(f"{{ {pages} more: {field}(first: 1) {{ nodes {{ id }} }} }}")

    assert error(refused) == (
        "BAD_USER_INPUT", "An operation lists at most 200 entries in all: ask for smaller pages.",
    )  # fmt: skip
    assert reason(refused) == "TOO_COSTLY"


ALL_OF_AN_ITEM = (
    "productId productName quantity "
    "unitPrice { minorUnits currency amount } subtotal { minorUnits currency amount }"
)
TOO_MUCH = (
    "BAD_USER_INPUT",
    "The operation asks for too much at once: ask for fewer fields or smaller pages.",
)


async def test_the_largest_order_is_told_whole(client: Client, shop: Shop) -> None:
    order_id = await shop.order(items=LARGEST_ORDER)

    found = await client.data(f'{{ order(id: "{order_id}") {{ items {{ {ALL_OF_AN_ITEM} }} }} }}')

    assert len(found["order"]["items"]) == len(LARGEST_ORDER)


async def test_what_an_operation_does_is_bounded_all_its_fields_together(client: Client, shop: Shop) -> None:
    ids = [await shop.order(items=LARGEST_ORDER) for _ in range(2)]
    whole = [f'o{n}: order(id: "{each}") {{ items {{ {ALL_OF_AN_ITEM} }} }}' for n, each in enumerate(ids)]
    few = [each.replace(ALL_OF_AN_ITEM, "quantity") for each in whole]

    assert await client.data("{" + few[0] + few[1] + "}")
    assert error(await client.ask("{" + whole[0] + few[1] + "}")) == TOO_MUCH


async def test_a_fragment_costs_what_stands_beside_it_in_each_place(client: Client, shop: Shop) -> None:
    order_id = await shop.order(items=LARGEST_ORDER)
    few = f'a: order(id: "{order_id}") {{ ...F }}'
    all_of_it = f'b: order(id: "{order_id}") {{ ...F items {{ {ALL_OF_AN_ITEM} }} }}'
    fragment = "fragment F on Order { items { quantity } }"

    assert await client.data(f"{{ {few} }} {fragment}")
    assert error(await client.ask(f"{{ {few} {all_of_it} }} {fragment}")) == TOO_MUCH


async def test_the_items_of_a_page_are_counted_before_they_are_read(client: Client, shop: Shop) -> None:
    for _ in range(SIGNED_IN.work // ENTRY // len(LARGEST_ORDER) + 1):
        await shop.order(items=LARGEST_ORDER)

    refused = await client.ask("{ orders { nodes { items { quantity } } } }")
    assert (error(refused), reason(refused)) == (TOO_MUCH, "TOO_COSTLY")
    assert (
        len((await client.data("{ orders(first: 3) { nodes { items { quantity } } } }"))["orders"]["nodes"])
        == 3
    )
    without = await client.data("{ orders { nodes { id total { amount } } } }")
    assert len(without["orders"]["nodes"]) == 8


async def test_a_stranger_may_read_a_page_of_the_catalogue_and_not_many(client: Client, shop: Shop) -> None:
    for _ in range(100):
        await shop.product()
    page = "products(first: 100) { nodes { id name description image price { minorUnits currency amount } } }"

    assert (await client.ask(f"{{ {page} }}", user=None))["data"]
    assert error(await client.ask(f"{{ a: {page} b: {page} }}", user=None))[0] == "BAD_USER_INPUT"
    assert (await client.ask(f"{{ a: {page} b: {page} }}"))["data"]


async def test_each_operation_begins_anew(client: Client, shop: Shop) -> None:
    order_id = await shop.order(items=LARGEST_ORDER)

    for _ in range(3):
        assert await client.order(order_id)


async def test_one_caller_can_not_have_all_of_the_servers_time(client: Client, shop: Shop) -> None:
    order_id = await shop.order(items=LARGEST_ORDER)
    whole = f'{{ order(id: "{order_id}") {{ items {{ {ALL_OF_AN_ITEM} }} }} }}'
    answer: dict[str, Any] = {}
    for _ in range(1_000):
        answer = await client.ask(whole)
        if "errors" in answer:
            break

    refused = answer["errors"][0]["extensions"]
    assert refused["code"] == "RATE_LIMITED"
    assert refused["retryAfter"] >= 1
    assert (await client.ask("{ me { id } }", user="bob"))["data"]
