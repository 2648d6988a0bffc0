"""What this process counts of its calls to Stripe."""

from prometheus_client import Counter, Histogram

from runtime.metrics import COUNTS
from services.payments.intents import AccessDenied, PermissionMissing

# Seconds. A call to Stripe ends within 8.
CALL_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 3.5, 5.0, 8.0)

STRIPE_CALLS = Counter(
    "paygraph_stripe_calls",
    "Calls to Stripe with their retries, by what is called and how it ended.",
    ["method", "outcome"],
    registry=COUNTS,
)
# Every call that is made, as services/stripe_api/calls.py names it.
CALLS = (
    "GET /v1/balance",
    "GET /v1/charges/:id",
    "GET /v1/disputes",
    "GET /v1/disputes/:id",
    "GET /v1/events",
    "GET /v1/payment_intents",
    "GET /v1/payment_intents/:id",
    "GET /v1/refunds",
    "GET /v1/refunds/:id",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/:id",
    "POST /v1/payment_intents/:id/cancel",
    "POST /v1/refunds",
)
STRIPE_CALL_SECONDS = Histogram(
    "paygraph_stripe_call_seconds",
    "How long calls to Stripe took with their retries.",
    ["method"],
    buckets=CALL_BUCKETS,
    registry=COUNTS,
)


def begin_counting() -> None:
    """Count 0 of what an alert looks for: a series that begins with its first count is no increase."""
    for call in CALLS:
        for outcome in (AccessDenied, PermissionMissing):
            STRIPE_CALLS.labels(call, outcome.__name__)
