"""Spans for OpenTelemetry, where an endpoint is set: HTTP → GraphQL field → SQL and calls to Stripe.

The only module that imports `opentelemetry`, and only then: its packages are an extra, and cost memory and time. A
span holds names, statements with their placeholders and outcomes; never arguments, parameters or ids of ours.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from runtime.addresses import is_http_url
from runtime.database.database import Database

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

TRACES = "/v1/traces"
PATIENCE = 3.0  # seconds for one batch, the last one at the server's end included
INSTALL = "python -m pip install --require-hashes -r requirements-otel.txt"
_OFF: AbstractContextManager[None] = nullcontext()


class TracingUnavailable(Exception):
    """The endpoint is none, or the packages that would speak to it are not installed."""


def check_tracing(endpoint: str, find: Callable[[str], object | None] = find_spec) -> None:
    """Raise `TracingUnavailable` for what `Tracing.start` could not do; nothing is imported."""
    if not is_http_url(endpoint) or "?" in endpoint or "#" in endpoint:
        raise TracingUnavailable("is no URL such as http://otel.internal:4318")
    if endpoint.rstrip("/").endswith(TRACES):
        raise TracingUnavailable(f"leave out {TRACES}, which is added")
    try:
        found = find("opentelemetry.sdk.trace") and find("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise TracingUnavailable(f"is set, but OpenTelemetry is not installed. Install it with: {INSTALL}")


class Tracing:
    """The tracer of this process, if there is one: what asks for a span when there is none gets nothing."""

    def __init__(self) -> None:
        self._tracer: Tracer | None = None
        self._provider: TracerProvider | None = None

    def start(self, endpoint: str) -> None:
        """Send spans to `{endpoint}/v1/traces`; the SDK's own OTEL_… variables say the rest."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = os.environ.get("OTEL_SERVICE_NAME", "paygraph")
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": name}), shutdown_on_exit=False
        )
        patience = float(os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT", PATIENCE))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}{TRACES}", timeout=patience)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("paygraph")

    def stop(self) -> None:
        """Send what is left. It blocks while the endpoint is slow."""
        provider, self._provider, self._tracer = self._provider, None, None
        if provider is not None:
            provider.shutdown()

    def span(self, name: str, **attributes: str) -> AbstractContextManager[Any]:
        """A span around the block, within the present one."""
        if self._tracer is None:
            return _OFF
        return self._span(self._tracer, name, attributes)

    @contextmanager
    def _span(self, tracer: "Tracer", name: str, attributes: Mapping[str, str]) -> Iterator[None]:
        # Not the exception's text, which may hold anything.
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                _fail(span, type(error).__name__)
                raise

    @contextmanager
    def request(self, method: str, path: str, headers: Mapping[str, str]) -> Iterator["Span | None"]:
        """The span of a request, within the caller's if it sent a `traceparent`."""
        if self._tracer is None:
            yield None
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers)
        attributes = {"http.request.method": method, "url.path": path}
        with self._tracer.start_as_current_span(
            f"{method} {path}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @property
    def is_on(self) -> bool:
        return self._tracer is not None

    def watch(self, database: Database) -> None:
        """Have each statement make a span."""
        database.watch = lambda sql: self.span(
            sql.split(None, 1)[0], **{"db.system.name": "postgresql", "db.query.text": sql}
        )


def _fail(span: "Span", failure: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", failure)
    span.set_status(StatusCode.ERROR)


tracing = Tracing()


@asynccontextmanager
async def traced(endpoint: str | None, database: Database) -> AsyncIterator[None]:
    """Send spans until the block ends, and the last of them then; nothing without an endpoint."""
    if endpoint is None:
        yield
        return
    tracing.start(endpoint)
    tracing.watch(database)
    try:
        yield
    finally:
        await asyncio.to_thread(tracing.stop)
