"""Requests that are sent ahead of their answers: each has one answer, in turn, and a bad one ends the connection."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from runtime.http_edge import MOST_AHEAD, BoundedArrival
from tests.edges import answer_to, listening

HOST = b"host: shop.test\r\n"
GET = b"GET /%s HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST /%s HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"
WHOLE, BROKEN = b"2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX"
TWO_HOSTS = b"GET /x HTTP/1.1\r\n" + HOST + HOST + b"\r\n"
LARGE = b"GET /x HTTP/1.1\r\n" + HOST + b"x: " + b"x" * 40_000 + b"\r\n\r\n"
AFTER = GET % b"after"


class Hasty(BoundedArrival):
    patience = 0.2
    reading_patience = 0.2


@dataclass
class Named:
    """An app that answers with a request's path: those that begin with `early` before their body, `slow` late."""

    asked: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.asked.append(path)
        while not path.startswith("/early"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            if not message["more_body"]:
                break
        if path.startswith("/slow"):
            self.begun.set()
            await self.may_answer.wait()
        length = (b"content-length", b"%d" % len(path))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": path.encode()})


def answers_in(text: bytes) -> list[str]:
    """The status and what it is about: `200 /one`."""
    parts = text.split(b"HTTP/1.1 ")[1:]
    return [
        (part[:3] + b" " + part.partition(b"\r\n\r\n")[2]).decode()[: 12 if part.startswith(b"200") else 3]
        for part in parts
    ]


async def answers(app: Any, *parts: bytes, kind: type[BoundedArrival] = BoundedArrival) -> list[str]:
    async with listening(app, kind) as port:
        return answers_in(await answer_to(port, *parts))


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (b"\x16\x03\x01\r\n\r\n", "400"),
        (b"GET /x HTTP/1.1\r\nno header\r\n\r\n", "400"),
        (TWO_HOSTS, "400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
        (b"CONNECT shop.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", "400"),
        (LARGE, "431"),
    ],
    ids=["TLS", "no header", "two Hosts", "HTTP/2", "CONNECT", "too large"],
)
@pytest.mark.parametrize("is_slow", [True, False])
async def test_a_bad_request_leaves_the_answers_to_those_before_it(
    second: bytes, status: str, is_slow: bool
) -> None:
    app = Named()
    first = b"slow" if is_slow else b"one"
    if is_slow:
        async with listening(app) as port:
            asked = asyncio.create_task(answer_to(port, GET % first + second + AFTER))
            await app.begun.wait()
            app.may_answer.set()
            found = answers_in(await asked)
    else:
        found = await answers(app, GET % first + GET % b"two" + second + AFTER)
    assert found == [f"200 /{first.decode()}", *([] if is_slow else ["200 /two"]), status]
    assert "/after" not in app.asked


async def test_a_bad_body_behind_others_leaves_their_answers_and_is_not_executed() -> None:
    app = Named()
    sent = GET % b"one" + CHUNKED % b"two" + WHOLE + CHUNKED % b"three" + BROKEN + AFTER
    assert await answers(app, sent) == ["200 /one", "200 /two", "400"]
    assert app.asked == ["/one", "/two"]


async def test_a_request_that_is_answered_before_its_body_came_has_no_second_answer() -> None:
    """A proxy would take it for the answer to the next customer's request."""
    async with listening(Named()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED % b"early")
        answer = await reader.readuntil(b"/early")
        writer.write(BROKEN)
        async with asyncio.timeout(10):
            assert answers_in(answer + await reader.read()) == ["200 /early"]
        writer.close()


async def test_nor_when_its_body_never_comes() -> None:
    assert await answers(Named(), CHUNKED % b"early" + b"2\r\n{", kind=Hasty) == ["200 /early"]


async def test_who_sends_too_far_ahead_is_told_behind_the_answers_and_nothing_more_is_kept() -> None:
    app, waiting = Named(), [0]

    class Watched(BoundedArrival):
        def on_message_complete(self) -> None:
            super().on_message_complete()
            waiting.append(len(self.pipeline))

    found = await answers(app, GET % b"one" * 1_000, kind=Watched)
    assert found == ["200 /one"] * (MOST_AHEAD + 1) + ["400"]
    assert len(app.asked) == MOST_AHEAD + 1
    assert max(waiting) == MOST_AHEAD


async def test_behind_a_request_to_close_nothing_is_answered() -> None:
    close = b"GET /one HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
    for more in (AFTER, TWO_HOSTS, b"\0\r\n\r\n"):
        app = Named()
        assert await answers(app, close + more) == ["200 /one"]
        assert app.asked == ["/one"]


async def test_who_does_not_read_the_rest_of_a_last_answer_is_cut_off() -> None:
    """It fits the buffers, so that nothing waits for it but the connection's end."""
    lost = asyncio.Event()

    class Kept(Hasty):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transport.set_write_buffer_limits(100_000_000)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        close = (b"connection", b"close")
        await send({"type": "http.response.start", "status": 200, "headers": [close]})
        for _ in range(300):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with listening(much, Kept) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(GET % b"one")
        await asyncio.wait_for(lost.wait(), 20)
        writer.transport.abort()
