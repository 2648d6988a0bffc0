"""`/graphql` over WebSocket under random messages and random bytes: nothing is a fault of ours, and no socket that
was spoilt keeps the next one from being served."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from socket import SHUT_WR, create_connection
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from main import build_app
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.attackers.mutations import HOSTILE, TEXTS, VALUES, bounded, mutated
from tests.make import Shop
from tests.sockets import FOLLOW, token

PATIENCE = 60.0  # seconds until it counts as a hang
INTERNAL_ERROR = 1011
KINDS = ["connection_init", "subscribe", "complete", "ping", "pong", "next", "connection_ack", "start", "x"]
QUERIES = [FOLLOW, "query($id: ID!) { order(id: $id) { id } }", "{ me { id } }", "mutation { nothing }", "{"]


@pytest.fixture
async def address(settings: Settings, database: Database) -> AsyncIterator[str]:
    async with served(build_app(settings)) as url:
        yield url.replace("http://", "ws://") + "/graphql"


def messages(order_id: str) -> st.SearchStrategy[bytes]:
    variables = st.fixed_dictionaries({"id": VALUES | st.just(order_id)})
    payload = st.fixed_dictionaries({"query": st.sampled_from(QUERIES), "variables": variables | VALUES})
    message = st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS) | TEXTS | VALUES},
        optional={"id": st.sampled_from(["1", "2"]) | TEXTS | VALUES, "payload": payload | VALUES},
    )
    subscribe = payload.map(lambda value: {"type": "subscribe", "id": "1", "payload": value})
    good = (subscribe | message).map(lambda value: json.dumps(value).encode())
    return st.one_of(good, good, mutated(good), VALUES.map(lambda value: json.dumps(value).encode()), HOSTILE)


def opened(address: str) -> ClientConnection:
    return connect(
        address, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=PATIENCE, close_timeout=PATIENCE,
        max_size=None,
    )  # fmt: skip


def sign_in(socket: ClientConnection) -> None:
    socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token()}"}}))
    assert json.loads(socket.recv(PATIENCE)) == {"type": "connection_ack"}


def heard(socket: ClientConnection) -> list[dict[str, Any]]:
    """Everything that comes until the server is through with what it was sent, or closes the socket."""
    answers: list[dict[str, Any]] = []
    try:
        socket.send(json.dumps({"type": "subscribe", "id": "last", "payload": {"query": "{ nothing }"}}))
        while not (answers and answers[-1].get("id") == "last"):
            answers.append(json.loads(socket.recv(PATIENCE)))
    except ConnectionClosed:
        pass
    return answers


def judge(socket: ClientConnection) -> None:
    told = json.dumps(heard(socket))
    assert "INTERNAL_SERVER_ERROR" not in told
    assert "SERVICE_UNAVAILABLE" not in told
    assert socket.close_code != INTERNAL_ERROR


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The server's; the attacker's own library may trip over a socket that is closed while it writes."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name != "websockets.client"
    ]


async def test_a_socket_withstands_messages(
    address: str, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    sent = st.lists(messages(str(await shop.order())), min_size=1, max_size=4)

    @bounded(100)
    @given(sent=sent, is_signed_in=st.integers(0, 3), as_text=st.booleans())
    def attack(sent: list[bytes], is_signed_in: int, as_text: bool) -> None:
        with opened(address) as socket:
            try:
                if is_signed_in:
                    sign_in(socket)
                for message in sent:
                    socket.send(message, text=as_text)
            except ConnectionClosed:
                pass
            judge(socket)

    await asyncio.to_thread(attack)
    assert faults(caplog) == []


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: shop.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def frame(text: bytes) -> bytes:
    """A short text message, masked with zeros."""
    return bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text


def all_that_comes(address: str, frames: bytes) -> bytes:
    """Whatever the server says until it lets go of a socket on which nothing more will come."""
    url = urlsplit(address)
    got = b""
    with create_connection((url.hostname, url.port), PATIENCE) as connection:
        connection.sendall(HANDSHAKE)
        assert connection.recv(4_096).startswith(b"HTTP/1.1 101 ")
        with suppress(ConnectionError):  # it may have let go before
            connection.sendall(frames)
            connection.shutdown(SHUT_WR)
            while part := connection.recv(65_536):
                got += part
    return got


async def test_a_socket_withstands_frames_that_are_none(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    init = frame(b'{"type": "connection_init"}')
    frames = st.binary(min_size=1, max_size=200) | mutated(st.just(init * 2))

    @bounded(100)
    @given(frames, st.booleans())
    def attack(frames: bytes, is_begun: bool) -> None:
        told = all_that_comes(address, init + frames if is_begun else frames)
        assert INTERNAL_ERROR.to_bytes(2, "big") not in told

    await asyncio.to_thread(attack)
    assert b"connection_ack" in await asyncio.to_thread(all_that_comes, address, init)
    assert faults(caplog) == []
