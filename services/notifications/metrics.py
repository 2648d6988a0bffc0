"""What this process counts of webhooks to the shop."""

from enum import StrEnum

from prometheus_client import Counter, Histogram

from runtime.metrics import COUNTS


class DeliveryResult(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"  # and tried again
    GIVEN_UP = "given_up"


WEBHOOK_TRIES = Counter(
    "paygraph_webhook_tries",
    "Tries to deliver an event to one of the shop's endpoints, by what became of them.",
    ["result"],
    registry=COUNTS,
)
for _result in DeliveryResult:
    WEBHOOK_TRIES.labels(_result.value)  # a series is there at 0: an alert needs to see it rise
WEBHOOK_TRY_SECONDS = Histogram(
    "paygraph_webhook_try_seconds",
    "How long an endpoint took to answer, or not to.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0),
    registry=COUNTS,
)
