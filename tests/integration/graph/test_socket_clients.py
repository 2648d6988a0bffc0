"""What odd and hostile clients of a socket may try: each ends with a code of its own, and holds nothing afterwards."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed

from graph.serving.open_sockets import OpenSockets
from graph.serving.socket import MOST_OPERATIONS, GraphQLSocket
from main import build_app
from runtime.database.database import Database
from runtime.http_edge import SERVER_BOUNDS
from settings import Settings
from tests.edges import HANDSHAKE, frame, listening
from tests.integration.graph.test_socket_bounds import closing_code, maker_of
from tests.make import Shop
from tests.sockets import follower, token

OWN_BOUNDS: dict[str, Any] = {name: SERVER_BOUNDS[name] for name in SERVER_BOUNDS if name.startswith("ws")}
ME = "{ me { id } }"


@pytest.fixture
async def address(settings: Settings, database: Database) -> AsyncIterator[str]:
    """With the bounds that `serve` sets."""
    async with listening(build_app(settings), lifespan="on", **OWN_BOUNDS) as port:
        yield f"ws://127.0.0.1:{port}/graphql"


async def test_who_signs_in_twice_loses_the_socket(address: str) -> None:
    async with follower(address, token()) as ada:
        await ada.send("connection_init", payload={"Authorization": f"Bearer {token('bob')}"})
        assert await closing_code(ada) == 4429


async def test_who_signs_in_twice_at_once_is_one_caller_at_most(address: str) -> None:
    async with follower(address) as ada:
        for user in ("ada", "bob"):
            await ada.send("connection_init", payload={"Authorization": f"Bearer {token(user)}"})
        assert await closing_code(ada) == 4429


async def test_of_two_tokens_one_counts_and_a_bad_one_is_not_made_good_by_the_other(address: str) -> None:
    both = {"Authorization": "Bearer none", "headers": {"Authorization": f"Bearer {token()}"}}
    async with follower(address) as ada:
        await ada.send("connection_init", payload=both)
        assert (await ada.receive())["type"] == "connection_ack"
        await ada.send("subscribe", id="1", payload={"query": ME})
        assert await ada.error() == "UNAUTHENTICATED"


async def test_what_follows_an_order_is_counted_also_when_all_begin_at_once(address: str, shop: Shop) -> None:
    order_id = await shop.order()
    async with follower(address, token()) as ada:
        for number in range(MOST_OPERATIONS + 5):
            await ada.follow(order_id, name=str(number))
        kinds = [(await ada.receive())["type"] for _ in range(MOST_OPERATIONS + 5)]
    assert (kinds.count("next"), kinds.count("error")) == (MOST_OPERATIONS, 5)


async def test_an_operation_that_is_over_leaves_its_place_and_its_id(address: str) -> None:
    async with follower(address, token()) as ada:
        for _ in range(2 * MOST_OPERATIONS):
            await ada.send("subscribe", id="again", payload={"query": ME})
            assert [(await ada.receive())["type"] for _ in range(2)] == ["next", "complete"]


async def test_a_token_that_ends_while_answers_come_ends_them_all(address: str, shop: Shop) -> None:
    orders = [await shop.order() for _ in range(5)]
    async with follower(address, token(seconds=2)) as ada:
        for number, order_id in enumerate(orders):
            await ada.follow(order_id, name=str(number))
        assert await closing_code(ada) == 4403


async def test_a_flood_of_pings_ends_the_socket(address: str) -> None:
    async with follower(address, token()) as ada:
        flood = asyncio.create_task(pour(ada.socket, '{"type":"ping"}'))
        with suppress(ConnectionClosed):
            async for pong in ada.socket:  # who doesn't read is not read either
                assert json.loads(pong) == {"type": "pong"}
        assert await closing_code(ada) == 4429
        await asyncio.wait([flood])
        assert isinstance(flood.exception(), ConnectionClosed)


async def pour(socket: Any, text: str) -> None:
    while True:
        await socket.send(text)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("x" * 100_001, 1009),
        (b"\0" * 100_001, 1009),
        (b'{"type":"ping"}', 4400),
        ("[" * 90_000, 4400),
        ("[]", 4400),
        ('"ping"', 4400),
        ('{"type":"start"}', 4400),
        ('{"type":"subscribe","id":"1","payload":{"query":"{me{id}}"},"x":1e999}', 4401),
        ('{"type":"complete","id":[]}', 4400),
        ('{"type":"complete","id":1}', 4400),
        ('{"type":"complete"}', 4400),
        ('{"type":["complete"],"id":"1"}', 4400),
        ('{"type":"subscribe","id":{},"payload":{"query":"{me{id}}"}}', 4400),
        ('{"type":"connection_init","payload":["Authorization"]}', 4400),
    ],
    ids=[
        "too large",
        "too large and binary",
        "binary",
        "deep",
        "a list",
        "a text",
        "the old protocol",
        "too early",
        "the end of a list",
        "the end of a number",
        "the end of nothing",
        "a list as its type",
        "an object as its id",
        "a list as its parameters",
    ],
)
async def test_a_message_that_is_none_ends_the_socket_with_its_code(
    address: str, sent: Any, code: int
) -> None:
    async with follower(address) as ada:
        await ada.socket.send(sent)
        assert await closing_code(ada) == code


@pytest.mark.parametrize("value", [5, ["Bearer"], {"Bearer": "x"}, None, "Bearer ", "Bearer"])
async def test_parameters_without_a_token_sign_nobody_in(address: str, value: object) -> None:
    async with follower(address) as ada:
        await ada.send("connection_init", payload={"headers": [value], "Authorization": value})
        assert (await ada.receive())["type"] == "connection_ack"


@pytest.mark.parametrize("secret", ["\ud800", "pgk_\ud800", "pgc_\ud800", "a.\ud800.c", "\0"])
async def test_a_token_of_letters_that_are_none_signs_nobody_in(address: str, secret: str) -> None:
    async with follower(address) as ada:
        await ada.send("connection_init", payload={"Authorization": f"Bearer {secret}"})
        assert (await ada.receive())["type"] == "connection_ack"
        await ada.send("subscribe", id="1", payload={"query": ME})
        assert await ada.error() == "UNAUTHENTICATED"


async def test_an_id_of_letters_that_are_none_is_an_id(address: str) -> None:
    async with follower(address, token()) as ada:
        await ada.send("subscribe", id="\ud800", payload={"query": ME})
        answer = await ada.receive()
        assert (answer["type"], answer["id"]) == ("next", "\ud800")


INIT = json.dumps({"type": "connection_init"}).encode()


@asynccontextmanager
async def raw_socket(
    settings: Settings, sockets: OpenSockets, **options: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    socket = GraphQLSocket(maker_of(settings), sockets=sockets)
    routes = [WebSocketRoute("/graphql", socket)]
    async with listening(Starlette(routes=routes), **{**OWN_BOUNDS, **options}) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        writer.write(HANDSHAKE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        assert sockets.open == 1
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def all_are_gone(sockets: OpenSockets) -> None:
    async with asyncio.timeout(15):
        while sockets.open:  # noqa: ASYNC110  it is told to nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(0xC1, INIT), 1002),
        (frame(0x81, INIT, masked=False), 1002),
        (frame(0x83, INIT), 1002),
        (frame(0x80, INIT), 1002),
        (frame(0x09, b"a part"), 1002),
        (frame(0x81, b"\xff\xfe"), 1007),
        (b"\x81\xff" + b"\xff" * 8 + b"\0" * 4, 1009),
        (b"\x81\xff" + (2**40).to_bytes(8) + b"\0" * 4, 1009),
    ],
    ids=[
        "compressed without leave",
        "unmasked",
        "of an unknown kind",
        "a part of nothing",
        "a ping in parts",
        "no UTF-8",
        "a length beyond all",
        "a terabyte announced",
    ],
)
async def test_a_frame_that_is_none_ends_the_socket_with_its_code(
    settings: Settings, database: Database, sent: bytes, code: int
) -> None:
    sockets = OpenSockets()
    async with raw_socket(settings, sockets) as (reader, writer):
        writer.write(sent)
        closing = await reader.readexactly(4)
        assert closing[0] == 0x88
        assert int.from_bytes(closing[2:4]) == code
        writer.close()
        await all_are_gone(sockets)


async def test_a_message_in_many_parts_is_as_bounded_as_in_one(
    settings: Settings, database: Database
) -> None:
    sockets = OpenSockets()
    async with raw_socket(settings, sockets) as (reader, writer):
        writer.write(frame(0x01, b"x" * 125))
        writer.write(frame(0x00, b"x" * 125) * 1_000)
        closing = await reader.readexactly(4)
        assert int.from_bytes(closing[2:4]) == 1009
        writer.close()
        await all_are_gone(sockets)


async def test_a_client_that_has_sent_its_end_is_given_up(settings: Settings, database: Database) -> None:
    """Half closed: TCP's end came, and the client still reads."""
    sockets = OpenSockets()
    async with raw_socket(settings, sockets) as (_, writer):
        writer.write_eof()
        await all_are_gone(sockets)


async def test_a_client_that_never_reads_is_given_up(settings: Settings, database: Database) -> None:
    """It asks and asks, and what it is answered fills every buffer; it would have to read to know our pings."""
    sockets = OpenSockets()
    options = {"ws_ping_interval": 0.5, "ws_ping_timeout": 0.5}
    async with raw_socket(settings, sockets, **options) as (_, writer):
        writer.write(frame(0x81, INIT))
        writer.write(frame(0x8A, b"unasked") * 1_000)
        for _ in range(400):
            writer.write(frame(0x81, b'{"type":"ping"}'))
        await all_are_gone(sockets)
