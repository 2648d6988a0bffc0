"""One line and one count for each request: what was asked for, how it ended, how long it took.

A request is named after the root field that it reached in the schema, never after the name that a client gave to
its operation.
"""

import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from inspect import isawaitable
from secrets import token_hex
from typing import Any, TypeVar

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.context import Context
from runtime import logs
from runtime.ids import read_id
from runtime.metrics import REQUEST_SECONDS, REQUESTS
from runtime.observation import NO_OPERATION, SEVERAL, Observation, current
from runtime.tracing import tracing

GRAPHQL, WEBHOOK = "/graphql", "/webhooks/stripe"
REST = "/api/payments/create-intent"
COUNTED = {
    GRAPHQL: NO_OPERATION,
    WEBHOOK: "stripeWebhook",
    REST: "createPaymentIntent",
}  # the rest is probes and pages
OK, NULL, HUNG_UP = "ok", "null", "CLIENT_DISCONNECTED"
RESULTS = {
    0: HUNG_UP,
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_SERVER_ERROR",
    503: "TIMEOUT",
}
FAILED, UNAVAILABLE = "HTTP_ERROR", "SERVICE_UNAVAILABLE"
ALARMING = (RESULTS[500], RESULTS[503])
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_REQUEST_ID = b"x-request-id"

# To find a metric by its labels costs more than to count with it. They are ours, so there are few.
_requests, _seconds = cache(REQUESTS.labels), cache(REQUEST_SECONDS.labels)

T = TypeVar("T")
Resolver = Callable[..., Any]


class Observed:
    """Middleware: gives each request an id (the client's own, if it is well-formed), and writes its line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A preflight is the browser's question, not an operation.
        path = scope["path"] if scope["method"] != "OPTIONS" else "preflight"
        began, status = time.perf_counter(), 0
        seen = Observation(request_id_of(scope), COUNTED.get(path, NO_OPERATION))
        before = current.set(seen)

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((_REQUEST_ID, seen.request_id.encode()))
            await send(message)

        try:
            if tracing.is_on and path in COUNTED:
                await self._traced(seen, scope, receive, send_observed)
            else:
                await self._app(scope, receive, send_observed)
        except Exception:
            status = 500  # as Starlette will answer, outside of this
            raise
        finally:
            current.reset(before)
            finish(seen, time.perf_counter() - began, path=path, status=status)

    async def _traced(self, seen: Observation, scope: Scope, receive: Receive, send: Send) -> None:
        """The span has the request's id, and the request's lines have the trace's: either leads to the other."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        with tracing.request(scope["method"], scope["path"], headers) as span:
            if span is not None:
                span.set_attribute("paygraph.request_id", seen.request_id)
                seen.trace_id = f"{span.get_span_context().trace_id:032x}"

            async def send_recorded(message: Message) -> None:
                if span is not None and message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, send_recorded)


def request_id_of(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == _REQUEST_ID), b"")
    if _WELL_FORMED.fullmatch(given):
        text: str = given.decode()
        if logs.without_secrets(text) == text:
            return text
    return token_hex(16)


def finish(seen: Observation, seconds: float, *, path: str, status: int) -> None:
    if seen.result is None or (
        status >= 500 and not seen.result.isupper()
    ):  # a type, and then it was given up
        seen.result = OK if 0 < status < 400 else RESULTS.get(status, FAILED)
        if status == 503 and path != GRAPHQL:
            seen.result = UNAVAILABLE
    if path in COUNTED:
        count(seen, seen.result, seconds)
        logs.request_line(seen, seconds, status)
    elif status >= 500:
        logs.request_line(seen, seconds, status, path=path)


def count(seen: Observation, result: str, seconds: float) -> None:
    _requests(seen.operation, result).inc()
    if not seen.follows:
        _seconds(seen.operation).observe(seconds)


async def observed_stream(results: AsyncGenerator[T, None], context: Context) -> AsyncGenerator[T, None]:
    """What an operation of a socket answers; each has a line of its own, a subscription when it ends."""
    began = time.perf_counter()
    seen = Observation(token_hex(16), user=context.principal.id if context.principal else None)
    current.set(seen)  # for this operation's task alone
    try:
        async with aclosing(results):
            async for result in results:
                yield result
    finally:
        seconds = time.perf_counter() - began
        seen.result = seen.result or OK
        count(seen, seen.result, seconds)
        logs.request_line(seen, seconds)


def observe_errors(errors: Sequence[GraphQLError]) -> None:
    """The first error, as the client sees it, is how the request ended."""
    seen = current.get()
    if seen is not None:
        seen.result = str((errors[0].extensions or {}).get("code", FAILED))


def observe_root_fields(schema: GraphQLSchema) -> None:
    """Have the fields of Query, Mutation and Subscription tell that they were reached, and what they answered."""
    for root in (schema.query_type, schema.mutation_type):
        for name, field in fields_of(root).items():
            field.resolve = _observed(name, field.resolve)
    for name, field in fields_of(schema.subscription_type).items():
        field.subscribe = _observed(name, field.subscribe, follows=True)


def begin_counting(schema: GraphQLSchema) -> None:
    """Count 0 of each failure that an alert looks for: a series that begins with its first count is no increase."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    operations = [name for root in roots for name in fields_of(root)]
    for operation in (NO_OPERATION, SEVERAL, *operations):
        for result in ALARMING:
            REQUESTS.labels(operation, result)
    for result in (*RESULTS.values(), FAILED, UNAVAILABLE):
        REQUESTS.labels(COUNTED[WEBHOOK], result)


def fields_of(root: GraphQLObjectType | None) -> Mapping[str, Any]:
    return root.fields if root else {}


def _observed(name: str, resolve: Resolver, *, follows: bool = False) -> Resolver:
    async def awaited(seen: Observation, answer: Any) -> Any:
        with tracing.span(f"graphql {name}"):
            return _recorded(seen, await answer)

    def resolve_observed(source: Any, info: Any, **arguments: Any) -> Any:
        seen = current.get()
        if seen is None:
            return resolve(source, info, **arguments)
        seen.reach(name)
        seen.order = _order_of(arguments) or seen.order
        seen.follows = follows
        answer = resolve(source, info, **arguments)
        if follows:
            return answer
        if isawaitable(answer):
            return awaited(seen, answer)
        with tracing.span(f"graphql {name}"):
            return _recorded(seen, answer)

    return resolve_observed


def _order_of(arguments: Mapping[str, Any]) -> Any:
    """The order that an operation is about, by whatever name its argument has; None for an invalid id."""
    given = arguments.get("input")
    inside = given.get("orderId") if isinstance(given, Mapping) else None
    wanted = arguments.get("orderId") or arguments.get("id") or inside
    return read_id(wanted) if wanted else None


def _recorded(seen: Observation, answer: T) -> T:
    kind = NULL if answer is None else type(answer).__name__
    seen.result = kind if seen.operation != SEVERAL else OK
    if kind == "Order":
        seen.order = getattr(answer, "id", seen.order)
    return answer
