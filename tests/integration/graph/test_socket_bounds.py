"""Sockets end with their token, few are open without one, and what a client gets wrong is told as that."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from graph.context import ContextMaker
from graph.serving.open_sockets import OpenSockets, TooManySockets
from graph.serving.socket import GraphQLSocket, PromptSchema
from graph.serving.work_limits import WorkLimits
from main import build_app
from models import OrderStatus
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.conftest import running
from tests.edges import listening
from tests.make import Shop
from tests.sockets import Follower, follower, token

CANCEL = "mutation($id: ID!) { cancelOrder(orderId: $id) { __typename } }"


@pytest.fixture
async def address(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings)) as url:
        yield url.replace("http://", "ws://") + "/graphql"


async def closing_code(socket: Follower) -> int:
    """Whatever comes before it."""
    await asyncio.wait_for(socket.socket.wait_closed(), 10)
    assert socket.socket.close_code is not None
    return socket.socket.close_code


async def test_a_socket_ends_with_its_token_also_when_nothing_happens_on_it(address: str) -> None:
    async with follower(address, token(seconds=1)) as ada:
        assert await closing_code(ada) == 4403


async def test_an_operation_with_a_token_that_ended_is_not_done(
    settings: Settings, database: Database, shop: Shop
) -> None:
    """Where the timer that closes the socket has not fired: each operation asks."""
    order_id = await shop.order()
    maker = maker_of(settings)
    context = await maker(HTTPConnection({"type": "websocket", "headers": [], "path": "/graphql"}))
    await maker.sign_in(context, token(seconds=1))
    assert context.principal
    late = replace(context, principal=replace(context.principal, expires_at=time.time() - 1))
    ended = asyncio.Event()

    async def end() -> None:
        ended.set()

    schema = PromptSchema(10.0, end)
    results = await schema.stream(CANCEL, context_value=late, variable_values={"id": str(order_id)})
    answer = asyncio.ensure_future(anext(results))
    await asyncio.wait_for(ended.wait(), 10)
    answer.cancel()
    assert (await shop.status(order_id)) == "pending"


async def test_a_follower_comes_again_with_a_new_token_and_goes_on(address: str, shop: Shop) -> None:
    order_id = await shop.order()
    async with follower(address, token(seconds=5)) as ada:
        await ada.follow(order_id)
        assert (await ada.order())["status"] == "PENDING"
        assert await closing_code(ada) == 4403
    await shop.set_order(order_id, status=OrderStatus.PAID)
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        assert (await ada.order())["status"] == "PAID"


@pytest.mark.parametrize(
    "payload",
    [
        lambda bearer: {"headers": {"Authorization": bearer}},
        lambda bearer: {"headers": {"authorization": bearer}},
        lambda bearer: {"AUTHORIZATION": bearer},
        lambda bearer: {"Authorization": None, "headers": {"Authorization": bearer}},
    ],
)
async def test_the_token_may_stand_where_frontends_put_it(
    address: str, payload: Callable[[str], dict[str, Any]]
) -> None:
    async with follower(address) as ada:
        await ada.send("connection_init", payload=payload(f"Bearer {token()}"))
        assert await ada.receive() == {"type": "connection_ack"}
        await ada.send("subscribe", id="1", payload={"query": "{ me { id } }"})
        assert (await ada.receive())["payload"]["data"] == {"me": {"id": "ada"}}


async def test_a_connection_may_begin_without_parameters(address: str) -> None:
    for init in ({"type": "connection_init"}, {"type": "connection_init", "payload": None}):
        async with follower(address) as nobody:
            await nobody.socket.send(json.dumps(init))
            assert await nobody.receive() == {"type": "connection_ack"}


async def test_an_operation_of_another_name_is_the_clients_mistake_by_socket_and_by_http(
    address: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    operation = {"query": "query A { __typename }", "operationName": "B" * 40_000}
    async with follower(address, token()) as ada:
        await ada.send("subscribe", id="1", payload=operation)
        assert await ada.error() == "BAD_USER_INPUT"
    async with running(settings) as http:
        answer = await http.post("/graphql", json=operation)
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert max(len(str(record.msg)) for record in caplog.records) < 2_000


def maker_of(settings: Settings) -> ContextMaker:
    routes = build_app(settings).routes
    [endpoint] = [route.endpoint for route in routes if isinstance(route, WebSocketRoute)]
    maker: ContextMaker = vars(endpoint)["_maker"]
    return maker


@asynccontextmanager
async def serving(
    settings: Settings, database: Database, sockets: OpenSockets, unsigned_for: float = 60.0
) -> AsyncIterator[str]:
    socket = GraphQLSocket(maker_of(settings), sockets=sockets, unsigned_for=unsigned_for)
    async with served(Starlette(routes=[WebSocketRoute("/graphql", socket)])) as url:
        yield url.replace("http://", "ws://") + "/graphql"


async def test_without_a_token_a_socket_is_short(settings: Settings, database: Database) -> None:
    async with (
        serving(settings, database, OpenSockets(), unsigned_for=0.3) as address,
        follower(address) as nobody,
        follower(address, token()) as ada,
    ):
        await nobody.sign_in(None)
        assert await closing_code(nobody) == 4403
        await ada.send("ping")
        assert await ada.receive() == {"type": "pong"}


async def test_sockets_without_a_token_are_few_from_one_address(
    settings: Settings, database: Database
) -> None:
    sockets = OpenSockets(most_of_address=2)
    async with serving(settings, database, sockets) as address:
        async with follower(address), follower(address):
            with pytest.raises(InvalidStatus) as refused:
                async with follower(address):
                    pass
        response = refused.value.response
        assert response.status_code == 503
        assert b"TOO_MANY_SOCKETS" in (response.body or b"")
        async with follower(address, token()), follower(address, token()), follower(address, token()):
            assert sum(sockets.signed.values()) == 3
            assert not sockets.unsigned
    assert (sockets.open, sockets.signed.total()) == (0, 0)


async def test_a_caller_has_so_many_sockets_and_no_more(settings: Settings, database: Database) -> None:
    async with serving(settings, database, OpenSockets(most_of_caller=1)) as address:
        async with follower(address, token()), follower(address, token("bob")), follower(address) as second:
            await second.send("connection_init", payload={"Authorization": f"Bearer {token()}"})
            assert await closing_code(second) == 4403
        async with follower(address, token()):
            pass


def test_a_process_has_so_many_and_a_quarter_of_them_unsigned() -> None:
    sockets = OpenSockets(most=8)
    with sockets.one_more("a") as first, sockets.one_more("b"):
        sockets.sign_in(first, "ada")
        with sockets.one_more("c"):
            assert (sockets.open, sockets.unsigned.total(), sockets.signed.total()) == (3, 2, 1)
    assert (sockets.open, sockets.unsigned, sockets.signed) == (0, {}, {})
    assert OpenSockets().most > 100


def test_who_has_the_most_places_without_a_token_makes_room_for_who_has_fewer() -> None:
    sockets = OpenSockets(most=64)  # 16 of them without a token, and two of one address
    ended: list[str] = []
    with ExitStack() as open_ones:
        for number in range(16):
            opened = open_ones.enter_context(sockets.one_more(f"192.0.2.{number // 2}"))
            opened.end = partial(ended.append, f"{number // 2}: {number}")
        crowded = open_ones.enter_context(sockets.one_more("198.51.100.1"))
        assert ended == ["0: 0"], "the oldest of those who have most"
        open_ones.enter_context(sockets.one_more("198.51.100.2"))
        assert ended[1:] == ["1: 2"]
        assert (sockets.unsigned.total(), sockets.ending, sockets.open) == (16, 2, 18)

        sockets.sign_in(crowded, "ada")
        with sockets.one_more("192.0.2.0"):  # there is a place again
            assert len(ended) == 2
    assert (sockets.open, sockets.ending, sockets.unsigned, sockets.signed) == (0, 0, {}, {})


def test_those_who_made_room_count_until_they_have_ended_and_sign_in_no_more() -> None:
    sockets = OpenSockets(most=8)
    with ExitStack() as open_ones:
        first = open_ones.enter_context(sockets.one_more("a"))
        for address in ("b", "c", "d"):
            open_ones.enter_context(sockets.one_more(address))
        assert (sockets.ending, sockets.open) == (2, 4)
        with pytest.raises(TooManySockets, match="sign in"):
            sockets.sign_in(first, "ada")
        with pytest.raises(TooManySockets, match="on this server"), sockets.one_more("e"):
            pass


def test_a_full_server_makes_room_of_those_without_a_token() -> None:
    sockets = OpenSockets(most=4)
    with ExitStack() as open_ones:
        for caller in range(3):
            sockets.sign_in(open_ones.enter_context(sockets.one_more("a")), str(caller))
        waiting = open_ones.enter_context(sockets.one_more("a"))
        open_ones.enter_context(sockets.one_more("b"))
        assert waiting.is_ending
        with pytest.raises(TooManySockets, match="on this server"), sockets.one_more("c"):
            pass


async def test_a_few_addresses_keep_nobody_else_off(settings: Settings, database: Database) -> None:
    sockets = OpenSockets(most=64)
    async with AsyncExitStack() as open_ones, serving(settings, database, sockets) as address:
        taken = [
            await open_ones.enter_async_context(
                follower(address, local_addr=(f"127.0.0.{2 + number // 2}", 0))
            )
            for number in range(16)
        ]
        for bearer in (None, token()):
            async with follower(address, bearer, local_addr=("127.0.0.100", 0)) as newcomer:
                if bearer is None:
                    await newcomer.sign_in(None)
                await newcomer.send("ping")
                assert await newcomer.receive() == {"type": "pong"}
        assert await closing_code(taken[0]) == 4403
        await taken[1].sign_in(None)


def test_one_address_shuts_out_nobody() -> None:
    """An IPv6 network counts as one: whoever has one address of it has all."""
    sockets = OpenSockets(most=64)
    with sockets.one_more("2001:db8::1"), sockets.one_more("2001:db8::2"):
        for taken in ("2001:db8::3", "2001:db8:0:0:ffff::1"):
            with pytest.raises(TooManySockets, match="from this address"), sockets.one_more(taken):
                pass
        with sockets.one_more("2001:db8:0:1::1"), sockets.one_more("192.0.2.1"):
            with sockets.one_more("::ffff:192.0.2.1"):
                assert sockets.unsigned["192.0.2.1"] == 2
            assert sockets.open == 4
    assert not sockets.unsigned


async def test_who_sends_too_many_messages_loses_the_socket_and_nobody_else(
    settings: Settings, database: Database
) -> None:
    messages = WorkLimits(of_caller=10.0, of_address=10.0, clock=lambda: 0.0)
    socket = GraphQLSocket(maker_of(settings), messages=messages)
    async with served(Starlette(routes=[WebSocketRoute("/graphql", socket)])) as url:
        address = url.replace("http://", "ws://") + "/graphql"
        async with follower(address, token()) as ada, follower(address, token("bob")) as bob:
            await ada.send("ping", payload={"long": "x" * 75_000})
            assert await ada.receive() == {"type": "pong"}
            await ada.send("ping")
            assert await closing_code(ada) == 4429
            await bob.send("ping")
            assert await bob.receive() == {"type": "pong"}


async def test_a_peer_that_is_gone_without_a_word_is_given_up(settings: Settings, database: Database) -> None:
    """It answers no ping: the socket is read by nobody."""
    sockets = OpenSockets()
    socket = GraphQLSocket(maker_of(settings), sockets=sockets)
    quick: dict[str, Any] = {"ws_ping_interval": 0.1, "ws_ping_timeout": 0.1}
    async with listening(Starlette(routes=[WebSocketRoute("/graphql", socket)]), **quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET /graphql HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        assert sockets.open == 1
        async with asyncio.timeout(10):
            while sockets.open:  # noqa: ASYNC110  it is told to nobody
                await asyncio.sleep(0.05)
        writer.close()


async def test_the_server_pings_and_compresses_no_socket(settings: Settings, database: Database) -> None:
    options = settings.server_options
    assert 0 < options["ws_ping_interval"] + options["ws_ping_timeout"] <= 60
    own = {name: options[name] for name in options if name.startswith("ws_")}
    async with (
        listening(build_app(settings), lifespan="on", **own) as port,
        connect(
            f"ws://127.0.0.1:{port}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            compression="deflate",
        ) as offered,
    ):
        assert not offered.protocol.extensions
