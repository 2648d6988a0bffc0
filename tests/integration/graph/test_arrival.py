"""Requests over a real socket: too large a head, or one that doesn't come, costs the server little."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from runtime.http_edge import MOST_BYTES, MOST_HEADERS, BoundedArrival
from settings import Settings
from tests.edges import answer_to, listening

GET = b"GET / HTTP/1.1\r\nhost: shop.test\r\n"
POST = b"POST / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 10\r\n"


class _Hasty(BoundedArrival):
    patience = 0.2
    reading_patience = 0.2


async def echo_length(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * _Hasty.patience)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"%02d" % size})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with listening(echo_length) as number:
        yield number


@pytest.fixture
async def hasty_port() -> AsyncIterator[int]:
    async with listening(echo_length, _Hasty) as number:
        yield number


def code_in(answer: bytes) -> str:
    code: str = json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"]["code"]
    return code


async def test_a_head_of_ordinary_size_passes(port: int) -> None:
    head = GET + b"authorization: Bearer " + b"x" * 8_192 + b"\r\nconnection: close\r\n\r\n"
    assert (await answer_to(port, head)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        GET + b"cookie: " + b"x" * MOST_BYTES + b"\r\n\r\n",
        b"GET /?" + b"x" * MOST_BYTES + b" HTTP/1.1\r\nhost: shop.test\r\n\r\n",
        GET + b"a: b\r\n" * MOST_HEADERS + b"\r\n",
    ],
    ids=["a large header", "a long address", "many headers"],
)
async def test_a_head_beyond_its_bounds_is_refused(port: int, head: bytes) -> None:
    answer = await answer_to(port, head)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in answer
    assert code_in(answer) == "HEADERS_TOO_LARGE"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", b"400"),
        (GET + b"host: other.test\r\nconnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
    ],
    ids=["none", "two", "none in HTTP/1.0"],
)
async def test_a_request_has_one_host(port: int, head: bytes, status: bytes) -> None:
    answer = await answer_to(port, head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert status == b"200" or code_in(answer) == "BAD_REQUEST"


async def test_what_is_no_http_is_refused_with_a_code(port: int) -> None:
    answer = await answer_to(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert code_in(answer) == "BAD_REQUEST"


async def pour(writer: asyncio.StreamWriter, most: int) -> int:
    """How many bytes go before the other side closes, `most` if it doesn't."""
    sent = 0
    try:
        while sent < most:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()
    return sent


async def test_a_header_without_an_end_is_not_read_for_ever(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET + b"cookie: ")
    assert await pour(writer, most=50_000_000) < 20_000_000  # what the sockets between us take


async def test_a_request_that_does_not_come_whole_is_given_up(hasty_port: int) -> None:
    for begun in (b"", GET, GET + b"cookie: x"):
        answer = await answer_to(hasty_port, begun)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert code_in(answer) == "TIMEOUT"


async def test_a_body_that_does_not_come_ends_the_connection(hasty_port: int) -> None:
    assert await answer_to(hasty_port, POST + b"\r\n" + b"12345") == b""


async def test_a_head_that_comes_byte_by_byte_is_given_up(hasty_port: int) -> None:
    drops = [GET, *[b"a"] * 12]
    began = time.monotonic()
    answer = await answer_to(hasty_port, *drops, pause=0.05)
    assert answer.startswith(b"HTTP/1.1 408 ") or not answer
    assert time.monotonic() - began < 10


async def test_each_request_of_a_connection_has_bounds_of_its_own(port: int) -> None:
    large = GET + b"cookie: " + b"x" * (MOST_BYTES // 2) + b"\r\n"
    answer = await answer_to(
        port, large + b"\r\n", large + b"\r\n", large + b"connection: close\r\n\r\n", pause=0.05
    )
    assert answer.count(b"HTTP/1.1 200") == 3


async def test_who_does_not_read_loses_the_connection() -> None:
    """Closing it would wait for the client to read; what was not read is dropped."""
    protocols: list[_Hasty] = []

    class Kept(_Hasty):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transport.set_write_buffer_limits(1)
            super().connection_made(transport)
            protocols.append(self)

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with listening(much, Kept) as number:
        _, writer = await asyncio.open_connection("127.0.0.1", number, limit=1)
        writer.write(GET + b"\r\n")
        async with asyncio.timeout(20):
            while not protocols or not protocols[0].transport.is_closing():  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.05)
        writer.transport.abort()


async def test_a_kept_connection_may_be_idle_longer_than_a_request_may_take(hasty_port: int) -> None:
    answer = await answer_to(hasty_port, GET + b"\r\n", GET + b"connection: close\r\n\r\n", pause=0.5)
    assert answer.count(b"HTTP/1.1 200") == 2


async def test_requests_sent_ahead_are_answered_in_turn(port: int) -> None:
    two = POST + b"\r\n1234567890" + GET + b"connection: close\r\n\r\n"
    answer = await answer_to(port, two[:60], two[60:])
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.endswith(b"00")


async def test_a_request_behind_a_slow_one_is_not_given_up_for_what_we_do_not_read(hasty_port: int) -> None:
    slow = b"GET /slow HTTP/1.1\r\nhost: shop.test\r\n\r\n"
    ahead = POST + b"connection: close\r\n\r\n" + b"12345"
    answer = await answer_to(hasty_port, slow + ahead, b"67890", pause=0.1)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.endswith(b"10")


async def test_a_handshake_of_a_socket_passes(port: int) -> None:
    shake = (
        b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    assert (await answer_to(port, GET + shake)).startswith(b"HTTP/1.1 403")


def test_the_server_uses_it() -> None:
    config = uvicorn.Config(echo_length, **Settings().server_options)
    config.load()
    assert config.http_protocol_class is BoundedArrival
