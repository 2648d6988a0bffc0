"""What this process counts of its calls to Stripe."""

from prometheus_client import Counter, Histogram

from runtime.metrics import COUNTS

# Seconds. A call to Stripe ends within 8.
CALL_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 3.5, 5.0, 8.0)

STRIPE_CALLS = Counter(
    "paygraph_stripe_calls",
    "Calls to Stripe with their retries, by what is called and how it ended.",
    ["method", "outcome"],
    registry=COUNTS,
)
STRIPE_CALL_SECONDS = Histogram(
    "paygraph_stripe_call_seconds",
    "How long calls to Stripe took with their retries.",
    ["method"],
    buckets=CALL_BUCKETS,
    registry=COUNTS,
)
