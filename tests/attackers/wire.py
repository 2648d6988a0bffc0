"""HTTP as bytes on a socket: what no client library would send, and what came back."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds until it counts as a hang
MOMENT = 0.3  # seconds in which a server that has all of a request begins to answer


@dataclass(frozen=True)
class Reply:
    """`status` is 0 for a connection that was closed without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def exchange(url: str, request: bytes) -> Reply:
    """Send it as it is; TimeoutError if the server neither answers nor lets go once it has been told that's all."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as connection:
        connection.settimeout(MOMENT)
        got = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65_536):
                got += part
        except TimeoutError:
            got += _rest(connection)
        except ConnectionError:
            pass  # it answered or refused before it had all; what came first is what counts
    return _read(got)


def _rest(connection: socket.socket) -> bytes:
    """What still comes once the other side knows that it has everything."""
    connection.settimeout(PATIENCE)
    got = b""
    try:
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            got += part
    except ConnectionError:
        pass
    return got


def _read(got: bytes) -> Reply:
    head, _, body = got.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    return Reply(int(words[1]) if len(words) > 1 else 0, headers, body)


def request(
    method: str,
    target: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    *,
    cuts: Sequence[int] = (),
) -> bytes:
    """A request; with `cuts` its body comes in chunks that end there, and no length is told."""
    framed = (
        [(b"Content-Length", str(len(body)).encode())] if not cuts else [(b"Transfer-Encoding", b"chunked")]
    )
    fields = [(b"Host", b"shop.test"), (b"Connection", b"close"), *framed, *headers]
    head = b"\r\n".join(
        [method.encode() + b" " + target + b" HTTP/1.1", *(b": ".join(pair) for pair in fields)]
    )
    return head + b"\r\n\r\n" + (_in_chunks(body, cuts) if cuts else body)


def _in_chunks(body: bytes, cuts: Sequence[int]) -> bytes:
    ends = sorted({min(cut, len(body)) for cut in cuts} | {len(body)})
    starts = [0, *ends[:-1]]
    parts = [body[start:end] for start, end in zip(starts, ends, strict=True) if end > start]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
