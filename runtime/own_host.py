"""A server on one's own machine that hands out tokens answers its own pages alone.

A page on the internet can have its name lead to 127.0.0.1 (DNS rebinding): the browser then takes our answers for that
page's own. Its name stays in `Host`, and an address can't be rebound.
"""

import json
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from runtime.origins import AllowedOrigins

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MISDIRECTED, FORBIDDEN = 421, 403
FOREIGN_PAGE = "Pages of other origins can't call this server, unless CORS_ORIGINS names them."


class OwnHostOnly:
    """Middleware that refuses a foreign name in `Host` (421), and what a page of another origin sends (403).

    `names` are this machine's besides localhost and any address; `origins` are pages that may call all the same.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], origins: AllowedOrigins) -> None:
        self._app = app
        configured = (urlsplit(origin).hostname or "" for origin in origins.exact)
        self._names = frozenset(name.lower() for name in (*names, socket.gethostname(), *configured))
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host", "")):
            await _refuse(scope, receive, send, MISDIRECTED, "This server answers to its own name alone.")
        elif not self._may_send(scope, headers):
            await _refuse(scope, receive, send, FORBIDDEN, FOREIGN_PAGE)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name = _hostname(f"//{host}")
        return name == "localhost" or name.endswith(".localhost") or name in self._names or _is_address(name)

    def _may_send(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in SAFE_METHODS):
            return True
        return origin.partition("://")[2] == headers.get("host") or self._origins.allow(origin)


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(1008, message)(scope, receive, send)
        return
    body = json.dumps({"errors": [{"message": message, "extensions": {"code": "FORBIDDEN"}}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
