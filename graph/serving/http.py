"""`/graphql` over HTTP: https://graphql.github.io/graphql-over-http/draft/

Every refusal carries an `errors` body with `extensions.code`: Apollo Client reads the errors of a 4xx only from
`application/graphql-response+json`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, process_result
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graph.context import Context
from graph.schema import ServedSchema, schema
from graph.serving.answers import MASKED
from graph.serving.bodies import JsonObject, MalformedJson, read_json
from runtime.encoding import to_json

MODERN, LEGACY = "application/graphql-response+json", "application/json"
WIDER = ("application/*", "*/*")
ANYTHING = WIDER[-1]
MOST_RANGES, MOST_PARAMETERS = 20, 10  # of an Accept header, that are read; browsers send fewer
LONGEST_TYPE = 500  # characters of a Content-Type
LARGEST_OPERATION = 100_000  # bytes, with its variables
LONGEST = 20.0  # seconds, from the first byte of the body to the answer
TOO_LONG = "This took too long and was given up. Mutations are safe to repeat."
CODES = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_SERVER_ERROR",
    503: "TIMEOUT",
}
OPERATIONS = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}
STATUSES = {"INTERNAL_SERVER_ERROR": 500}  # of requests that were never executed; 400 for the others
IDENTITY, NULL = "identity", "null"
NOT_STORED = {"Cache-Control": "no-store"}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Negotiated:
    """How this request is to be answered."""

    media_type: str
    status_code: int = 200


ContextFactory = Callable[[Request | WebSocket], Awaitable[Context]]


class GraphQLEndpoint(GraphQL[Context, None]):
    """Strawberry's view with the status codes and bodies of the specification, and requests that can't hurt."""

    def __init__(
        self,
        make_context: ContextFactory,
        *,
        longest: float = LONGEST,
        served: ServedSchema = schema,
    ) -> None:
        super().__init__(served, graphql_ide=None, subscription_protocols=())
        self._make_context = make_context
        self.longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        request = Request(scope, bounded(receive))
        try:
            response = await self._answer_in_time(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer_in_time(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self.longest):
                return await self._answer(request)
        except HTTPException as error:
            return refusal(error.status_code, error.detail, error.headers)
        except TimeoutError:
            log.warning("operation timed out", seconds=self.longest)
            return refusal(503, TOO_LONG)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request failed")
            return refusal(500, MASKED)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            raise HTTPException(405, "Use POST, or GET for queries.", {"Allow": "GET, POST"})
        if request.method == "POST":
            check_encoding(request.headers)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal():
            raise HTTPException(400, "Content-Length is a number.")
        if int(length) > LARGEST_OPERATION:
            raise TooLarge
        return await self._execute(request)

    async def _execute(self, request: Request) -> Response:
        """What Strawberry's `run` does for a socket, without what only batches, forms and streams need."""
        negotiated = Negotiated(media_type_for(",".join(request.headers.getlist("accept")) or ANYTHING))
        context = await self._make_context(request)
        operation = await self._operation(request)
        result = await self._executed(request.method, operation, context)
        return self.create_response(answer_of(result), negotiated)

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        return await self._make_context(request)

    async def _operation(self, request: Request) -> GraphQLRequestData:
        """One operation: no batches, forms or files."""
        if request.method == "POST":
            return operation_from(decoded(await request.body()))
        parameters: dict[str, Any] = dict(request.query_params)
        if len(parameters) < len(request.query_params.multi_items()):
            raise HTTPException(
                400, "Two parameters have one name: readers disagree on which of them counts."
            )
        for name in ("variables", "extensions"):
            sent = (parameters.get(name) or NULL).strip()
            parameters[name] = decoded(sent) if sent != NULL else None
        return operation_from(parameters)

    def decode_json(self, data: str | bytes) -> object:
        return decoded(data)

    async def _executed(self, method: str, wanted: GraphQLRequestData, context: Context) -> ExecutionResult:
        try:
            return await self.schema.execute(
                wanted.query,
                variable_values=wanted.variables,
                context_value=context,
                operation_name=wanted.operation_name,
                allowed_operation_types=OPERATIONS[method],
                operation_extensions=wanted.extensions,
            )
        except MissingQueryError:
            raise HTTPException(400, "Pass the operation as `query`.") from None
        except CannotGetOperationTypeError:
            raise HTTPException(400, "There is no operation of this name.") from None
        except InvalidOperationTypeError as error:
            raise not_by(method, error.operation_type) from None

    def create_response(self, response_data: Any, sub_response: Any) -> Response:
        status = 200
        if "data" not in response_data and sub_response.media_type == MODERN:
            codes = {error["extensions"]["code"] for error in response_data["errors"]}
            status = max(STATUSES.get(code, 400) for code in codes)
        media_type = f"{sub_response.media_type}; charset=utf-8"
        return Response(to_json(response_data), status, NOT_STORED, media_type)


def answer_of(result: ExecutionResult) -> GraphQLHTTPResponse:
    answer = process_result(result)
    if result.data is None and all(error.path is None for error in result.errors or ()):
        del answer["data"]  # nothing was executed
    return answer


class TooLarge(HTTPException):
    def __init__(self) -> None:
        super().__init__(413, f"An operation has at most {LARGEST_OPERATION} bytes, with its variables.")


def bounded(receive: Receive) -> Receive:
    """Counts the body as it arrives: a chunked one tells its length too late. (The limit of Starlette's own
    answers in plain text.)"""
    left = LARGEST_OPERATION

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return receive_bounded


def decoded(data: str | bytes) -> JsonObject:
    try:
        return read_json(data)
    except MalformedJson as error:
        raise HTTPException(400, str(error)) from None


def operation_from(data: JsonObject) -> GraphQLRequestData:
    query, variables = data.get("query"), data.get("variables")
    name, extensions = data.get("operationName"), data.get("extensions")
    if not isinstance(query, str | None) or not isinstance(name, str | None):
        raise HTTPException(400, "`query` and `operationName` are strings.")
    if not isinstance(variables, dict | None) or not isinstance(extensions, dict | None):
        raise HTTPException(400, "`variables` and `extensions` are objects.")
    if not query and not extensions:
        raise HTTPException(400, "Pass the operation as `query`.")
    return GraphQLRequestData(query, variables, name or None, extensions)


def check_encoding(headers: Headers) -> None:
    """HTTPException for a body that is not plain JSON in UTF-8."""
    packed = headers.get("content-encoding")
    if packed is not None and packed.strip().lower() not in ("", IDENTITY):
        raise HTTPException(
            415,
            "The body is compressed (Content-Encoding). Send it as it is, without that header.",
            {"Accept-Encoding": IDENTITY},  # RFC 7694
        )
    if not is_json(headers.get("content-type", "")):
        raise HTTPException(415, "Send the operation with Content-Type: application/json, in UTF-8.")


def is_json(content_type: str) -> bool:
    if content_type == LEGACY:  # as nearly all send it
        return True
    if len(content_type) > LONGEST_TYPE:
        return False
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    named = (parameter.partition("=") for parameter in parameters)
    charsets = {value.strip(" \"'") for name, _, value in named if name.strip() == "charset"}
    return media_type == LEGACY and charsets <= {"utf-8", "utf8", "us-ascii", ""}


def media_type_for(accept: str) -> str:
    """What the client prefers (RFC 9110, 12.5.1); one that takes anything gets what old clients expect.

    The first twenty ranges are read, and the first ten parts of each: reading them is charged to nobody.
    """
    if accept in (ANYTHING, LEGACY):
        return LEGACY
    read = accept.split(",", MOST_RANGES)[:MOST_RANGES]
    ranges = [_preference(part) for part in read if part.strip()] or [(ANYTHING, 1.0)]
    weights = dict(reversed(ranges))  # of two of one name the first counts
    modern, legacy = _weight_of(MODERN, weights), _weight_of(LEGACY, weights)
    if max(modern, legacy) <= 0:
        raise HTTPException(406, f"Accept {MODERN} or {LEGACY}.")
    if modern != legacy:
        return MODERN if modern > legacy else LEGACY
    named_first = next(name for name, _ in ranges if name in (MODERN, LEGACY, *WIDER))
    return MODERN if named_first == MODERN else LEGACY


def _weight_of(media_type: str, weights: Mapping[str, float]) -> float:
    """That of the narrowest range that has the type; 0 if none has."""
    return next((weights[name] for name in (media_type, *WIDER) if name in weights), 0.0)


def _preference(part: str) -> tuple[str, float]:
    """A media range's name and weight; a weight that is not a number counts as 1."""
    words = part.split(";", MOST_PARAMETERS)[:MOST_PARAMETERS]
    media_type, *parameters = (word.strip().lower() for word in words)
    weight = next((word.removeprefix("q=") for word in parameters if word.startswith("q=")), "1")
    try:
        number = float(weight)
    except ValueError:
        return media_type, 1.0
    return media_type, number if number <= 1 else 1.0


def not_by(method: str, operation: OperationType) -> HTTPException:
    if operation is OperationType.SUBSCRIPTION:
        return HTTPException(400, "Subscriptions come over WebSocket, as graphql-transport-ws.")
    return HTTPException(405, f"A {operation.value} can't come by {method}.", {"Allow": "POST"})


def refusal(
    status: int, message: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
) -> Response:
    body = json.dumps({"errors": [{"message": message, "extensions": {"code": code or CODES[status]}}]})
    return Response(body, status, {**NOT_STORED, **(headers or {})}, f"{MODERN}; charset=utf-8")
