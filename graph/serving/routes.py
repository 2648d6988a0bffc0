"""The routes beside `/graphql`: Stripe's webhook and the probes; and what every answer says to browsers."""

import hmac
from collections.abc import Awaitable, Callable, Sequence

import structlog
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.serving.browsers import cross_origin
from graph.serving.observing import Observed
from runtime.database.database import DatabaseUnavailable
from runtime.origins import AllowedOrigins
from runtime.paths import EitherPath
from services.operations.health import OK, Health
from services.operations.metrics_endpoint import CONTENT_TYPE, MetricsEndpoint
from services.reconciliation.inbox import Inbox
from services.reconciliation.stripe_events import UnverifiedEvent

Endpoint = Callable[[Request], Awaitable[Response]]

# HTTPS is the proxy's, and so is Strict-Transport-Security.
SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)

log = structlog.get_logger(__name__)


def layers(
    routes: Sequence[BaseRoute],
    origins: AllowedOrigins,
    cors_headers: Sequence[str] = (),
    *,
    with_cookies: bool = False,
) -> list[Middleware]:
    """What every request passes, outermost first. `with_cookies`: pages of the origins may send theirs."""
    paths = [route.path for route in routes if isinstance(route, Route | WebSocketRoute)]
    return [
        Middleware(EitherPath, paths),
        Middleware(Observed),
        Middleware(SafeHeaders),
        *cross_origin(origins, cors_headers, with_cookies=with_cookies),
    ]


class SafeHeaders:
    """Middleware that adds the `SAFE_HEADERS` that an answer has not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"].extend(pair for pair in SAFE_HEADERS if pair[0] not in present)
            await send(message)

        await self._app(scope, receive, send_safely)


class Unanswered(Response):
    """For a client that hung up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass


def stripe_webhook(inbox: Inbox) -> Endpoint:
    """`POST /webhooks/stripe`: 200 once an event is stored, 400 for what Stripe did not sign, 503 to have it again."""

    async def receive(request: Request) -> Response:
        if not inbox.is_open:
            return JSONResponse({"error": "STRIPE_WEBHOOK_SECRET is not set"}, 503)
        try:
            await inbox.receive(await request.body(), request.headers.get("stripe-signature", ""))
        except UnverifiedEvent as error:
            log.warning("webhook refused", reason=str(error))
            return JSONResponse({"error": str(error)}, 400)
        except ClientDisconnect:
            return Unanswered()
        except DatabaseUnavailable as error:
            log.warning("webhook not stored", reason=str(error))
            return JSONResponse({"error": "the database is away: send it again"}, 503)
        return JSONResponse({"received": True})

    return receive


def for_operators(health: Health, endpoint: MetricsEndpoint, token: SecretStr | None) -> list[Route]:
    """`/livez`, `/readyz`, and `/metrics`, which asks for the token if there is one."""
    secret = token.get_secret_value() if token else None
    return [
        Route("/livez", livez),
        Route("/readyz", readyz(health)),
        Route("/metrics", metrics(endpoint, secret)),
    ]


async def livez(request: Request) -> Response:
    """200 as long as the process answers; an orchestrator restarts it otherwise."""
    return JSONResponse({"status": OK})


def readyz(health: Health) -> Endpoint:
    """200 when orders can be paid here, 503 otherwise; either way each part by name, and what is wrong with it."""

    async def check(request: Request) -> Response:
        report = await health.check()
        return JSONResponse(report.as_json(), 200 if report.is_ready else 503)

    return check


def metrics(endpoint: MetricsEndpoint, token: str | None) -> Endpoint:
    """Prometheus's numbers: for anyone, or with a token for who sends it as `Authorization: Bearer …`."""
    expected = f"Bearer {token}".encode()

    async def scrape(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if token and not hmac.compare_digest(given, expected):
            return JSONResponse(
                {"error": "Send METRICS_TOKEN as a bearer token."}, 401, {"WWW-Authenticate": "Bearer"}
            )
        return Response(await endpoint.text(), media_type=CONTENT_TYPE)

    return scrape
