"""allOrders: everybody's orders for merchants and service keys, by filter, newest first, in pages."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update
from sqlmodel import col

from models import Dispute, OrderStatus, Payment
from runtime.database.database import Database
from tests.client import Client
from tests.make import Shop

ALL = """
query($first: Int!, $after: String, $filter: OrderFilter) {
  allOrders(first: $first, after: $after, filter: $filter) {
    nodes { id userId status lines { name } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def found(client: Client, *, first: int = 100, after: str | None = None, **wanted: Any) -> list[UUID]:
    variables = {"first": first, "after": after, "filter": wanted or None}
    answer = await client.ask(ALL, variables, role="merchant")
    return [UUID(node["id"]) for node in answer["data"]["allOrders"]["nodes"]]


async def test_a_merchant_sees_everybodys_orders_newest_first_and_whose_they_are(
    client: Client, shop: Shop
) -> None:
    orders = [await shop.order(user=user) for user in ("ada", "eve", "bob")]

    answer = await client.ask(ALL, {"first": 10}, role="merchant")

    nodes = answer["data"]["allOrders"]["nodes"]
    assert [node["id"] for node in nodes] == [str(order) for order in reversed(orders)]
    assert [node["userId"] for node in nodes] == ["bob", "eve", "ada"]
    assert nodes[0]["lines"] == [{"name": "Mug"}, {"name": "Mug"}]


async def test_pages_follow_each_other_without_a_gap(client: Client, shop: Shop) -> None:
    orders = [await shop.order() for _ in range(5)]
    seen: list[str] = []
    after: str | None = None
    while True:
        answer = await client.ask(
            ALL, {"first": 2, "after": after, "filter": {"statuses": ["PENDING", "PAID"]}}, role="merchant"
        )
        page = answer["data"]["allOrders"]
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert seen == [str(order) for order in reversed(orders)]


async def test_each_filter_finds_what_it_should(client: Client, shop: Shop, database: Database) -> None:
    plain = await shop.order(user="ada")
    paid = await shop.order(user="eve", status=OrderStatus.PAID)
    mailed = await shop.order(user="bob")
    await shop.set_order(mailed, receipt_email="bob@shop.example", reference="A-7")
    intent_id = (await client.pay(plain))["id"]

    assert await found(client) == [mailed, paid, plain]
    assert await found(client, statuses=["PAID"]) == [paid]
    assert await found(client, statuses=["PAID", "PENDING", "PAID"]) == [mailed, paid, plain]
    assert await found(client, userId="eve") == [paid]
    assert await found(client, receiptEmail="bob@shop.example") == [mailed]
    assert await found(client, reference="A-7") == [mailed]
    assert await found(client, paymentIntentId=intent_id) == [plain]
    assert await found(client, statuses=["PAID"], userId="ada") == []
    assert await found(client, createdFrom="2999-01-01T00:00:00Z") == []
    assert await found(client, createdBefore="2999-01-01T00:00:00Z", updatedFrom="2000-01-01") == [
        mailed, paid, plain
    ]  # fmt: skip
    assert await found(client, disputed=True) == []
    [payment] = await shop.payments(plain)
    dispute = {"id": "du_1", "payment_id": payment.id, "amount": 1, "status": "lost", "reason": "general"}
    await database.rows(insert(Dispute).values(**dispute, created_at=text("now()")))
    assert await found(client, disputed=True) == [plain]
    assert await found(client, disputed=False) == [mailed, paid]


async def test_orders_that_wait_for_a_bank(client: Client, shop: Shop, database: Database) -> None:
    waiting, other, paid = await shop.order(), await shop.order(), await shop.order()
    for order in (waiting, other, paid):
        await client.pay(order)
    [payment] = await shop.payments(waiting)
    move = update(Payment).where(col(Payment.id) == payment.id).values(state="processing")
    await database.rows(move.returning(col(Payment.id)))

    assert await found(client, processing=True) == [waiting]
    assert await found(client, processing=True, statuses=["PAID"]) == []
    assert await found(client, processing=False) == [paid, other]


async def test_the_first_digits_of_an_id_find_the_order(client: Client, shop: Shop) -> None:
    first, second = await shop.order(), await shop.order()

    for prefix in (str(first)[:8], str(first)[:8].upper(), str(first)[:13], first.hex, str(first)):
        assert await found(client, idPrefix=prefix) == [first]
    assert await found(client, idPrefix=str(second)[:8], statuses=["PENDING"]) == [second]
    assert await found(client, idPrefix=str(second)[:8], statuses=["PAID"]) == []
    for other in (str(first)[:7], "zzzzzzzz", "٣" * 8, first.hex + "0", "\0", "%", "________"):
        assert await found(client, idPrefix=other) == []


@pytest.mark.parametrize("name", ["userId", "receiptEmail", "reference", "paymentIntentId", "idPrefix"])
@pytest.mark.parametrize("value", ["", " ", "\0", "\ud800", "x" * 300, "nobody"])
async def test_what_no_order_can_have_finds_none(client: Client, shop: Shop, name: str, value: str) -> None:
    await shop.order()

    wanted: dict[str, Any] = {name: value}
    assert await found(client, **wanted) == []


async def test_customers_and_strangers_may_not(client: Client, shop: Shop) -> None:
    customer = await client.ask(ALL, {"first": 1})
    stranger = await client.ask(ALL, {"first": 1}, user=None)

    assert customer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert stranger["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
