"""The control API under /_sandbox, and the 3-D Secure page."""

import hmac
import json

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.browser.page import authentication_page, back_to_shop, closing_page
from sandbox.core import Sandbox
from sandbox.http.answers import Object
from sandbox.http.errors import StripeError
from sandbox.http.forms import decode
from sandbox.http.orders import ORDERS


async def control(request: Request) -> Response:
    """Run one order; 400 says what is wrong with it, StripeErrors come as Stripe's own bodies."""
    parts = request.path_params["rest"].split("/")
    named = len(parts) == 3
    template = "/".join((parts[0], "{id}", parts[2])) if named else "/".join(parts)
    order = ORDERS.get((request.method, template))
    if order is None:
        return JSONResponse(
            {"error": f"no such order: {request.method} /_sandbox/{request.path_params['rest']}"}, 404
        )
    try:
        body = json.loads(await request.body() or b"{}")
        if not isinstance(body, dict):
            raise TypeError("an order is a JSON object")
        return JSONResponse(order(request.app.state.sandbox, body, parts[1] if named else ""))
    except StripeError as error:
        answer = error.answer()
        return Response(answer.body, answer.status, dict(answer.headers))
    except (ValueError, KeyError, TypeError) as error:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


async def authentication(request: Request) -> Response:
    """The page a browser is sent to by next_action."""
    intent = _presented(request, request.query_params.get("client_secret", ""))
    if intent is None:
        return HTMLResponse(closing_page("This payment is not known here"), 404)
    if intent["status"] != "requires_action":
        return _after(intent, None)
    return HTMLResponse(authentication_page(intent))


async def answer_authentication(request: Request) -> Response:
    """The page's form, or the same as JSON."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        request.path_params["rest"] = f"payment_intents/{request.path_params['id']}/authenticate"
        return await control(request)
    form = decode((await request.body()).decode("ascii", "replace"))
    intent = _presented(request, str(form.get("client_secret", "")))
    if intent is None:
        return HTMLResponse(closing_page("This payment is not known here"), 404)
    action = intent["next_action"]
    if intent["status"] == "requires_action":
        outcome = "approve" if form.get("outcome") == "approve" else "refuse"
        intent = request.app.state.sandbox.authenticate(intent["id"], outcome)
    return _after(intent, action)


def _after(intent: Object, action: Object | None) -> Response:
    return_url = ((action or {}).get("redirect_to_url") or {}).get("return_url")
    if return_url:
        return RedirectResponse(back_to_shop(intent, return_url), 303)
    return HTMLResponse(
        closing_page("Thank you" if intent["status"] != "requires_payment_method" else "Refused")
    )


def _presented(request: Request, secret: str) -> Object | None:
    sandbox: Sandbox = request.app.state.sandbox
    object_id = request.path_params["id"]
    intent = sandbox.account.payment_intents.get(object_id) or sandbox.account.setup_intents.get(object_id)
    if intent is None or not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
        return None
    return intent


CONTROL_ROUTES = [
    Route("/_sandbox/authenticate/{id}", authentication, methods=["GET"]),
    Route("/_sandbox/payment_intents/{id}/authenticate", answer_authentication, methods=["POST"]),
    Route("/_sandbox/{rest:path}", control, methods=["GET", "POST", "DELETE"]),
]
