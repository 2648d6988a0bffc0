"""Puts an answer on a connection, broken where it was ordered broken."""

import asyncio
import contextlib
import os
import socket
import struct

from starlette.types import Receive, Scope, Send

from sandbox.http.answers import Answer

_DRIPS = 10
_START, _END, _FILLING = b'{"padding":"', b'"}', b"x" * 1_000_000
TRANSPORT = "sandbox.transport"  # where `SandboxApp` leaves the connection, in scope["extensions"]


class WireResponse:
    """An ASGI response for an `Answer`."""

    def __init__(self, answer: Answer, extra: dict[str, str]) -> None:
        self._answer = answer
        length = {} if answer.wire == "huge" else {"Content-Length": str(len(answer.body))}
        self._headers = {**length, **extra, **answer.headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer
        transport = scope.get("extensions", {}).get(TRANSPORT)
        if answer.wire == "reset":
            await _reset(transport, receive)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": self._encoded()})
        if answer.wire == "truncated":
            await send(_part(answer.body[: len(answer.body) // 2], more=True))
            await _close(transport, receive)
        elif answer.wire == "slow_body":
            await _drip(answer, send)
        elif answer.wire == "huge":
            await _pour(answer.size, send)
        else:
            await send(_part(answer.body, more=False))

    def _encoded(self) -> list[tuple[bytes, bytes]]:
        return [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in self._headers.items()
        ]


def _part(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _drip(answer: Answer, send: Send) -> None:
    size = max(1, -(-len(answer.body) // _DRIPS))
    pieces = [answer.body[start : start + size] for start in range(0, len(answer.body), size)]
    for piece in pieces:
        await send(_part(piece, more=True))
        await asyncio.sleep(answer.seconds / len(pieces))
    await send(_part(b"", more=False))


async def _pour(size: int, send: Send) -> None:
    """One valid JSON object of `size` bytes. A peer that hung up early makes `send` return at once."""
    left = size - len(_START) - len(_END)
    await send(_part(_START, more=True))
    while left > 0:
        await send(_part(_FILLING[:left], more=True))
        left -= len(_FILLING)
    await send(_part(_END, more=False))


async def _reset(transport: asyncio.Transport | None, receive: Receive) -> None:
    """A TCP RST: the peer sees the connection lost without a byte."""
    if transport is None:
        raise ConnectionResetError("the sandbox was told to drop this connection")
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(_descriptor(transport))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _gone(receive)


async def _close(transport: asyncio.Transport | None, receive: Receive) -> None:
    """Close after what was written: the peer waits for the rest in vain."""
    if transport is None:
        raise ConnectionResetError("the sandbox was told to cut this answer short")
    transport.close()
    await _gone(receive)


def _descriptor(transport: asyncio.Transport) -> int:
    connection: socket.socket = transport.get_extra_info("socket")
    return connection.fileno()


async def _gone(receive: Receive) -> None:
    # The server must have noticed the loss before we return, or it answers 500 in our place.
    while (await receive())["type"] != "http.disconnect":
        pass
