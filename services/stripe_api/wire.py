"""What goes to Stripe and what comes back, in HTTP's terms: forms, headers, and errors by their status.

The SDK's `raw_request_async` does this too, and writes seven log lines for it that nobody reads: it took 115 of the
255 µs of a call. Its `HTTPClient`, which retries, stays (services/stripe_api/transport.py).
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from runtime.encoding import from_json
from services.payments.intents import (
    AccessDenied,
    GatewayError,
    KeyBurnt,
    ObjectLocked,
    OutcomeUnknown,
    PermissionMissing,
    Refused,
    TooManyRequests,
    storable,
)

# Request timeout, conflict, locked, failed dependency, too early: the same call may succeed in a moment.
PASSING = (408, 409, 423, 424, 425)
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """Stripe's, of any status. `data` is its JSON object; empty when there was none."""

    status: int
    headers: Mapping[str, str]
    data: dict[str, Any]

    @property
    def request_id(self) -> str | None:
        return self.headers.get("Request-Id")


def standing_headers(secret_key: str, api_version: str, sdk_version: str) -> dict[str, str]:
    """What every request carries: https://docs.stripe.com/api/authentication"""
    about = {
        "bindings_version": sdk_version,
        "lang": "python",
        "lang_version": platform.python_version(),
        "httplib": "aiohttp",
    }
    return {
        "Authorization": f"Bearer {secret_key}",
        "Stripe-Version": api_version,
        "User-Agent": f"Stripe/v1 PythonBindings/{sdk_version}",
        "X-Stripe-Client-User-Agent": json.dumps(about),
    }


def posting(headers: Mapping[str, str], idempotency_key: str | None) -> dict[str, str]:
    """The headers of a POST. Without a key of the caller's, one that holds for the retries of this call."""
    key = idempotency_key or str(uuid4())
    return {**headers, "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key}


def form(parameters: Mapping[str, Any]) -> str:
    """As Stripe reads it: `metadata={"a": 1}` is `metadata[a]=1`."""
    flat: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            flat.update({f"{name}[{inner}]": each for inner, each in value.items()})
        else:
            flat[name] = value
    return urlencode(flat)


def answer_from(body: bytes, status: int, headers: Mapping[str, str]) -> Answer:
    try:
        data = from_json(body)
    except (ValueError, RecursionError):
        data = {}
    return Answer(status, headers, data if isinstance(data, dict) else {})


def error_of(answer: Answer) -> GatewayError | None:
    """What an answer other than a 200 with an object means: https://docs.stripe.com/api/errors

    Every object of Stripe's says which it is: a 200 that doesn't comes from something in between.
    """
    if answer.status == 200 and "object" in answer.data:
        return None
    told = answer.data.get("error")
    error: dict[str, Any] = told if isinstance(told, dict) else {}
    message, code = _text(error.get("message")), _text(error.get("code"))
    kind = _kind_of(answer.status, error.get("type"), code)
    return kind(
        message or f"HTTP {answer.status}",
        code=code,
        param=_text(error.get("param")),
        request_id=answer.request_id,
    )


def _text(value: object) -> str | None:
    """Stripe's words, bounded: they go into logs and rows."""
    return storable(value[:LONGEST_TEXT]) if isinstance(value, str) and value else None


def _kind_of(status: int, error_type: object, code: str | None) -> type[GatewayError]:
    if status in PASSING:  # 409: the key is in use, also when it is called an idempotency error
        return OutcomeUnknown
    if error_type == "idempotency_error" or status == 500:
        return KeyBurnt
    if status == 429:
        return ObjectLocked if code == "lock_timeout" else TooManyRequests
    if status in (401, 403):
        return AccessDenied if status == 401 else PermissionMissing
    if 400 <= status < 500:
        return Refused
    return OutcomeUnknown
