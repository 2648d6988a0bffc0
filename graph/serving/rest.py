"""`POST /api/payments/create-intent`: createPaymentIntent for clients that speak no GraphQL.

`{"orderId": "…"}` → 200 `{"clientSecret": "…"}`. Everything else is `{"code", "message", "retryable"}`, with the codes
of the mutation's refusals: it is the same use case, under the same limits, and its line in the log is the same.
"""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from graph.context import ContextMaker
from graph.serving.answers import AWAY, MASKED
from graph.serving.bodies import MalformedJson, read_json
from graph.serving.http import CODES, NOT_STORED, bounded, check_encoding
from graph.serving.routes import Unanswered
from graph.types import errors, orders, payments
from graph.types.errors import ErrorCode, RateLimited, UserError
from graph.types.payments import PaymentProviderUnavailable, payable_intent
from runtime.database.database import DatabaseUnavailable
from runtime.observation import current
from services.identity.refusals import Refusal

STATUSES: Mapping[ErrorCode, int] = {
    ErrorCode.ORDER_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.ORDER_NOT_PAYABLE: HTTPStatus.CONFLICT,
    ErrorCode.PAYMENT_IN_PROGRESS: HTTPStatus.CONFLICT,
    ErrorCode.AMOUNT_NOT_CHARGEABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.PAYMENT_PROVIDER_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
STATUSES_OF_CALLER: Mapping[str, int] = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "SERVICE_UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}
HANDLERS = {
    handler.exception_type: handler for handler in (*errors.HANDLERS, *orders.HANDLERS, *payments.HANDLERS)
}
LONGEST_ORDER_ID = 255

log = structlog.get_logger(__name__)


class CreateIntent:
    """An ASGI app, so that other methods than POST get an answer of the same form."""

    def __init__(self, make_context: ContextMaker) -> None:
        self._make_context = make_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._answer(request) if request.method == "POST" else _only_by_post()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            context = await self._make_context(request)
            secret = (await payable_intent(context, await _order_id(request))).client_secret
        except Refusal as refusal:
            return _refused(refusal)
        except GraphQLError as error:  # no token, one that may not, or one that can't be checked
            return _anonymous(error)
        except (HTTPException, MalformedJson) as error:
            return _malformed(error)
        except DatabaseUnavailable:
            return _body(503, "SERVICE_UNAVAILABLE", AWAY, retryable=True)
        except ClientDisconnect:
            return Unanswered()
        except Exception:
            log.exception("request failed")
            return _body(500, "INTERNAL_SERVER_ERROR", MASKED, retryable=True)
        _note("PaymentIntent")
        return JSONResponse({"clientSecret": secret}, headers=NOT_STORED)


async def _order_id(request: Request) -> str:
    check_encoding(request.headers)
    body = await Request(request.scope, bounded(request.receive)).body()
    order_id = read_json(body).get("orderId")
    if not isinstance(order_id, str) or len(order_id) > LONGEST_ORDER_ID:
        raise MalformedJson('Send the order\'s id: {"orderId": "…"}.')
    return order_id


def _refused(refusal: Refusal) -> Response:
    handler = HANDLERS.get(type(refusal))
    if handler is None:
        log.error("refusal without an answer", refusal=type(refusal).__name__)
        return _body(500, "INTERNAL_SERVER_ERROR", MASKED, retryable=refusal.retryable)
    told: UserError = handler.answer(refusal)
    _note(type(told).__name__)
    status = STATUSES.get(told.code, HTTPStatus.CONFLICT)
    return _body(status, told.code.name, told.message, retryable=told.retryable, headers=_retry_after(told))


def _retry_after(told: UserError) -> dict[str, str]:
    if isinstance(told, RateLimited | PaymentProviderUnavailable) and told.retry_after > 0:
        return {"Retry-After": str(told.retry_after)}
    return {}


def _anonymous(error: GraphQLError) -> Response:
    code = str((error.extensions or {}).get("code"))
    _note(code)
    status = STATUSES_OF_CALLER.get(code, HTTPStatus.FORBIDDEN)
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    is_away = status == HTTPStatus.SERVICE_UNAVAILABLE
    return _body(status, code, error.message, retryable=is_away, headers=headers)


def _malformed(error: HTTPException | MalformedJson) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    message = error.detail if isinstance(error, HTTPException) else str(error)
    return _body(status, CODES[status], message, retryable=False)


def _only_by_post() -> Response:
    return _body(405, "METHOD_NOT_ALLOWED", "Ask by POST.", retryable=False, headers={"Allow": "POST"})


def _body(
    status: int, code: str, message: str, *, retryable: bool, headers: Mapping[str, str] | None = None
) -> Response:
    content = {"code": code, "message": message, "retryable": retryable}
    return JSONResponse(content, status, {**NOT_STORED, **(headers or {})})


def _note(result: str) -> None:
    seen = current.get()
    if seen is not None:
        seen.result = result
