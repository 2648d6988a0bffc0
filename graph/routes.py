"""The routes beside `/graphql`: Stripe's webhook and the probes."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.health import OK, Health
from services.webhooks import Inbox, UnverifiedEvent

Endpoint = Callable[[Request], Awaitable[Response]]

log = structlog.get_logger(__name__)


def stripe_webhook(inbox: Inbox) -> Endpoint:
    """`POST /webhooks/stripe`: 200 once the event is stored, 400 for what Stripe did not sign."""

    async def receive(request: Request) -> Response:
        if not inbox.is_open:
            return JSONResponse({"error": "STRIPE_WEBHOOK_SECRET is not set"}, 503)
        try:
            await inbox.receive(await request.body(), request.headers.get("stripe-signature", ""))
        except UnverifiedEvent as error:
            log.warning("webhook refused", reason=str(error))
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"received": True})

    return receive


async def livez(request: Request) -> Response:
    """200 as long as the process answers; an orchestrator restarts it otherwise."""
    return JSONResponse({"status": OK})


def readyz(health: Health) -> Endpoint:
    """200 when orders can be paid here, 503 with the reason by name otherwise."""

    async def check(request: Request) -> Response:
        parts = await health.check()
        ready = all(state == OK for state in parts.values())
        return JSONResponse({"status": OK if ready else "unready", **parts}, 200 if ready else 503)

    return check
