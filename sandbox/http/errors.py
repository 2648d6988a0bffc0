"""Stripe's refusals: https://docs.stripe.com/error-codes, bodies and statuses as the API sends them."""

from collections.abc import Mapping
from typing import Any

from sandbox.http.answers import Answer, Object, json_answer

DOC_URL = "https://stripe.com/docs/error-codes/"
KEYS_URL = "https://dashboard.stripe.com/apikeys"


class StripeError(Exception):
    """An answer other than 200. `recorded`: the endpoint ran, so its idempotency key keeps the answer.

    `headers` are sent with it; a recorded one says `Stripe-Should-Retry: false`, as Stripe does.
    """

    def __init__(
        self,
        status: int,
        error: Object,
        *,
        recorded: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error.get("message", ""))
        self.status = status
        self.error = error
        self.recorded = recorded
        self.headers = {
            **({"Stripe-Should-Retry": "false"} if recorded and status < 500 else {}),
            **(headers or {}),
        }

    def logged(self, request_id: str, now: float) -> "StripeError":
        """The same with the address of the request's log, which Stripe adds when it knows the key."""
        if self.status != 401:
            address = f"https://dashboard.stripe.com/test/logs/{request_id}?t={int(now)}"
            self.error.setdefault("request_log_url", address)
        return self

    def answer(self) -> Answer:
        return json_answer({"error": self.error}, status=self.status).with_headers(self.headers)


def error_body(error_type: str, message: str, *, code: str | None = None, **more: Any) -> Object:
    """The inside of `{"error": …}`; a code brings its doc_url, and None values are left out."""
    body: Object = {"type": error_type, "message": message}
    if code is not None:
        body |= {"code": code, "doc_url": DOC_URL + code.replace("_", "-")}
    return body | {name: value for name, value in more.items() if value is not None}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """400 for a parameter. Nothing was executed, so no key keeps it."""
    return StripeError(400, error_body("invalid_request_error", message, code=code, param=param))


def missing(param: str) -> StripeError:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def no_such(noun: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeError:
    body = error_body(
        "invalid_request_error", f"No such {noun}: '{object_id}'", code="resource_missing", param=param
    )
    return StripeError(status, body)


def unexpected_state(intent: Object, message: str) -> StripeError:
    """400 because of what the intent is by now: the endpoint ran, so the key keeps it."""
    code = "payment_intent_unexpected_state"
    body = error_body("invalid_request_error", message, code=code, payment_intent=intent)
    return StripeError(400, body, recorded=True)


def card_error(message: str, *, code: str, param: str | None = None, **more: Any) -> StripeError:
    """402. The endpoint ran: the key keeps it (https://docs.stripe.com/api/idempotent_requests)."""
    return StripeError(402, error_body("card_error", message, code=code, param=param, **more), recorded=True)


def unauthorized(message: str, *, code: str | None = None) -> StripeError:
    return StripeError(401, error_body("invalid_request_error", message, code=code))


def secret_key_required() -> StripeError:
    message = (
        "This API call cannot be made with a publishable API key. Please use a secret API key. "
        f"You can find a list of your API keys at {KEYS_URL}."
    )
    return StripeError(403, error_body("invalid_request_error", message, code="secret_key_required"))


def rate_limited(retry_after: int | None = None) -> StripeError:
    message = (
        "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits."
    )
    body = error_body("invalid_request_error", message, code="rate_limit")
    headers = {"Stripe-Rate-Limited-Reason": "endpoint-rate"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return StripeError(429, body, headers=headers)


def server_error() -> StripeError:
    message = "Sorry! There was an error while talking to one of our backends. Support has been notified."
    return StripeError(500, error_body("api_error", message), recorded=True)


def key_in_use(key: str) -> StripeError:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later."
    )
    return StripeError(409, error_body("idempotency_error", message, code="idempotency_key_in_use"))


def lock_timeout() -> StripeError:
    message = (
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request."
    )
    body = error_body("invalid_request_error", message, code="lock_timeout")
    return StripeError(429, body, headers={"Stripe-Should-Retry": "true"})


def dependency_failed() -> StripeError:
    """424: https://docs.stripe.com/api/errors, "External Dependency Failed"."""
    message = "The request could not be completed due to a failure in a dependency external to Stripe."
    return StripeError(424, error_body("api_error", message))


def too_early() -> StripeError:
    return StripeError(
        425, error_body("api_error", "The request could not be processed yet. Please try again.")
    )


def unavailable() -> StripeError:
    message = "Stripe is temporarily unavailable. Please try again."
    return StripeError(503, error_body("api_error", message))


def no_such_object(path: str) -> StripeError:
    """404 for whatever id stands in this path."""
    nouns, object_id = (*path.removeprefix("/v1/").split("/"), "")[:2]
    return no_such(nouns.removesuffix("s"), object_id)


def key_reused(key: str, what: str) -> StripeError:
    message = (
        f"Keys for idempotent requests can only be used {what}. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return StripeError(400, error_body("idempotency_error", message))
