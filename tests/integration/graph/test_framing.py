"""Where a request begins and ends, whom it names and which headers it has is read in one way, or it is refused.

A proxy in front may read doubtful bytes in another way than we do: what one takes for a body the other would take for
a request (RFC 9112, 11.2).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
from starlette.types import Receive, Scope, Send

from tests.edges import answer_to, listening
from tests.integration.graph.test_upgrades import STOLEN, Recorder
from tests.proxies import haproxy, nginx

Proxy: TypeAlias = Callable[[int, Path], AbstractAsyncContextManager[int]]

SIZE = len(STOLEN)
HOST = b"host: shop.test\r\n"
NEXT = b"GET /next HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, STOLEN)
SHAKE = (
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


def post(
    headers: bytes, body: bytes = STOLEN, *, version: bytes = b"1.1", target: bytes = b"/graphql"
) -> bytes:
    return b"POST %s HTTP/%s\r\n%s%s\r\n\r\n%s" % (target, version, HOST, headers, body)


def get(line: bytes, headers: bytes = HOST) -> bytes:
    return line + b"\r\n" + headers + b"\r\n"


LENGTH = b"content-length: %d" % SIZE
CHUNKED = b"transfer-encoding: chunked"
H2C = b"connection: upgrade\r\nupgrade: h2c\r\n"
REFUSED = {
    "chunked and a length": post(CHUNKED + b"\r\n" + LENGTH, CHUNKS),
    "a length and chunked": post(b"content-length: 4\r\n" + CHUNKED, CHUNKS),
    "chunked, identity": post(b"transfer-encoding: chunked, identity", CHUNKS),
    "gzip, chunked": post(b"transfer-encoding: gzip, chunked", CHUNKS),
    "an unknown encoding": post(b"transfer-encoding: xchunked\r\n" + LENGTH),
    "chunked twice": post(CHUNKED + b"\r\n" + CHUNKED, CHUNKS),
    "chunked in quotes": post(b'transfer-encoding: "chunked"', CHUNKS),
    "a vertical tab before chunked": post(b"transfer-encoding: \x0bchunked\r\n" + LENGTH),
    "a space before the colon": post(b"transfer-encoding : chunked", CHUNKS),
    "chunked in HTTP/1.0": post(CHUNKED, CHUNKS, version=b"1.0"),
    "two lengths": post(LENGTH + b"\r\ncontent-length: 0"),
    "a list of lengths": post(LENGTH + b", %d" % SIZE),
    "a signed length": post(b"content-length: +%d" % SIZE),
    "a length in hexadecimals": post(b"content-length: 0x10"),
    "a length beyond 64 bits": post(b"content-length: 18446744073709551617"),
    "an empty length": post(b"content-length: "),
    "a length on the next line": post(b"content-length:\r\n %d" % SIZE),
    "a header on two lines": post(b"x: a\r\n b\r\n" + LENGTH),
    "lines that end without CR": post(LENGTH).replace(b"\r\n", b"\n", 4),
    "one line that ends without CR": post(b"x: a\n" + LENGTH),
    "CR in a value": post(b"x: a\rcontent-length: 0\r\n" + LENGTH),
    "NUL in a value": post(b"x: a\0\r\n" + LENGTH),
    "an upgrade, chunked and a length": post(H2C + CHUNKED + b"\r\n" + LENGTH, CHUNKS),
    "an upgrade and gzip, chunked": post(H2C + b"transfer-encoding: gzip, chunked", CHUNKS),
    "an upgrade and two lengths": post(H2C + b"content-length: 4\r\n" + LENGTH),
    "an upgrade and a header on two lines": post(H2C + b"x: a\r\n b\r\n" + LENGTH),
    "HTTP/0.9": b"GET /one\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an empty Host": get(b"GET /one HTTP/1.1", b"host: \r\n"),
    "two Hosts in one": get(b"GET /one HTTP/1.1", b"host: shop.test, evil.test\r\n"),
    "a Host with userinfo": get(b"GET /one HTTP/1.1", b"host: shop.test@evil.test\r\n"),
    "a Host with a path": get(b"GET /one HTTP/1.1", b"host: evil.test/shop.test\r\n"),
    "two tokens": get(b"GET /one HTTP/1.1", HOST + b"authorization: Bearer a\r\nauthorization: Bearer b\r\n"),
    "a target of another host": get(b"GET http://evil.test/one HTTP/1.1"),
    "a target with userinfo": get(b"GET http://shop.test@evil.test/one HTTP/1.1"),
    "a target of another port": get(b"GET http://shop.test:81/one HTTP/1.1"),
    "a WebSocket of two Hosts": get(b"GET /one HTTP/1.1", HOST + b"host: evil.test\r\n" + SHAKE[:-2]),
    "a WebSocket without a Host": get(b"GET /one HTTP/1.1", SHAKE[:-2]),
    "a WebSocket at another host": get(b"GET http://evil.test/one HTTP/1.1", HOST + SHAKE[:-2]),
    "a WebSocket in HTTP/1.0": get(b"GET /one HTTP/1.0", HOST + SHAKE[:-2]),
}
BROKEN_CHUNKS = {
    "LF in an extension": b"%x;a\n=b\r\n%s\r\n0\r\n\r\n",
    "lines that end without CR": b"%x\n%s\n0\n\n",
    "a size with 0x": b"0x%x\r\n%s\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"1%016x\r\n%s\r\n0\r\n\r\n",
    "more than the size": b"%x\r\n%sXX0\r\n\r\n",
}


@dataclass
class Headers:
    """An app that keeps whom it was asked by, and with which headers."""

    seen: list[tuple[str, dict[bytes, bytes]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        self.seen.append((scope["client"][0], dict(scope["headers"])))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(recorder: Recorder) -> AsyncIterator[int]:
    async with listening(recorder) as number:
        yield number


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(
    recorder: Recorder, port: int, name: str
) -> None:
    answer = await answer_to(port, REFUSED[name] + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1") == 1
    assert recorder.seen == []


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
async def test_chunks_that_are_none_end_the_connection(recorder: Recorder, port: int, name: str) -> None:
    body = BROKEN_CHUNKS[name] % (SIZE, STOLEN)
    assert b"200" not in await answer_to(port, post(CHUNKED, body) + NEXT)
    assert recorder.seen == []


@pytest.mark.parametrize("proxy", [nginx, haproxy])
async def test_no_byte_of_a_body_is_answered_as_a_request_behind_a_proxy(
    recorder: Recorder, port: int, proxy: Proxy, tmp_path: Path
) -> None:
    async with proxy(port, tmp_path) as front:
        for name, request in REFUSED.items():
            await answer_to(front, request + NEXT)
            assert {path for _, path, _ in recorder.seen} <= {"/graphql", "/one", "/next"}, name
            assert {body for _, path, body in recorder.seen if path == "/graphql"} <= {STOLEN}, name
        victim = await answer_to(front, NEXT.replace(b"/next", b"/victim"))
        assert b'["GET", "/victim", 0]' in victim


@pytest.mark.parametrize(
    "request_",
    [
        get(b"GET http://shop.test/one HTTP/1.1"),
        get(b"GET HTTP://SHOP.test/one HTTP/1.1"),
        get(b"GET /one HTTP/1.1", b"host: [2001:db8::1]:8000\r\n"),
        get(b"GET /one HTTP/1.1", b"host: xn--bcher-kva.example.:443\r\n"),
        get(b"GET /one HTTP/1.1", b"host: my_service\r\n"),
        get(b"GET /one HTTP/1.1", b"HOST:\tshop.test\t\r\n"),
        get(b"OPTIONS * HTTP/1.1"),
        b"\r\n" + get(b"GET /one HTTP/1.1"),
        post(b"Transfer-Encoding:\tChunked", CHUNKS),
    ],
)
async def test_what_is_clear_is_answered(recorder: Recorder, port: int, request_: bytes) -> None:
    answer = await answer_to(port, request_ + NEXT)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert len(recorder.seen) == 2


TRAILERS = b"authorization: Bearer stolen\r\nx-forwarded-for: 203.0.113.9\r\nhost: evil.test\r\n"


@pytest.mark.parametrize("direct", [True, False], ids=["directly", "haproxy"])
async def test_a_trailer_is_never_a_header(tmp_path: Path, direct: bool) -> None:
    """Proxies hand trailers on as they are: one that named an address or a token would be believed as the proxy's."""
    app = Headers()
    body = b"2\r\n{}\r\n0\r\n" + TRAILERS + b"\r\n"
    forwarded = b"x-forwarded-for: 198.51.100.1\r\n"
    async with listening(app, proxy_headers=True, forwarded_allow_ips=["127.0.0.1"]) as port:
        request = post(forwarded + b"connection: close\r\n" + CHUNKED, body)
        if direct:
            await answer_to(port, request)
        else:
            async with haproxy(port, tmp_path) as front:
                await answer_to(front, request)
    [(client, headers)] = app.seen
    assert client == "198.51.100.1"
    assert headers[b"host"] == b"shop.test"
    assert b"authorization" not in headers


async def test_trailers_are_bounded_as_a_head_is(recorder: Recorder, port: int) -> None:
    for trailers in (b"x: y\r\n" * 500, b"x: " + b"y" * 40_000 + b"\r\n"):
        assert b"200" not in await answer_to(port, post(CHUNKED, b"0\r\n" + trailers + b"\r\n") + NEXT)
    assert recorder.seen == []
