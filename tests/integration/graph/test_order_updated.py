"""Subscription.orderUpdated over graphql-transport-ws: the present state first, then every change."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from main import build_app
from models import OrderStatus
from runtime.database.database import Database
from sandbox.serve import served
from services.orders.lines import OrderLine
from services.payments.order_changes import OrderChanges, WantedChange
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.make import Shop
from tests.sockets import follower, token


@pytest.fixture
async def address(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings)) as url:
        yield url.replace("http://", "ws://") + "/graphql"


async def test_the_present_state_comes_first_and_then_each_change(address: str, shop: Shop) -> None:
    order_id = await shop.order()
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        assert (await ada.order())["status"] == "PENDING"

        for status in (OrderStatus.PAID, OrderStatus.PARTIALLY_REFUNDED, OrderStatus.REFUNDED):
            await shop.set_order(order_id, status=status)
            assert (await ada.order())["status"] == status.name


async def test_other_lines_are_a_change_too(
    address: str, shop: Shop, database: Database, gateway: StripeGateway
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        before = await ada.order()
        line = OrderLine(name="Lamp", unit_amount=2_500, quantity=1)
        wanted = WantedChange(
            order_id=order_id, requested_by="shop", expected_version=2, lines=[line], total=2_500
        )

        await OrderChanges(database, gateway).change(wanted)

        after = await ada.order()
        assert (before["total"]["minorUnits"], after["total"]["minorUnits"]) == (1_000, 2_500)


async def test_a_change_reaches_followers_in_other_processes(
    settings: Settings, address: str, shop: Shop
) -> None:
    order_id = await shop.order()
    async with served(build_app(settings)) as other:
        theirs = other.replace("http://", "ws://") + "/graphql"
        async with follower(address, token()) as here, follower(theirs, token()) as there:
            for each in (here, there):
                await each.follow(order_id)
                await each.order()
            await shop.set_order(order_id, status=OrderStatus.PAID)
            assert [(await each.order())["status"] for each in (here, there)] == ["PAID", "PAID"]


@pytest.mark.parametrize("order_id", ["0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11", "nonsense", ""])
async def test_a_missing_or_malformed_order_is_not_found(address: str, shop: Shop, order_id: object) -> None:
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        assert await ada.error() == "ORDER_NOT_FOUND"


async def test_a_foreign_order_looks_like_a_missing_one_except_to_a_merchant(
    address: str, shop: Shop
) -> None:
    order_id = await shop.order(user="grace")
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        assert await ada.error() == "ORDER_NOT_FOUND"
    async with follower(address, token("shopkeeper", role="merchant")) as merchant:
        await merchant.follow(order_id)
        assert (await merchant.order())["id"] == str(order_id)


@pytest.mark.parametrize("bearer", [None, "nonsense"])
async def test_without_a_valid_token_nothing_is_followed(
    address: str, shop: Shop, bearer: str | None
) -> None:
    async with follower(address) as nobody:
        await nobody.sign_in(bearer)
        await nobody.follow(await shop.order())
        assert await nobody.error() == "UNAUTHENTICATED"


async def test_it_ends_with_the_token(address: str, shop: Shop) -> None:
    order_id = await shop.order()
    async with follower(address, token(seconds=5)) as ada:
        await ada.follow(order_id)
        await ada.order()
        with pytest.raises(ConnectionClosed) as ended:
            await asyncio.wait_for(ada.socket.recv(), 20)
        assert ended.value.rcvd
        assert ended.value.rcvd.code == 4403


async def test_nothing_is_missed_while_the_database_connection_is_lost(
    address: str, shop: Shop, database: Database
) -> None:
    order_id = await shop.order()
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        await ada.order()
        ended = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN order_updated'"
        )
        await database.rows(ended)
        await shop.set_order(order_id, status=OrderStatus.PAID)
        assert (await ada.order())["status"] == "PAID"


async def test_one_socket_follows_20_orders_and_one_user_no_more_on_others(address: str, shop: Shop) -> None:
    order_ids = [await shop.order() for _ in range(21)]
    async with follower(address, token()) as first, follower(address, token()) as second:
        for number, order_id in enumerate(order_ids[:20]):
            await first.follow(order_id, name=str(number))
            await first.order()
        await first.follow(order_ids[20], name="20")
        assert await first.error() == "TOO_MANY_OPERATIONS"
        await second.follow(order_ids[20])
        assert await second.error() == "RATE_LIMITED"


async def test_unsubscribing_frees_the_place(address: str, shop: Shop) -> None:
    order_id = await shop.order()
    async with follower(address, token()) as ada:
        for number in range(50):
            await ada.follow(order_id, name=str(number))
            await ada.order()
            await ada.send("complete", id=str(number))


async def test_queries_and_mutations_come_over_the_socket_under_the_same_rules(
    address: str, shop: Shop
) -> None:
    order_id = await shop.order()
    once = "cancelOrder(orderId: $id) { __typename }"
    twice = f"mutation($id: ID!) {{ a: {once} b: {once} }}"
    async with follower(address, token()) as ada:
        await ada.send("subscribe", id="1", payload={"query": "{ me { id } }"})
        assert (await ada.receive())["payload"] == {"data": {"me": {"id": "ada"}}}
        await ada.receive()
        await ada.send("subscribe", id="2", payload={"query": twice, "variables": {"id": str(order_id)}})
        assert await ada.error() == "GRAPHQL_VALIDATION_FAILED"
    assert await shop.status(order_id) is OrderStatus.PENDING


WHOLE = "items { productName quantity unitPrice { amount } }"


async def test_long_lists_come_whole_by_query_and_with_each_event(address: str, shop: Shop) -> None:
    order_id = await shop.order(items=[(100, 1)] * 100)
    async with follower(address, token()) as ada:
        query = f'{{ a: order(id: "{order_id}") {{ {WHOLE} }} b: order(id: "{order_id}") {{ {WHOLE} }} }}'
        await ada.send("subscribe", id="1", payload={"query": query})
        found = (await ada.receive())["payload"]["data"]
        assert [len(found[name]["items"]) for name in ("a", "b")] == [100, 100]
        assert found["a"]["items"][0].keys() == {"productName", "quantity", "unitPrice"}
        await ada.receive()
        following = f'subscription {{ orderUpdated(orderId: "{order_id}") {{ status {WHOLE} }} }}'
        await ada.send("subscribe", id="2", payload={"query": following})
        assert len((await ada.order())["items"]) == 100
        await shop.set_order(order_id, status=OrderStatus.PAID)
        after = await ada.order()
        assert (after["status"], len(after["items"])) == ("PAID", 100)


@pytest.mark.parametrize("sent", ["nonsense", "[1]", "null", '"x"', "{}", '{"type": 1}', "[" * 50_000])
async def test_a_malformed_message_closes_the_socket_and_nothing_else(
    address: str, shop: Shop, sent: str
) -> None:
    async with follower(address) as nobody:
        await nobody.socket.send(sent)
        with pytest.raises(ConnectionClosed):
            await nobody.receive()
    async with follower(address, token()) as ada:
        await ada.follow(await shop.order())
        await ada.order()


async def test_a_page_of_another_origin_cannot_open_a_socket(address: str, settings: Settings) -> None:
    with pytest.raises(InvalidStatus):
        async with follower(address, origin=Origin("https://evil.example")):
            pass
    trusting = build_app(settings.model_copy(update={"cors_origins": ("https://shop.example",)}))
    async with served(trusting) as url:
        theirs = url.replace("http://", "ws://") + "/graphql"
        async with follower(theirs, token(), origin=Origin("https://shop.example")):
            pass
