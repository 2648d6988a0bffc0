"""The token that a request brings: `Authorization: Bearer …`, or a cookie where JWT_COOKIE names one.

A browser adds a cookie to what any page sends, so a cookie is believed only from pages that may call (CSRF). A page
can set neither `Origin` nor `Sec-Fetch-Site`. A request that has neither comes from no current browser's page, unless
it is a plain GET or a form: a GET reads, and a form can't be application/json.
"""

from dataclasses import dataclass, field

import structlog
from starlette.requests import HTTPConnection

from runtime.origins import AllowedOrigins

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Reads a request's token. `cookie` is the name of the cookie that may hold it; `origins` are pages that may
    call besides this host's own."""

    cookie: str | None = None
    origins: AllowedOrigins = field(default_factory=AllowedOrigins)

    def token_of(self, request: HTTPConnection) -> str | None:
        """The token, `Authorization` before the cookie; None for a caller who brings none that counts."""
        authorization = request.headers.get("authorization")
        if authorization is not None or self.cookie is None:
            return bearer_token(authorization)
        token = request.cookies.get(self.cookie)
        if not token:
            return None
        if len(values_of_cookie(request, self.cookie)) > 1:
            log.warning(
                "cookie refused", reason="two of one name: another host of the domain may have set one"
            )
            return None
        if not self._is_from_our_pages(request):
            log.warning("cookie refused", reason="sent by a page that may not call")
            return None
        return token

    def _is_from_our_pages(self, request: HTTPConnection) -> bool:
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site == "same-origin":
            return True
        if origin is not None:
            return self.origins.allow(origin) or origin == own_origin(request)
        return site in (None, "none")


def values_of_cookie(request: HTTPConnection, cookie: str) -> set[str]:
    """All that the request says under this name: a browser does not tell which host set a cookie."""
    pairs = (
        pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";")
    )
    return {value.strip() for name, _, value in pairs if name.strip() == cookie}


def bearer_token(authorization: str | None) -> str | None:
    """What follows `Bearer` (RFC 6750, 2.1), in any case."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def own_origin(request: HTTPConnection) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(request.url.scheme, request.url.scheme)
    return f"{scheme}://{request.url.netloc}"
