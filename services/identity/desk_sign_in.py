"""Signing in at the desk by OpenID Connect: what the page is told, and which settings can't work.

The page asks the issuer itself (authorization code flow with PKCE) and sends the access token that it gets as its
bearer token. The server checks that token like any other: `services/identity/token_claims.py`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime.addresses import is_private

_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")
USUAL_SCOPE = "openid"


@dataclass(frozen=True, slots=True)
class DeskSignIn:
    """Who signs people in, and as what this desk is known there."""

    issuer: str
    client_id: str
    scope: str = USUAL_SCOPE
    audience: str | None = None

    @property
    def origin(self) -> str:
        """What the page may connect to besides its own server."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def as_json(self) -> dict[str, str | None]:
        return {
            "issuer": self.issuer,
            "clientId": self.client_id,
            "scope": self.scope,
            "audience": self.audience,
        }


def problems_of_sign_in(given: Mapping[str, str | None], *, desk: bool, has_keys: bool) -> Iterator[str]:
    """What keeps the settings of these names, `DESK_OIDC_…`, from working; one sentence a name."""
    named = ", ".join(name for name, value in given.items() if value)
    if not named:
        return
    for name in ("DESK_OIDC_ISSUER", "DESK_OIDC_CLIENT_ID"):
        if not given[name]:
            yield f"{name}: is not set, and {named} is; the desk's sign-in needs both"
    issuer, scope = given["DESK_OIDC_ISSUER"], given["DESK_OIDC_SCOPE"]
    if issuer and not is_issuer(issuer):
        yield (
            "DESK_OIDC_ISSUER: is an address such as https://login.shop.example/realms/shop, without a query; "
            "only one on this machine may begin with http://"
        )
    if scope and "openid" not in scope.split():
        yield "DESK_OIDC_SCOPE: has `openid` among its words, since the page checks an ID token"
    if not desk:
        yield f"DESK: is off, and {named} is set; the sign-in is the desk's"
    if not has_keys:
        yield (
            f"JWT_JWKS_URL: is not set, and {named} is; the server checks the issuer's tokens by its published keys"
        )


def is_issuer(text: str) -> bool:
    """Whether it can be an issuer's identifier (OpenID Connect Discovery, 3), and its origin stand in a policy."""
    return (
        is_private(text)
        and not {"?", "#"} & set(text)
        and bool(_HOST_AND_PORT.fullmatch(urlsplit(text).netloc))
    )
