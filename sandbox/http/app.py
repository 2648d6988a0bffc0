"""The sandbox over HTTP: a thin layer that reads a request, lets the core answer, and puts it on the wire.

Not for production. It keeps card numbers' effects, knows no encryption and refuses live keys; `serve.py` binds it to
loopback only.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.browser.stripe_js import STRIPE_JS
from sandbox.config import SandboxConfig
from sandbox.core import Deliver, Sandbox
from sandbox.http.answers import Answer, ApiRequest
from sandbox.http.api import not_done
from sandbox.http.control import CONTROL_ROUTES
from sandbox.http.guard import comes_from_elsewhere, refusal
from sandbox.http.wire import TRANSPORT, WireResponse
from sandbox.webhooks.postman import Postman

__all__ = ["SandboxConfig", "build_sandbox"]

_LARGEST_BODY = 1_000_000
_METHODS = ["GET", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"]
# What api.stripe.com sends to browsers, so that Stripe.js can call it from any page.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Expose-Headers": "Request-Id, Stripe-Manage-Version, Stripe-Should-Retry",
    "Access-Control-Max-Age": "300",
}


class SandboxApp(Starlette):
    """Starlette, plus the server's transport in the scope: without it no fault can drop a connection.

    Requests for another host or from another site's page are refused before anything else looks at them.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refused = refusal(scope, self.state.sandbox.config.hosts)
            if refused is not None:
                await refused(scope, receive, send)
                return
            # uvicorn's `send` is a method of the request's cycle, whose `transport` is the connection.
            transport = getattr(getattr(send, "__self__", None), "transport", None)
            scope = {**scope, "extensions": {**scope.get("extensions", {}), TRANSPORT: transport}}
        await super().__call__(scope, receive, send)


def build_sandbox(config: SandboxConfig) -> Starlette:
    """The app. `app.state.sandbox` is its `Sandbox`, `app.state.postman` delivers webhooks while the lifespan runs."""
    sandbox = Sandbox(config)
    postman = Postman(sandbox.webhooks, config.retry_delays)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await postman.start()
        try:
            yield
        finally:
            await postman.stop()
            sandbox.close()

    app = SandboxApp(
        routes=[
            Route("/v1/{rest:path}", _api, methods=_METHODS),
            Route("/v2/{rest:path}", _api, methods=_METHODS),
            STRIPE_JS,
            *CONTROL_ROUTES,
        ],
        lifespan=lifespan,
        exception_handlers={404: _nowhere},
    )
    app.state.sandbox = sandbox
    app.state.postman = postman
    return app


async def _api(request: Request) -> Response | WireResponse:
    if request.method == "OPTIONS":
        allowed = {"Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*")}
        return Response(status_code=200, headers=_CORS | allowed)
    body = await _body(request)
    if body is None:
        return JSONResponse(
            {"error": {"type": "invalid_request_error", "message": "Request too large."}}, 413
        )
    call = ApiRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        body=body,
        headers=dict(request.headers),
        base_url=str(request.base_url).rstrip("/"),
        from_elsewhere=comes_from_elsewhere(request.headers),
    )
    try:
        answer = await _drive(request.app.state.sandbox, request.app.state.postman, call)
    except ValueError as error:
        return JSONResponse({"error": f"Sandbox-Fault: {error}"}, 400)
    return WireResponse(answer, _CORS)


async def _nowhere(request: Request, _: Exception) -> Response:
    """Whoever opens the address that the demo prints, in a browser, reads what is there too."""
    refused = not_done(request.method, request.url.path)
    return JSONResponse({"error": refused.error}, refused.status)


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return None
    return body


async def _drive(sandbox: Sandbox, postman: Postman, call: ApiRequest) -> Answer:
    steps = sandbox.steps(call)
    try:
        while True:
            step = next(steps)
            if isinstance(step, Deliver):
                await postman.deliver_now(step.dispatches)
            else:
                await asyncio.sleep(step.seconds)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    finally:
        steps.close()
