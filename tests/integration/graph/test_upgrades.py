"""No byte of a request's body is ever answered as a request, whatever upgrade its head asks for (RFC 9110, 7.8).

Real sockets, every way to cut the bytes into packets, and real proxies that keep their connections to us.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
from starlette.types import Receive, Scope, Send

from tests.edges import answer_to, listening
from tests.proxies import haproxy, nginx

STOLEN = b"GET /stolen HTTP/1.1\r\nhost: shop.test\r\nauthorization: Bearer none\r\n\r\n"
UPGRADES = ("h2c", "TLS/1.2", "websocket, h2c", "h2c, websocket", "something", "")
Proxy: TypeAlias = Callable[[int, Path], AbstractAsyncContextManager[int]]


@dataclass
class Recorder:
    """An app that answers with what it was asked, and keeps it."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self.seen.append(("WEBSOCKET", scope["path"], b""))
            await send({"type": "websocket.close"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((scope["method"], scope["path"], body))
        told = json.dumps([scope["method"], scope["path"], len(body)]).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % len(told))],
            }
        )
        await send({"type": "http.response.body", "body": told})


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(recorder: Recorder) -> AsyncIterator[int]:
    async with listening(recorder) as number:
        yield number


def upgrading(upgrade: str, *, chunked: bool = False, method: str = "POST", close: bool = True) -> bytes:
    """A request whose body is a request, and whose head asks for an upgrade."""
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(STOLEN)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(STOLEN), STOLEN) if chunked else STOLEN
    lines = (
        f"{method} /graphql HTTP/1.1\r\nhost: shop.test\r\nconnection: Upgrade, HTTP2-Settings"
        f"{', close' if close else ''}\r\nupgrade: {upgrade}\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
    )
    return lines.encode() + framing + b"\r\n\r\n" + body


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_behind_an_upgrade_we_do_not_speak_is_the_body_however_it_is_cut(
    recorder: Recorder, port: int, upgrade: str, chunked: bool
) -> None:
    request = upgrading(upgrade, chunked=chunked)
    cuts = range(1, len(request), 3)
    answers = await asyncio.gather(
        *(answer_to(port, request[:cut], request[cut:], pause=0.02) for cut in cuts)
    )
    assert all(answer.count(b"HTTP/1.1 200") == 1 for answer in answers)
    assert set(recorder.seen) == {("POST", "/graphql", STOLEN)}
    assert len(recorder.seen) == len(cuts)


async def test_a_request_that_comes_byte_by_byte_is_one_request(recorder: Recorder, port: int) -> None:
    request = upgrading("h2c")
    answer = await answer_to(port, *(bytes([byte]) for byte in request), pause=0.001)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert recorder.seen == [("POST", "/graphql", STOLEN)]


async def test_what_follows_an_ignored_upgrade_on_the_connection_is_the_next_request(
    recorder: Recorder, port: int
) -> None:
    last = b"GET /next HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n"
    answer = await answer_to(port, upgrading("h2c", close=False) + upgrading("TLS/1.2", close=False) + last)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert [path for _, path, _ in recorder.seen] == ["/graphql", "/graphql", "/next"]


async def test_a_head_beyond_its_bounds_is_refused_with_an_upgrade_as_without(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\ncookie: " + b"x" * 40_000 + b"\r\n\r\n"
    assert (await answer_to(port, head)).startswith(b"HTTP/1.1 431")


REFUSED = {
    "POST": upgrading("websocket"),
    "chunked POST": upgrading("websocket", chunked=True),
    "GET with a body": upgrading("websocket", method="GET"),
    "CONNECT": b"CONNECT shop.test:443 HTTP/1.1\r\nhost: shop.test\r\n\r\n" + STOLEN,
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_handshake_that_is_none_is_refused_and_ends_the_connection(
    recorder: Recorder, port: int, name: str
) -> None:
    request = REFUSED[name]
    for cut in range(len(request) - len(STOLEN) - 20, len(request), 7):
        answer = await answer_to(port, request[:cut], request[cut:], pause=0.02)
        assert answer.startswith(b"HTTP/1.1 400") or not answer
        assert answer.count(b"HTTP/1.1") <= 1
    assert (await answer_to(port, request)).startswith(b"HTTP/1.1 400")
    assert recorder.seen == []


@pytest.mark.parametrize("proxy", [nginx, haproxy])
async def test_behind_a_proxy_that_keeps_connections_everybody_gets_their_own_answer(
    recorder: Recorder, port: int, proxy: Proxy, tmp_path: Path
) -> None:
    """An attacker and a victim take turns on the one connection that the proxy keeps to us."""
    async with proxy(port, tmp_path) as front:
        for upgrade in (*UPGRADES, "websocket"):
            for chunked in (False, True):
                request = upgrading(upgrade, chunked=chunked)
                cut = request.index(b"\r\n\r\n") + 4
                for parts in ((request,), (request[:cut], request[cut:]), (request[:-10], request[-10:])):
                    await answer_to(front, *parts, pause=0.02)
                    victim = await answer_to(
                        front, b"GET /victim HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n"
                    )
                    assert b'["GET", "/victim", 0]' in victim
    assert {path for _, path, _ in recorder.seen} == {"/graphql", "/victim"}
    assert {body for _, path, body in recorder.seen if path == "/graphql"} == {STOLEN}


@pytest.mark.parametrize("proxy", [nginx, haproxy])
async def test_the_same_bytes_mean_the_same_requests_directly_and_through_a_proxy(
    recorder: Recorder, port: int, proxy: Proxy, tmp_path: Path
) -> None:
    async with proxy(port, tmp_path) as front:
        for upgrade in UPGRADES:
            for chunked in (False, True):
                request = upgrading(upgrade, chunked=chunked)
                through = await requests_in(recorder, front, request)
                assert through == await requests_in(recorder, port, request) == [("POST", "/graphql", STOLEN)]


async def requests_in(recorder: Recorder, port: int, request: bytes) -> list[tuple[str, str, bytes]]:
    recorder.seen.clear()
    await answer_to(port, request)
    return list(recorder.seen)


async def test_curl_that_offers_http2_is_answered(recorder: Recorder, port: int) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    told = await output_of(
        curl, "-sS", "--http2", "-d", STOLEN.decode(), f"http://127.0.0.1:{port}/graphql", "--max-time", "10"
    )
    assert json.loads(told) == ["POST", "/graphql", len(STOLEN)]


JAVA = """
import java.net.URI;
import java.net.http.*;

class Client {
  public static void main(String[] arguments) throws Exception {
    var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    for (int turn = 0; turn < 3; turn++) {
      var request = HttpRequest.newBuilder(URI.create(arguments[0]))
        .POST(HttpRequest.BodyPublishers.ofString("{\\"query\\":\\"{a}\\"}")).build();
      System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
  }
}
"""


async def test_the_jdks_client_which_offers_http2_is_answered(port: int, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("no JDK is installed")
    source = tmp_path / "Client.java"
    source.write_text(JAVA)
    told = await output_of(java, str(source), f"http://127.0.0.1:{port}/graphql")
    assert [json.loads(line) for line in told.splitlines()] == [["POST", "/graphql", 15]] * 3


async def output_of(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return said
