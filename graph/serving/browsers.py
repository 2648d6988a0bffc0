"""What pages of other origins may send: https://fetch.spec.whatwg.org/#http-cors-protocol"""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from runtime.origins import AllowedOrigins

OWN = ("authorization", "content-type", "idempotency-key", "x-request-id")
# Headers that the usual libraries of a frontend add to each request; a preflight without them locks the page out.
GRAPHQL_CLIENTS = (
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "graphql-client-name",
    "graphql-client-version",
    "graphql-preflight",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-apollo-operation-type",
    "x-graphql-client-name",
    "x-graphql-client-version",
    "x-requested-with",
)
TRACING = (
    "b3",
    "baggage",
    "elastic-apm-traceparent",
    "newrelic",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-honeycomb-trace",
)


def cross_origin(
    origins: AllowedOrigins, headers: Sequence[str] = (), *, with_cookies: bool = False
) -> list[Middleware]:
    """The middleware that answers preflights; none where no other origin may call. `headers` adds to the known."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=sorted(origins.exact),
            allow_origin_regex=origins.regex,
            allow_methods=["GET", "POST"],
            allow_headers=[*OWN, *GRAPHQL_CLIENTS, *TRACING, *headers],
            expose_headers=["x-request-id", "retry-after"],
            allow_credentials=with_cookies,
        )
    ]
