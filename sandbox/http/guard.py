"""Who may speak to the sandbox: programs on this machine, and no page of the internet that a browser here has open.

A page can send requests to loopback addresses. One that names the sandbox by another host (DNS rebinding) gets 421.
One that posts from another site can use the publishable key, as with Stripe; it can't use a secret key, of which the
demo's is known to everyone, and it can't use the control API.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

CONTROL = "/_sandbox/"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What a page sends without asking.
_SIMPLE = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
)
_AUTHENTICATE = "/authenticate"


def refusal(scope: Scope, hosts: Collection[str]) -> Response | None:
    """Why this request gets no answer; None if it does. `hosts` are names beside the loopback ones."""
    headers = Headers(scope=scope)
    if not _is_own_host(headers.get("host", ""), scope, hosts):
        return _refused(
            421, "the Host is not this sandbox's; it answers 127.0.0.1, localhost and [::1] with its port"
        )
    if not scope["path"].startswith(CONTROL) or scope["method"] in ("GET", "HEAD"):
        return None
    if comes_from_elsewhere(headers):
        return _refused(403, "a page of another site may not use the control API")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _SIMPLE and not scope["path"].endswith(_AUTHENTICATE):
        return _refused(415, "the control API takes application/json (curl --json), and no form")
    return None


def comes_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site's page made this request, or one that won't say which."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in ("cross-site", "same-site"):
        return True
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _is_own_host(host: str, scope: Scope, hosts: Collection[str]) -> bool:
    host = host.lower()
    if host in hosts:
        return True
    name, port = _split(host)
    server = scope.get("server")
    own_port = server[1] if server is not None and server[1] is not None else None
    return (name in LOOPBACK or name in hosts) and (own_port is None or port == own_port)


def _split(host: str) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host, 80
    return name, int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": {"type": "invalid_request_error", "message": f"Sandbox: {why}."}}, status)
