"""A call to Stripe as operators see it: what was called, how it ended, how long it took, Stripe's id of it."""

import time
from asyncio import CancelledError
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import chain
from types import TracebackType

from runtime.observation import note
from runtime.tracing import tracing
from services.payments.intents import GatewayError
from services.payments.stripe_ids import PREFIXES
from services.stripe_api.metrics import STRIPE_CALL_SECONDS, STRIPE_CALLS

ANSWERED, GIVEN_UP, BROKEN = "answered", "given_up", "broken"
# As in graph/serving/observing.py.
_calls, _seconds = cache(STRIPE_CALLS.labels), cache(STRIPE_CALL_SECONDS.labels)
IDS = tuple(chain.from_iterable(PREFIXES.values()))


class StripeCall:
    """Wraps one call: `with StripeCall("post", path) as call: … call.request_id = …`.

    Outcomes are the names of the `GatewayError`s, `answered`, `given_up` for a caller whose deadline passed,
    and `broken` for a fault of ours.
    """

    __slots__ = ("_began", "_name", "_span", "request_id")

    def __init__(self, method: str, path: str) -> None:
        self._name = name_of(method, path)
        self._began = 0.0
        self.request_id: str | None = None

    def __enter__(self) -> "StripeCall":
        self._began = time.perf_counter()
        self._span = tracing.span(f"stripe {self._name}")
        self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._began
        self._span.__exit__(kind, error, trace)
        _calls(self._name, outcome_of(error)).inc()
        _seconds(self._name).observe(seconds)
        note(stripe_request=error.request_id if isinstance(error, GatewayError) else self.request_id)


def name_of(method: str, path: str) -> str:
    """`POST /v1/payment_intents/:id/cancel`: a few names, whatever the ids are."""
    parts = [":id" if part.startswith(IDS) else part for part in path.split("/")]
    return f"{method.upper()} {'/'.join(parts)}"


def outcome_of(error: BaseException | None) -> str:
    if error is None:
        return ANSWERED
    if isinstance(error, GatewayError):
        return type(error).__name__
    return GIVEN_UP if isinstance(error, CancelledError) else BROKEN


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Stripe's time, of whole seconds; None for an answer that doesn't tell it."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (LookupError, TypeError, ValueError):
        return None
