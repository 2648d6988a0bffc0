"""The pages in `web/dist`: the demo's shop, the desk of a shop's people and the GraphiQL explorer.

Each stands under a policy that lets in nothing else.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from graph.serving.compressed_files import ENDINGS, compressed_response
from graph.serving.routes import Endpoint
from services.identity.desk_sign_in import DeskSignIn

# Where Stripe.js comes from, calls and shows its frames: https://docs.stripe.com/security/guide#content-security-policy
STRIPE_JS = "https://js.stripe.com/endive/stripe.js"
STRIPE = {
    "script-src": "https://js.stripe.com https://*.js.stripe.com",
    "connect-src": "https://api.stripe.com",
    "frame-src": "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
    "img-src": "https://*.stripe.com",
}
COMMON = {
    "X-Content-Type-Options": "nosniff",
    # The address a bank sends the customer back to holds the client secret: others get the origin alone.
    "Referrer-Policy": "strict-origin",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
DIST = Path(__file__).parents[2] / "web" / "dist"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class SiteUser:
    """A user that any visitor of the demo may act as."""

    id: str
    name: str
    role: Literal["customer", "merchant"]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages are told. `sandbox` is the stand-in for Stripe, whose own Stripe.js is used then; `sign_in` is
    where the desk's people sign in, if they do so by OpenID Connect."""

    publishable_key: str = ""
    sandbox: str | None = None
    users: tuple[SiteUser, ...] = ()
    sign_in: DeskSignIn | None = None

    @property
    def stripe_js(self) -> str:
        return f"{self.sandbox}/v3/stripe.js" if self.sandbox else STRIPE_JS

    def as_json(self) -> dict[str, object]:
        return {
            "graphql": "/graphql",
            "stripeJs": self.stripe_js,
            "publishableKey": self.publishable_key,
            "sandbox": self.sandbox,
            "users": [asdict(user) for user in self.users],
            "signIn": self.sign_in and self.sign_in.as_json(),
        }


def site_routes(dist: Path, site: Site, *, shop: bool, explorer: bool, desk: bool) -> list[BaseRoute]:
    """The routes of the pages that are switched on; none at all when no page is."""
    if not (shop or explorer or desk):
        return []
    routes: list[BaseRoute] = [
        Mount("/assets", Assets(directory=dist / "assets")),
        Route("/config.json", config(site)),
    ]
    if explorer:
        routes.append(Route("/explorer/", page(dist / "explorer" / "index.html", explorer_policy())))
    if desk:
        routes.append(Route("/desk/", page(dist / "desk" / "index.html", desk_policy(site))))
    if shop:
        routes.append(Route("/", page(dist / "index.html", shop_policy(site))))
    return routes


NOWHERE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>There is no such page</title>
<style>body {{ max-width: 32rem; margin: 15vh auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif }}</style>
<h1>There is no such page</h1>
<p>These are here:</p>
<ul>{links}</ul>
</html>
"""


def no_such_page(
    *, shop: bool, explorer: bool, desk: bool
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What a browser is shown where nothing is: the pages that there are. Programs get two words, and so does everybody
    where no page is switched on."""
    named = {("/", "The shop"): shop, ("/desk/", "The desk"): desk, ("/explorer/", "The explorer"): explorer}
    links = "".join(f'<li><a href="{path}">{name}</a></li>' for (path, name), is_on in named.items() if is_on)
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}

    async def answer(request: Request, _: Exception) -> Response:
        if not links or "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Not Found", 404, headers=COMMON)
        return HTMLResponse(NOWHERE.format(links=links), 404, headers=COMMON | policy)

    return answer


class Assets(StaticFiles):
    """Files whose names carry a hash of what is in them: a browser never has to ask again."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        file = Path(full_path)
        if file.suffix in ENDINGS.values():
            raise HTTPException(404)  # an encoding of a file, not a file of its own
        return compressed_response(file, Headers(scope=scope), COMMON | {"Cache-Control": FOR_EVER})


def page(file: Path, policy: str) -> Endpoint:
    """An HTML file that the browser asks for anew each time, with its policy."""
    headers = COMMON | {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}

    async def send(request: Request) -> Response:
        return compressed_response(file, request.headers, headers)

    return send


def config(site: Site) -> Endpoint:
    """`/config.json`. The tokens in it are the demo's: outside the demo there are none."""

    async def answer(_: Request) -> Response:
        return JSONResponse(site.as_json(), headers=COMMON | {"Cache-Control": "no-store"})

    return answer


def shop_policy(site: Site) -> str:
    """Scripts and calls are ours and Stripe's alone."""
    sources = dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "img-src"), "'self'")
    stripe = dict.fromkeys(("script-src", "connect-src"), site.sandbox) if site.sandbox else STRIPE
    for name, origins in stripe.items():
        sources[name] = f"{sources.get(name, '')} {origins}".strip()
    return policy(sources)


def desk_policy(site: Site) -> str:
    """Its users may give money back: no script of another origin runs, and nothing is sent elsewhere, but to who signs
    them in."""
    sources = dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "img-src"), "'self'")
    if site.sign_in:
        sources["connect-src"] += f" {site.sign_in.origin}"
    return policy(sources)


def explorer_policy() -> str:
    """GraphiQL's editor writes styles into the page, and its workers are files of ours."""
    return policy(
        {
            "script-src": "'self'",
            "style-src": "'self' 'unsafe-inline'",
            "font-src": "'self' data:",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "worker-src": "'self'",
        }
    )


def policy(sources: dict[str, str]) -> str:
    nothing = dict.fromkeys(
        ("default-src", "object-src", "base-uri", "form-action", "frame-ancestors"), "'none'"
    )
    return "; ".join(f"{name} {origins}" for name, origins in (nothing | sources).items())
