"""`/graphql` over WebSocket: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

Queries and mutations come this way too, under the same bounds; only signing in differs, since a browser can't set
headers here.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from functools import partial
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
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types import ExecutionResult

from graph.context import Context, ContextMaker
from graph.schema import ServedSchema, schema
from graph.serving.credentials import bearer_token
from graph.serving.http import LONGEST, TOO_LONG, GraphQLEndpoint, operation_from, refusal
from graph.serving.open_sockets import MADE_ROOM, OpenSocket, OpenSockets, TooManySockets
from graph.serving.work_limits import WorkLimits
from runtime.origins import AllowedOrigins
from runtime.socket_edge import TOO_MANY_MESSAGES
from services.identity.principal import Principal

SIGN_IN_WITHIN = timedelta(seconds=10)
LONGEST_REASON = 123  # bytes, of RFC 6455
MOST_OPERATIONS = 20  # at once on one socket
UNSIGNED_FOR = 60.0  # seconds that a socket stays open without a token
LONGEST_TIMER = 86_400.0
BYTES_OF_UNIT = 1_000  # of a message, which costs a unit more: reading one takes some 50 µs
UNITS_OF_CALLER = 200.0  # a second, and seven times as much at once: all their subscriptions after a restart
UNITS_OF_ADDRESS = 1_000.0  # of those who have not signed in, for whom one proxy may speak
FORBIDDEN = 4403  # graphql-ws signs in anew after it, and goes on
UNAUTHENTICATED = "UNAUTHENTICATED"
TOKEN_ENDED = "The token has ended or was revoked: sign in anew."  # nosec B105  # noqa: S105  no token
SIGN_IN_FIRST = "A socket without a token is closed after a minute: sign in."

current_socket: ContextVar[OpenSocket] = ContextVar("current_socket")

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


class _Metered(WebSocket):
    """Each message is charged to who sends it, whatever it says, and gives others a turn."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, charge: Callable[[int], None]) -> None:
        super().__init__(scope, receive, send)
        self._charge = charge

    async def receive_text(self) -> str:
        text = await super().receive_text()
        await asyncio.sleep(0)  # messages that came together would follow each other at once
        try:
            self._charge(1 + len(text) // BYTES_OF_UNIT)
        except GraphQLError as error:
            await self.close(TOO_MANY_MESSAGES, fitting(error.message))
            raise WebSocketDisconnect(TOO_MANY_MESSAGES) from error
        return text


@asynccontextmanager
async def closed_on_request(socket: WebSocket, opened: OpenSocket) -> AsyncIterator[None]:
    """Until the block ends, `opened.end` has the socket closed with the code after which graphql-ws comes again."""
    closing: list[asyncio.Task[None]] = []

    async def close() -> None:
        with suppress(RuntimeError, WebSocketDisconnect):  # it has ended by itself
            await socket.close(FORBIDDEN, MADE_ROOM)

    opened.end = lambda: closing.append(asyncio.create_task(close()))
    try:
        yield
    finally:
        if closing:
            await asyncio.wait(closing)


def fitting(reason: str) -> str:
    """The reason as a closing frame can hold it; it may repeat what the client sent, such as an id."""
    return reason.encode(errors="replace")[:LONGEST_REASON].decode(errors="ignore")


class PromptSchema:
    """The schema as one socket uses it: each operation asks whether its caller's token still lives, and is given up
    when its first answer does not come in time."""

    def __init__(
        self, longest: float, end: Callable[[], Awaitable[None]], served: ServedSchema = schema
    ) -> None:
        self._served = served
        self._longest = longest
        self._end = end

    async def stream(self, query: str, context_value: Context, **others: Any) -> StreamResult:
        # A context of its own: the operations of a socket run at once, and each spends for itself.
        context = replace(context_value)
        await context.recheck()
        results = first_in_time(
            await self._served.stream(query, context_value=context, **others), self._longest
        )
        return results if context_value.principal is None else self._until_refused(results)

    async def _until_refused(self, results: StreamResult) -> StreamResult:
        """The results of a caller who had signed in: once their token counts no more, the socket ends with it.

        To a client an error would be the end of its subscription; after the end of a socket it signs in anew.
        """
        async with aclosing(results):
            async for result in results:
                errors: list[GraphQLError] = getattr(result, "errors", None) or []
                if any((error.extensions or {}).get("code") == UNAUTHENTICATED for error in errors):
                    await self._end()
                    await asyncio.Event().wait()  # until the socket's end calls this operation off
                yield result


class _Operations(BaseGraphQLTransportWSHandler[Context, None]):
    def __init__(self, view: "GraphQLSocket", **others: Any) -> None:
        super().__init__(view, **{**others, "schema": PromptSchema(view.longest, self.end, view.served)})
        self._view = view
        self._ending: asyncio.TimerHandle | None = None

    async def handle_message(self, message: Message) -> None:
        try:
            check_operation(message)
        except HTTPException as error:  # the same message as over HTTP
            await self.handle_invalid_message(error.detail)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        if message.get("payload", {}) is None:  # as clients without parameters send it
            message = {"type": "connection_init"}
        try:
            await super().handle_connection_init(message)
        except TooManySockets as error:
            await self.websocket.close(FORBIDDEN, str(error))
            return
        if self.connection_acknowledged:
            self._end_in(self._view.seconds_for(self.context.principal))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if len(self.operations) >= MOST_OPERATIONS and message["id"] not in self.operations:
            error = GraphQLError(
                f"A socket has at most {MOST_OPERATIONS} operations at once.",
                extensions={"code": "TOO_MANY_OPERATIONS"},
            )
            await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
        else:
            await super().handle_subscribe(message)

    def _end_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        # A day at a time, since a timer has its own bound.
        again = partial(self._end_in, seconds - LONGEST_TIMER)
        end: Callable[[], object] = lambda: loop.create_task(self.end())  # noqa: E731
        self._ending = loop.call_later(
            min(seconds, LONGEST_TIMER), end if seconds <= LONGEST_TIMER else again
        )

    async def end(self) -> None:
        """Close the socket since its caller has to sign in, anew or at all; graphql-ws does so and goes on."""
        signed_in = self.context.principal is not None
        await self.websocket.close(FORBIDDEN, TOKEN_ENDED if signed_in else SIGN_IN_FIRST)

    async def shutdown(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()


class GraphQLSocket(GraphQLEndpoint):
    """The endpoint of both routes; `origins` may open sockets besides the server's own."""

    websocket_adapter_class = _Messages  # type: ignore[assignment]
    graphql_transport_ws_handler_class = _Operations

    def __init__(
        self,
        maker: ContextMaker,
        origins: AllowedOrigins | None = None,
        *,
        longest: float = LONGEST,
        unsigned_for: float = UNSIGNED_FOR,
        sockets: OpenSockets | None = None,
        served: ServedSchema = schema,
        messages: WorkLimits | None = None,
    ) -> None:
        super().__init__(maker, longest=longest, served=served)
        self.served = served
        self._maker = maker
        self._unsigned_for = unsigned_for
        self._sockets = sockets or OpenSockets()
        self._messages = messages or WorkLimits(of_caller=UNITS_OF_CALLER, of_address=UNITS_OF_ADDRESS)
        self.protocols = (GRAPHQL_TRANSPORT_WS_PROTOCOL,)
        self.connection_init_wait_timeout = SIGN_IN_WITHIN
        self._origins = origins or AllowedOrigins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
            return
        client = scope.get("client")
        try:
            with self._sockets.one_more(client[0] if client else "") as opened:
                current_socket.set(opened)
                socket = _Metered(scope, receive, send, partial(self._charge, opened))
                async with closed_on_request(socket, opened):
                    await self.run(socket)
        except TooManySockets as error:
            log.warning("socket refused", reason=str(error))
            refused = refusal(503, str(error), code="TOO_MANY_SOCKETS")
            await WebSocket(scope, receive, send).send_denial_response(refused)

    def _charge(self, opened: OpenSocket, units: int) -> None:
        self._messages.account_of(opened.caller, opened.address).charge(units)

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return self._origins.allow(origin)

    async def on_ws_connect(self, context: Context) -> Any:
        """Sign in with the `Authorization` of `connection_init`, as it would stand in a header."""
        sent = authorization_in(context.connection_params or {})
        if sent is not None:
            await self._maker.sign_in(context, bearer_token(sent))
        if context.principal is not None:
            self._sockets.sign_in(current_socket.get(), context.principal.id)
        return UNSET  # an acknowledgement without a payload

    def seconds_for(self, principal: Principal | None) -> float:
        """How long this caller's socket may stay open."""
        return self._unsigned_for if principal is None else max(0.0, principal.expires_at - time.time())


def authorization_in(params: Mapping[str, object]) -> str | None:
    """`Authorization` in the parameters or in their `headers`, in any case, as frontends send it."""
    headers = params.get("headers")
    for each in (params, headers if isinstance(headers, Mapping) else {}):
        found = next((value for name, value in each.items() if name.lower() == "authorization"), None)
        if isinstance(found, str):
            return found
    return None


def check_operation(message: Mapping[str, Any]) -> None:
    """HTTPException for a message about an operation with a part of the wrong kind; Strawberry uses what comes."""
    kind = message.get("type") if isinstance(message, dict) else None
    if kind not in ("subscribe", "complete"):
        return
    if not isinstance(message.get("id"), str):
        raise HTTPException(400, "`id` is a string.")
    if kind == "subscribe":
        payload = message.get("payload")
        if not isinstance(payload, dict):
            raise HTTPException(400, "`payload` is an object.")
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
            log.warning("operation timed out", seconds=longest)
            yield ExecutionResult(None, [GraphQLError(TOO_LONG, extensions={"code": "TIMEOUT"})])
            return
        yield first
        async for result in results:
            yield result
