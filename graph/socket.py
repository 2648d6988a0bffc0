"""`/graphql` over WebSocket: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

Queries and mutations come this way too, under the same bounds; only signing in differs, since a browser can't set
headers here.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import UNSET
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from graph.context import Context, ContextMaker
from graph.http import GraphQLEndpoint

SIGN_IN_WITHIN = timedelta(seconds=10)
MOST_OPERATIONS = 20  # at once on one socket


class _Messages(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        try:
            async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
                yield message
        except HTTPException as error:  # what `decode_json` says to HTTP clients
            raise NonJsonMessageReceived from error


class GraphQLSocket(GraphQLEndpoint):
    """The endpoint of both routes; `origins` may open sockets besides the server's own."""

    websocket_adapter_class = _Messages  # type: ignore[assignment]

    def __init__(self, maker: ContextMaker, origins: Sequence[str] = ()) -> None:
        super().__init__(maker)
        self._maker = maker
        self.protocols = (GRAPHQL_TRANSPORT_WS_PROTOCOL,)
        self.connection_init_wait_timeout = SIGN_IN_WITHIN
        self.max_subscriptions_per_connection = MOST_OPERATIONS
        self.allowed_origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive, send))
        else:
            await super().__call__(scope, receive, send)

    async def on_ws_connect(self, context: Context) -> Any:
        """Sign in with the `Authorization` of `connection_init`, in either case, as it would stand in a header."""
        params = context.connection_params or {}
        sent = next((value for name, value in params.items() if name.lower() == "authorization"), None)
        if isinstance(sent, str):
            context.user = await self._maker.user_of(sent)
        return UNSET  # an acknowledgement without a payload
