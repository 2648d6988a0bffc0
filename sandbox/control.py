"""The control API under /_sandbox: what a test orders from another process, and the 3-D Secure page."""

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.answers import Object
from sandbox.core import Sandbox
from sandbox.errors import StripeError
from sandbox.faults import Rule, fault_from
from sandbox.forms import decode
from sandbox.page import authentication_page, back_to_shop, closing_page
from sandbox.webhooks import webhook_fault_from

Body = dict[str, Any]
Order = Callable[[Sandbox, Body, str], Any]


def _faults(sandbox: Sandbox, body: Body, _: str) -> Object:
    """Add a rule (`fault`, `method`, `path`, `nth`, `times`, `probability`), set `latency`, `rate_limit` or `seed`."""
    if "seed" in body:
        sandbox.faults.sow(int(body["seed"]))
        sandbox.webhooks.sow(int(body["seed"]))
    if "latency" in body:
        sandbox.faults.latency = float(body["latency"])
    if "rate_limit" in body:
        sandbox.rates.set(body["rate_limit"])
    if "fault" in body:
        names = ("method", "path", "nth", "times", "probability")
        sandbox.faults.add(Rule(fault=fault_from(body["fault"]), **{n: body[n] for n in names if n in body}))
    return {
        "rules": [rule.as_json() for rule in sandbox.faults.rules],
        "latency": sandbox.faults.latency,
        "rate_limit": sandbox.rates.per_second,
    }


def _clear_faults(sandbox: Sandbox, _: Body, __: str) -> Object:
    sandbox.faults.clear()
    sandbox.rates.set(None)
    sandbox.webhooks.clear_faults()
    return {"rules": []}


def _webhooks(sandbox: Sandbox, body: Body, _: str) -> Object:
    """Set the `url` or the `secret`, add a `fault`, or `redeliver` an event id."""
    if "url" in body:
        sandbox.webhooks.set_url(body["url"])
    if "secret" in body:
        sandbox.webhooks.secret = body["secret"]
    if "fault" in body:
        sandbox.webhooks.faults.append(webhook_fault_from(body["fault"]))
    if "redeliver" in body:
        sandbox.webhooks.redeliver(body["redeliver"])
    return {"url": sandbox.webhooks.url, "faults": [asdict(fault) for fault in sandbox.webhooks.faults]}


def _reset(sandbox: Sandbox, _: Body, __: str) -> Object:
    sandbox.reset()
    return {"reset": True}


def _clock(sandbox: Sandbox, body: Body, _: str) -> Object:
    sandbox.clock.advance(float(body["advance"]))
    return {"now": sandbox.clock.now()}


def _one_of(body: Body, first: str, second: str) -> bool:
    outcome = body.get("outcome")
    if outcome not in (first, second):
        raise ValueError(f"outcome must be {first} or {second}")
    return bool(outcome == first)


ORDERS: dict[tuple[str, str], Order] = {
    ("POST", "faults"): _faults,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "webhooks"): _webhooks,
    ("GET", "journal"): lambda sandbox, _, __: {"entries": list(sandbox.journal)},
    ("POST", "reset"): _reset,
    ("POST", "clock"): _clock,
    ("POST", "payment_intents/{id}/authenticate"): lambda sandbox, body, intent_id: sandbox.authenticate(
        intent_id, "approve" if _one_of(body, "approve", "refuse") else "refuse"
    ),
    ("POST", "payment_intents/{id}/complete"): lambda sandbox, body, intent_id: sandbox.complete(
        intent_id, succeeds=_one_of(body, "succeed", "fail")
    ),
    ("POST", "payment_intents/{id}/pay"): lambda sandbox, body, intent_id: sandbox.pay(
        intent_id, body.get("payment_method", "pm_card_visa"), return_url=body.get("return_url")
    ),
    ("POST", "refunds/{id}/complete"): lambda sandbox, body, refund_id: sandbox.complete_refund(
        refund_id, succeeds=_one_of(body, "succeed", "fail")
    ),
    ("POST", "disputes/{id}/close"): lambda sandbox, body, dispute_id: sandbox.close_dispute(
        dispute_id, won=_one_of(body, "won", "lost")
    ),
    ("POST", "dashboard/refund"): lambda sandbox, body, _: sandbox.refund(
        body["payment_intent"], body.get("amount"), body.get("reason")
    ),
    ("POST", "dashboard/cancel"): lambda sandbox, body, _: sandbox.cancel(
        body["payment_intent"], body.get("reason")
    ),
    ("POST", "dashboard/dispute"): lambda sandbox, body, _: sandbox.dispute(
        body["payment_intent"], body.get("reason", "fraudulent")
    ),
}


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
    intent = sandbox.account.payment_intents.get(request.path_params["id"])
    if intent is None or not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
        return None
    return intent


CONTROL_ROUTES = [
    Route("/_sandbox/authenticate/{id}", authentication, methods=["GET"]),
    Route("/_sandbox/payment_intents/{id}/authenticate", answer_authentication, methods=["POST"]),
    Route("/_sandbox/{rest:path}", control, methods=["GET", "POST", "DELETE"]),
]
