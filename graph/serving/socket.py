"""`/graphql` over WebSocket: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

Queries and mutations come this way too, under the same bounds; only signing in differs, since a browser can't set
headers here.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry import UNSET
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, WebSocketDisconnected
from strawberry.schema.schema import StreamResult
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types import ExecutionResult

from graph.context import Context, ContextMaker
from graph.schema import schema
from graph.serving.credentials import bearer_token
from graph.serving.http import LONGEST, TOO_LONG, GraphQLEndpoint, operation_from
from runtime.origins import AllowedOrigins

SIGN_IN_WITHIN = timedelta(seconds=10)
LONGEST_REASON = 123  # bytes, of RFC 6455
MOST_OPERATIONS = 20  # at once on one socket

T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Messages(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        try:
            async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
                yield message
        except HTTPException as error:  # what `decode_json` says to HTTP clients
            raise NonJsonMessageReceived from error

    # The server closes a socket by itself when what comes is no frame, and takes nothing more for it.

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await super().send_json(message)
        except RuntimeError as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await super().close(code, fitting(reason))


def fitting(reason: str) -> str:
    """The reason as a closing frame can hold it; it may repeat what the client sent, such as an id."""
    return reason.encode(errors="replace")[:LONGEST_REASON].decode(errors="ignore")


class _PromptSchema:
    """The schema as sockets use it: each operation is given up when its first answer does not come in time."""

    def __init__(self, longest: float) -> None:
        self._longest = longest

    async def stream(self, query: str, context_value: Context, **others: Any) -> StreamResult:
        # A context of its own: the operations of a socket run at once, and each spends for itself.
        context = replace(context_value)
        await context.recheck()
        results = await schema.stream(query, context_value=context, **others)
        return first_in_time(results, self._longest)


class _Operations(BaseGraphQLTransportWSHandler[Context, None]):
    def __init__(self, view: "GraphQLSocket", **others: Any) -> None:
        super().__init__(view, **{**others, "schema": _PromptSchema(view.longest)})

    async def handle_message(self, message: Message) -> None:
        try:
            check_operation(message)
        except HTTPException as error:  # what HTTP clients are told
            await self.handle_invalid_message(error.detail)
        else:
            await super().handle_message(message)


class GraphQLSocket(GraphQLEndpoint):
    """The endpoint of both routes; `origins` may open sockets besides the server's own."""

    websocket_adapter_class = _Messages  # type: ignore[assignment]
    graphql_transport_ws_handler_class = _Operations

    def __init__(
        self, maker: ContextMaker, origins: AllowedOrigins | None = None, *, longest: float = LONGEST
    ) -> None:
        super().__init__(maker, longest=longest)
        self._maker = maker
        self.protocols = (GRAPHQL_TRANSPORT_WS_PROTOCOL,)
        self.connection_init_wait_timeout = SIGN_IN_WITHIN
        self.max_subscriptions_per_connection = MOST_OPERATIONS
        self._origins = origins or AllowedOrigins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive, send))
        else:
            await super().__call__(scope, receive, send)

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return self._origins.allow(origin)

    async def on_ws_connect(self, context: Context) -> Any:
        """Sign in with the `Authorization` of `connection_init`, in either case, as it would stand in a header."""
        params = context.connection_params or {}
        sent = next((value for name, value in params.items() if name.lower() == "authorization"), None)
        if isinstance(sent, str):
            await self._maker.sign_in(context, bearer_token(sent))
        return UNSET  # an acknowledgement without a payload


def check_operation(message: Mapping[str, Any]) -> None:
    """HTTPException for an operation with a part that is of the wrong kind; Strawberry executes what comes."""
    if isinstance(message, dict) and message.get("type") == "subscribe":
        payload = message.get("payload")
        if not isinstance(message.get("id"), str) or not isinstance(payload, dict):
            raise HTTPException(400, "`id` is a string and `payload` an object.")
        if not operation_from(payload).query:
            raise HTTPException(400, "Pass the operation as `query`: hashes are for HTTP.")


async def first_in_time(
    results: AsyncGenerator[T, None], longest: float
) -> AsyncGenerator[T | ExecutionResult, None]:
    """The results, if the first comes within `longest` seconds; else an error with the code TIMEOUT, and no more.

    A query or a mutation has one result, so all of it is bounded. A subscription tells the present state at once,
    and then waits as long as it takes.
    """
    async with aclosing(results):
        try:
            async with asyncio.timeout(longest):
                first = await anext(results)
        except TimeoutError:
            log.error("operation timed out", seconds=longest)
            yield ExecutionResult(None, [GraphQLError(TOO_LONG, extensions={"code": "TIMEOUT"})])
            return
        yield first
        async for result in results:
            yield result
