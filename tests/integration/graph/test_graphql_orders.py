"""createOrder and order: the catalogue's prices, one order for one key, and nothing that makes no order."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.orders.lines import LARGEST_TOTAL
from services.orders.orders import MOST_ITEMS
from tests.client import ORDER, Client
from tests.make import Shop

CREATE = """
mutation Create($input: CreateOrderInput!) {
  createOrder(input: $input) {
    __typename
    ... on Order {
      id status total { minorUnits currency amount }
      items { productId productName quantity unitPrice { minorUnits } subtotal { minorUnits currency } }
      payments { id } refunds { id } disputes { id }
    }
    ... on UserError { message code retryable }
    ... on ProductNotAvailable { productId }
    ... on IdempotencyKeyReused { orderId }
    ... on OrderTotalMismatch { sum { minorUnits currency } }
  }
}
"""
CHANGE = "mutation($input: UpdateOrderInput!) { updateOrder(input: $input) { __typename } }"
LARGEST_PRICE = 999_999_999_999
STRANGE = ["\0", "a\0b", "\ud800", "\udfff!", "x\udc00"]


async def create(
    client: Client, *items: tuple[object, int], user: str = "ada", **others: Any
) -> dict[str, Any]:
    wanted = [{"productId": str(product), "quantity": quantity} for product, quantity in items]
    result: dict[str, Any] = (await client.data(CREATE, {"input": {"items": wanted, **others}}, user=user))[
        "createOrder"
    ]
    return result


async def orders_of(client: Client, user: str = "ada") -> list[str]:
    found = await client.data("{ orders(first: 100) { nodes { id } } }", user=user)
    return [node["id"] for node in found["orders"]["nodes"]]


async def test_an_order_is_placed_at_the_catalogues_prices(client: Client, shop: Shop) -> None:
    mug, kettle = await shop.product(unit_amount=1_999), await shop.product(name="Kettle", unit_amount=4_500)

    order = await create(client, (mug, 2), (kettle, 1))

    lines = [
        (i["productId"], i["productName"], i["quantity"], i["unitPrice"]["minorUnits"])
        for i in order["items"]
    ]
    assert order["__typename"] == "Order"
    assert order["status"] == "PENDING"
    assert order["total"] == {"minorUnits": 8_498, "currency": "USD", "amount": "84.98"}
    assert lines == [(str(mug), "Mug", 2, 1_999), (str(kettle), "Kettle", 1, 4_500)]
    assert [item["subtotal"]["minorUnits"] for item in order["items"]] == [3_998, 4_500]
    assert order["payments"] == order["refunds"] == order["disputes"] == []
    assert await client.order(order["id"]) is not None


async def test_the_same_product_twice_is_one_item(client: Client, shop: Shop) -> None:
    mug, kettle = await shop.product(), await shop.product()

    order = await create(client, (mug, 1), (kettle, 1), (str(mug).upper(), 2))

    assert [(item["productId"], item["quantity"]) for item in order["items"]] == [
        (str(mug), 3),
        (str(kettle), 1),
    ]


async def test_a_client_can_not_name_a_price(client: Client, shop: Shop) -> None:
    item = {"productId": str(await shop.product()), "quantity": 1, "unitAmount": 1}

    answer = await client.ask(CREATE, {"input": {"items": [item]}})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await orders_of(client) == []


async def test_the_same_key_gives_the_same_order_also_at_once(client: Client, shop: Shop) -> None:
    mug, key = await shop.product(), str(uuid4())

    answers = await asyncio.gather(*(create(client, (mug, 2), idempotencyKey=key) for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert await orders_of(client) == [answers[0]["id"]]


async def test_the_same_key_gives_the_same_order_after_the_price_rose_and_the_items_were_split(
    client: Client, shop: Shop
) -> None:
    mug = await shop.product()

    first = await create(client, (mug, 3), idempotencyKey="cart")
    again = await create(client, (mug, 1), (mug, 2), idempotencyKey="cart", currency="USD")

    assert again == first


async def test_the_same_key_gives_the_same_order_after_its_product_went_off_sale_and_its_total_changed(
    client: Client, shop: Shop, database: Database
) -> None:
    mug = await shop.product(unit_amount=1_000)
    first = await create(client, (mug, 2), idempotencyKey="cart", total=2_000)
    await database.rows(text("UPDATE products SET active = false, unit_amount = 5"))

    assert await create(client, (mug, 2), idempotencyKey="cart", total=2_000) == first
    assert await create(client, (mug, 2), idempotencyKey="cart", total=10) == first


async def with_other_lines(client: Client, order_id: str) -> None:
    """As the shop changes it: with shipping, in lines of its own."""
    merchant: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
    order = await client.data("query($id: ID!) { order(id: $id) { version } }", {"id": order_id}, **merchant)
    lines = [
        {"name": "Mug", "unitAmount": 1_000, "quantity": 2},
        {"kind": "SHIPPING", "name": "Parcel", "unitAmount": 500},
    ]
    changed = {
        "orderId": order_id,
        "expectedVersion": order["order"]["version"],
        "lines": lines,
        "total": 2_500,
    }
    answer = await client.data(CHANGE, {"input": changed}, **merchant)
    assert answer["updateOrder"]["__typename"] == "Order"


async def test_the_same_key_gives_the_same_order_after_the_shop_changed_its_lines(
    client: Client, shop: Shop
) -> None:
    mug, kettle = await shop.product(unit_amount=1_000), await shop.product()
    first = await create(client, (mug, 2), idempotencyKey="cart")
    await with_other_lines(client, first["id"])

    for currency in ({}, {"currency": "USD"}):
        assert (await create(client, (mug, 2), idempotencyKey="cart", **currency))["id"] == first["id"]
    for items in ([(mug, 1)], [(kettle, 2)]):
        answer = await create(client, *items, idempotencyKey="cart")
        assert (answer["__typename"], answer["orderId"]) == ("IdempotencyKeyReused", first["id"])
    other = await create(client, (mug, 2), idempotencyKey="cart", currency="EUR")
    assert (other["__typename"], other["orderId"]) == ("IdempotencyKeyReused", first["id"])


async def test_an_order_of_a_server_of_the_version_before_is_told_by_its_lines(
    client: Client, shop: Shop, database: Database
) -> None:
    mug = await shop.product(unit_amount=1_000)
    first = await create(client, (mug, 2), idempotencyKey="cart")
    await database.rows(text("UPDATE orders SET import_digest = NULL"))

    assert await create(client, (mug, 2), idempotencyKey="cart", currency="USD") == first
    assert (await create(client, (mug, 1), idempotencyKey="cart"))["__typename"] == "IdempotencyKeyReused"


async def test_a_total_that_is_not_the_orders_is_told_and_nothing_is_ordered(
    client: Client, shop: Shop
) -> None:
    mug = await shop.product(unit_amount=1_000)

    for shown in (1_999, 2_001, 0, -2_000):
        answer = await create(client, (mug, 2), idempotencyKey="cart", total=shown)
        assert (answer["__typename"], answer["code"]) == ("OrderTotalMismatch", "ORDER_TOTAL_MISMATCH")
        assert (answer["sum"], answer["retryable"]) == ({"minorUnits": 2_000, "currency": "USD"}, False)
    assert await orders_of(client) == []

    agreed = await create(client, (mug, 2), idempotencyKey="cart", total=2_000)
    assert agreed["total"]["minorUnits"] == 2_000


async def test_without_a_key_each_call_is_an_order(client: Client, shop: Shop) -> None:
    mug = await shop.product()
    await create(client, (mug, 1))
    await create(client, (mug, 1), idempotencyKey=None)

    assert len(await orders_of(client)) == 2


async def test_a_key_belongs_to_its_user(client: Client, shop: Shop) -> None:
    mug = await shop.product()
    mine = await create(client, (mug, 1), idempotencyKey="cart")
    theirs = await create(client, (mug, 9), idempotencyKey="cart", user="grace")

    assert (mine["__typename"], theirs["__typename"]) == ("Order", "Order")
    assert mine["id"] != theirs["id"]


async def test_a_key_used_for_something_else_is_refused_and_its_order_named(
    client: Client, shop: Shop
) -> None:
    mug, kettle = await shop.product(), await shop.product()
    first = await create(client, (mug, 1), idempotencyKey="cart")

    for items in ([(mug, 2)], [(kettle, 1)], [(mug, 1), (kettle, 1)]):
        answer = await create(client, *items, idempotencyKey="cart")
        assert (answer["__typename"], answer["code"]) == ("IdempotencyKeyReused", "IDEMPOTENCY_KEY_REUSED")
        assert (answer["orderId"], answer["retryable"]) == (first["id"], False)
    assert await orders_of(client) == [first["id"]]


@pytest.mark.parametrize("key", ["k", "k" * 255, "ключ", "🛒" * 255])
async def test_a_key_may_be_any_text_of_255_characters(client: Client, shop: Shop, key: str) -> None:
    mug = await shop.product()

    assert (await create(client, (mug, 1), idempotencyKey=key))["__typename"] == "Order"


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 90_000, *STRANGE])
async def test_a_key_that_can_not_be_kept_makes_no_order(client: Client, shop: Shop, key: str) -> None:
    mug = await shop.product()

    answer = await create(client, (mug, 1), idempotencyKey=key)

    assert (answer["__typename"], answer["code"]) == ("InvalidOrder", "INVALID_ORDER")
    assert await orders_of(client) == []


@pytest.mark.parametrize(
    "product", ["0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11", "", "nonsense", "x" * 90_000, *STRANGE]
)
async def test_a_product_that_is_none_is_not_available(client: Client, product: str) -> None:
    answer = await create(client, (product, 1))

    assert (answer["__typename"], answer["productId"]) == ("ProductNotAvailable", product)


async def test_an_inactive_product_is_not_available_and_nothing_else_is_ordered(
    client: Client, shop: Shop
) -> None:
    mug, gone = await shop.product(), await shop.product(active=False)

    answer = await create(client, (mug, 1), (gone, 1))

    assert (answer["__typename"], answer["productId"]) == ("ProductNotAvailable", str(gone))
    assert await orders_of(client) == []


@pytest.mark.parametrize("quantity", [0, -1, -(2**31), 100_001, 2**31 - 1])
async def test_a_quantity_is_between_1_and_100000(client: Client, shop: Shop, quantity: int) -> None:
    mug = await shop.product()

    assert (await create(client, (mug, quantity)))["code"] == "INVALID_ORDER"
    assert (await create(client, (mug, 100_000)))["__typename"] == "Order"


async def test_quantities_of_one_product_are_bounded_together(client: Client, shop: Shop) -> None:
    mug = await shop.product()

    assert (await create(client, (mug, 99_999), (mug, 1)))["__typename"] == "Order"
    assert (await create(client, (mug, 100_000), (mug, 1)))["code"] == "INVALID_ORDER"
    assert (await create(client, (mug, 5), (mug, -1)))["code"] == "INVALID_ORDER"


@pytest.mark.parametrize("quantity", [2**31, -(2**31) - 1, 1.5, "1", True, None])
async def test_a_quantity_that_is_no_int_is_bad_input(client: Client, shop: Shop, quantity: object) -> None:
    item = {"productId": str(await shop.product()), "quantity": quantity}

    answer = await client.ask(CREATE, {"input": {"items": [item]}})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_an_order_has_one_currency(client: Client, shop: Shop) -> None:
    dollars, euros = await shop.product(), await shop.product(currency="EUR")

    mixed = await create(client, (dollars, 1), (euros, 1))

    assert (mixed["__typename"], mixed["retryable"]) == ("InvalidOrder", False)
    assert "EUR, USD" in mixed["message"]


@pytest.mark.parametrize("currency", ["USD", "usd", None])
async def test_the_products_currency_may_be_named(client: Client, shop: Shop, currency: str | None) -> None:
    order = await create(client, (await shop.product(), 1), currency=currency)

    assert order["total"]["currency"] == "USD"


async def test_no_other_currency_can_be_asked_for(client: Client, shop: Shop) -> None:
    assert (await create(client, (await shop.product(), 1), currency="EUR"))["code"] == "INVALID_ORDER"


@pytest.mark.parametrize("currency", ["", "XXX", "US", "USDT", " usd", "ＵＳＤ", "u\u017fd", 840, *STRANGE])
async def test_a_currency_that_can_not_be_charged_is_bad_input(
    client: Client, shop: Shop, currency: object
) -> None:
    item = {"productId": str(await shop.product()), "quantity": 1}

    answer = await client.ask(CREATE, {"input": {"items": [item], "currency": currency}})

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_an_order_has_between_1_and_500_items(client: Client, shop: Shop) -> None:
    products = [await shop.product() for _ in range(MOST_ITEMS + 1)]

    none = await create(client)
    many = await create(client, *((product, 1) for product in products[:-1]))
    too_many = await create(client, *((product, 1) for product in products))

    assert (none["code"], too_many["code"]) == ("INVALID_ORDER", "INVALID_ORDER")
    assert [item["productId"] for item in many["items"]] == [str(product) for product in products[:-1]]


async def test_the_largest_total_that_json_can_tell_is_taken_and_no_larger_one(
    client: Client, shop: Shop
) -> None:
    products = [await shop.product(unit_amount=LARGEST_PRICE) for _ in range(2)]
    full, rest = divmod(LARGEST_TOTAL, LARGEST_PRICE)
    remainder = await shop.product(unit_amount=rest)
    one_more = await shop.product(unit_amount=1)

    largest = await create(client, (products[0], full), (remainder, 1))
    too_large = await create(client, (products[0], full), (remainder, 1), (one_more, 1))
    huge = await create(client, (products[0], 100_000), (products[1], 100_000))

    assert largest["total"]["minorUnits"] == LARGEST_TOTAL
    assert (too_large["code"], huge["code"]) == ("INVALID_ORDER", "INVALID_ORDER")


@pytest.mark.parametrize(
    "order_id", ["0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11", "", "nonsense", "0", "9" * 5_000, *STRANGE]
)
async def test_a_missing_a_malformed_and_a_foreign_order_are_all_null(
    client: Client, shop: Shop, order_id: str
) -> None:
    foreign = await client.ask(ORDER, {"id": str(await shop.order(user="grace"))})

    assert foreign == {"data": {"order": None}}
    assert await client.ask(ORDER, {"id": order_id}) == foreign


async def test_a_merchant_may_look_at_any_order(client: Client, shop: Shop) -> None:
    order_id = str(await shop.order(user="grace"))

    assert (await client.data(ORDER, {"id": order_id}, role="merchant"))["order"]["id"] == order_id


@pytest.mark.parametrize("status", OrderStatus)
async def test_an_order_tells_its_status_and_items(client: Client, shop: Shop, status: OrderStatus) -> None:
    order_id = await shop.order(items=[(1_999, 2), (1_250, 1)], status=status)

    order = await client.order(order_id)

    assert order is not None
    assert (UUID(order["id"]), order["status"]) == (order_id, status.name)
    assert order["total"] == {"minorUnits": 5_248, "currency": "USD", "amount": "52.48"}
    assert [(item["quantity"], item["subtotal"]["minorUnits"]) for item in order["items"]] == [
        (2, 3_998),
        (1, 1_250),
    ]
