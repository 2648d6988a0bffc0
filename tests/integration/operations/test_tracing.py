"""Traces, as a collector receives them: HTTP → GraphQL → SQL and Stripe, with nothing of the customer's in them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runtime.tracing import TracingUnavailable, check_tracing
from sandbox.faults import Fault, Rule
from settings import Settings
from tests.client import CREATE_PAYMENT_INTENT, Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.e2e.processes import ROOT
from tests.lines import written_as
from tests.make import Shop

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Collector:
    """Speaks OTLP over HTTP, and keeps what it is sent."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            s
            for r in requests
            for resource in r.resource_spans
            for scope in resource.scope_spans
            for s in scope.spans
        ]

    def span(self, name: str) -> Any:
        [found] = [span for span in self.spans if span.name == name]
        return found

    def below(self, parent: Any) -> list[str]:
        return [span.name for span in self.spans if span.parent_span_id == parent.span_id]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.port = server.server_port
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


async def pay_traced(settings: Settings, collector: Collector, order_id: object, **headers: str) -> Any:
    """Pay over a server that traces; when it has stopped, all was sent."""
    endpoint = {"otel_exporter_otlp_endpoint": f"http://127.0.0.1:{collector.port}/"}
    async with running(settings.model_copy(update=endpoint)) as http:
        body = {"query": CREATE_PAYMENT_INTENT, "variables": {"orderId": str(order_id)}}
        bearer = {"Authorization": f"Bearer {Client(http, JWT_SECRET).token('lovelace')}"}
        answer = await http.post("/graphql", json=body, headers={**bearer, **headers})
    return answer.json()["data"]["createPaymentIntent"]


async def test_a_payment_is_one_trace_from_http_to_sql_and_stripe(
    settings: Settings, collector: Collector, shop: Shop
) -> None:
    await pay_traced(settings, collector, await shop.order(user="lovelace"), traceparent=PARENT)

    request = collector.span("POST /graphql")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    assert collector.below(request) == ["graphql createPaymentIntent"]
    calls = collector.below(collector.span("graphql createPaymentIntent"))
    assert calls.count("stripe POST /v1/payment_intents") == 1
    assert {"WITH", "UPDATE"} & set(calls), calls
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 200


async def test_a_line_leads_to_its_trace_and_a_span_to_its_line(
    settings: Settings, collector: Collector, shop: Shop
) -> None:
    with written_as("json") as lines:
        await pay_traced(settings, collector, await shop.order(user="lovelace"), traceparent=PARENT)

    [line] = [json.loads(text) for text in lines.getvalue().splitlines() if '"paygraph.requests"' in text]
    request = collector.span("POST /graphql")
    assert line["trace_id"] == request.trace_id.hex() == PARENT.split("-")[1]
    attributes = {each.key: each.value.string_value for each in request.attributes}
    assert attributes["paygraph.request_id"] == line["request_id"]


async def test_no_argument_parameter_or_secret_is_in_a_trace(
    settings: Settings, collector: Collector, shop: Shop
) -> None:
    order_id = await shop.order(user="lovelace")
    paid = await pay_traced(settings, collector, order_id)
    [payment] = await shop.payments(order_id)

    sent = b"".join(collector.bodies).decode("latin-1")
    assert "db.query.text" in sent
    for private in (
        str(order_id),
        str(payment.id),
        paid["id"],
        "_secret_",
        "sk_test",
        "lovelace",
        "eyJ",
        "5248",
    ):
        assert private not in sent, private


async def test_a_failure_is_told_by_its_kind(
    settings: Settings, collector: Collector, shop: Shop, stripe: Stripe
) -> None:
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="401"), path="/v1/payment_intents"))
    await pay_traced(settings, collector, await shop.order(user="lovelace"))

    failed = collector.span("stripe POST /v1/payment_intents")
    assert {each.key: each.value.string_value for each in failed.attributes} == {"error.type": "AccessDenied"}
    assert failed.status.code == 2
    assert not failed.events  # where an exception's text would be


async def test_a_collector_that_is_down_costs_nobody_an_answer(settings: Settings, shop: Shop) -> None:
    paid = await pay_traced(settings, Collector(port=1), await shop.order(user="lovelace"))
    assert paid["__typename"] == "PaymentIntent"


def test_nothing_of_it_is_imported_where_no_endpoint_is_set() -> None:
    look = "import sys, main; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0  # noqa: S603


@pytest.mark.parametrize("missing", ["opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"])
def test_an_endpoint_without_the_packages_is_refused_with_what_to_do(missing: str) -> None:
    def find(name: str) -> object | None:
        return None if name == missing else name

    with pytest.raises(TracingUnavailable, match=r"requirements-otel\.txt"):
        check_tracing("http://otel.internal:4318", find)
    check_tracing("http://otel.internal:4318")
