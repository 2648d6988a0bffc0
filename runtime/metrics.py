"""What this process counts for `/metrics`. No label ever holds an id, a user or anything that a client chose."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. An operation ends within 20.
OPERATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)

COUNTS = CollectorRegistry()
REQUESTS = Counter(
    "paygraph_requests",
    "Operations answered, by root field and by the type of the answer or the code of the error.",
    ["operation", "result"],
    registry=COUNTS,
)
REQUEST_SECONDS = Histogram(
    "paygraph_request_seconds",
    "From the request's arrival to the end of its answer, by root field; without subscriptions.",
    ["operation"],
    buckets=OPERATION_BUCKETS,
    registry=COUNTS,
)
POOL_SIZE = Gauge(
    "paygraph_pool_size",
    "Database connections that may be open at once.",
    registry=COUNTS,
    multiprocess_mode="livesum",
)
POOL_IN_USE = Gauge(
    "paygraph_pool_in_use",
    "Database connections in use, looked at each second.",
    registry=COUNTS,
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "paygraph_pool_waiting",
    "Callers that wait for a database connection, looked at each second.",
    registry=COUNTS,
    multiprocess_mode="livesum",
)
WORKERS_REPLACED = Counter(
    "paygraph_workers_replaced",
    "Worker processes that died and were started anew.",
    registry=COUNTS,
)
