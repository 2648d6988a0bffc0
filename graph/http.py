"""`/graphql` over HTTP: https://graphql.github.io/graphql-over-http/draft/

Every refusal carries an `errors` body with `extensions.code`: Apollo Client reads the errors of a 4xx only from
`application/graphql-response+json`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from cross_web import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, process_result
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graph.context import Context
from graph.schema import schema

MODERN, LEGACY = "application/graphql-response+json", "application/json"
CODES = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
MOST_NESTED = 64

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Negotiated:
    """How this request is to be answered."""

    media_type: str
    status_code: int = 200


ContextFactory = Callable[[Request | WebSocket], Awaitable[Context]]


class GraphQLEndpoint(GraphQL[Context, None]):
    """Strawberry's view with the status codes and bodies of the specification, and JSON that can't hurt."""

    def __init__(self, make_context: ContextFactory) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._make_context = make_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise StarletteHTTPException(404)
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except (HTTPException, StarletteHTTPException) as error:
            response = refusal(error.status_code, reason_of(error))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return refusal(405, "Use POST, or GET for queries.", {"Allow": "GET, POST"})
        if request.method == "POST" and not is_json(request.headers.get("content-type", "")):
            return refusal(415, "Send the operation as application/json, in UTF-8.")
        if request.method == "GET" and not {"query", "extensions"} & request.query_params.keys():
            return refusal(400, "Pass the operation as `query`.")
        response = await self.run(request)
        assert isinstance(response, Response)  # noqa: S101  a WebSocket can't come here
        return response

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        return await self._make_context(request)

    async def get_sub_response(self, request: Request | WebSocket) -> Any:
        return Negotiated(media_type_for(request.headers.get("accept", "*/*")))

    def should_render_graphql_ide(self, request: Any) -> bool:
        return False

    def decode_json(self, data: str | bytes) -> object:
        return read_json(data)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = process_result(result)
        if isinstance(result, PreExecutionError):
            del answer["data"]  # nothing was executed
        return answer

    def create_response(self, response_data: Any, sub_response: Any) -> Response:
        executed = "data" in response_data
        status = 200 if executed or sub_response.media_type == LEGACY else 400
        return Response(self.encode_json(response_data), status, media_type=sub_response.media_type)


def read_json(data: str | bytes) -> dict[str, Any]:
    """A JSON object; anything else is the client's mistake, however it is malformed."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise HTTPException(400, "Send one operation as a JSON object; batches are not taken.")
    return value


def is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "') or "utf-8"
    return media_type.strip() == LEGACY and charset in ("utf-8", "utf8")


def media_type_for(accept: str) -> str:
    """What the client asked for; a client that takes anything gets what old clients expect."""
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for media_type in wanted:
        if media_type == MODERN:
            return MODERN
        if media_type in (LEGACY, "application/*", "*/*"):
            return LEGACY
    raise HTTPException(406, f"Accept {MODERN} or {LEGACY}.")


def reason_of(error: HTTPException | StarletteHTTPException) -> str:
    return error.reason if isinstance(error, HTTPException) else error.detail


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    code = CODES.get(status, "BAD_REQUEST")
    body = json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(body, status, headers, media_type=MODERN)
