"""`/metrics`: what was asked for and how it ended, what Stripe said, and how payments stand; no ids, no users."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text

from runtime.database.database import Database, build_database
from runtime.database.pool_gauges import PoolUse, pool_use
from sandbox.faults import Fault, Rule
from services.operations.database_metrics import EVERY, FigureReader
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.reconciliation.sweep_scheduler import SweepScheduler
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import CREATE_PAYMENT_INTENT, Client
from tests.conftest import Stripe, make_settings, running
from tests.events import event_body, signed
from tests.make import Shop
from tests.numbers import Numbers, numbers_of
from tests.unit.operations.test_operations import WORD, expressions

REQUESTS, CREATE = "paygraph_requests_total", "POST /v1/payment_intents"
STRIPE_CALLS = "paygraph_stripe_calls_total"


async def numbers(http: httpx.AsyncClient) -> Numbers:
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return numbers_of(answer.text)


async def test_requests_are_counted_by_root_field_and_by_the_type_of_their_answer(
    client: Client, shop: Shop
) -> None:
    before = await numbers(client.http)
    order_id = await shop.order()
    await client.pay(order_id)
    await client.pay(order_id)
    await client.pay("nonsense")
    await client.order(order_id)
    await client.order("nonsense")
    since = (await numbers(client.http)).since(before)

    assert since.labelled(REQUESTS) == {
        ("createPaymentIntent", "PaymentIntent"): 2,
        ("createPaymentIntent", "OrderNotFound"): 1,
        ("order", "Order"): 1,
        ("order", "null"): 1,
    }
    assert since.of("paygraph_request_seconds_count", operation="createPaymentIntent") == 3
    assert since.of("paygraph_request_seconds_bucket", operation="createPaymentIntent", le="+Inf") == 3


@pytest.mark.parametrize(
    ("query", "user", "labels"),
    [
        ("query Mine { mine: me { id } }", "ada", ("me", "User")),
        ("{ me { id } paymentConfig { apiVersion } }", "ada", ("several", "ok")),
        ("{ a: me { id } b: me { email } }", "ada", ("me", "User")),
        ("{ me { id } }", None, ("me", "UNAUTHENTICATED")),
        ("{ orders(first: 1000) { nodes { id } } }", "ada", ("orders", "BAD_USER_INPUT")),
        ("{ __typename }", None, ("none", "ok")),
        ("{ me { id }", "ada", ("none", "GRAPHQL_PARSE_FAILED")),
        ("{ nobody }", "ada", ("none", "GRAPHQL_VALIDATION_FAILED")),
        ("", "ada", ("none", "BAD_REQUEST")),
        ("{" + " " * 100_000 + "me { id } }", "ada", ("none", "CONTENT_TOO_LARGE")),
    ],
)
async def test_a_request_is_told_apart_by_the_schema_and_never_by_the_clients_names(
    client: Client, query: str, user: str | None, labels: tuple[str, str]
) -> None:
    before = await numbers(client.http)
    await client.post(query, user=user)
    assert (await numbers(client.http)).since(before).labelled(REQUESTS) == {labels: 1}


async def test_what_an_alert_looks_for_is_counted_from_zero(http: httpx.AsyncClient) -> None:
    """Prometheus sees no increase in a series that begins with its first count."""
    shown = await numbers(http)
    faults = shown.labelled(REQUESTS)
    for operation in ("createPaymentIntent", "orders", "orderUpdated", "none", "several"):
        for result in ("INTERNAL_SERVER_ERROR", "TIMEOUT"):
            assert (operation, result) in faults
    for result in ("BAD_REQUEST", "SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR", "CONTENT_TOO_LARGE"):
        assert ("stripeWebhook", result) in faults
    calls = shown.labelled(STRIPE_CALLS)
    for outcome in ("AccessDenied", "PermissionMissing"):
        assert (CREATE, outcome) in calls


async def test_webhooks_are_counted_and_probes_and_pages_are_not(client: Client) -> None:
    before = await numbers(client.http)
    body, signature = signed(event_body(type="payout.paid"))
    for header in (signature, "forged"):
        await client.http.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
    for path in ("/livez", "/readyz", "/metrics", "/nowhere"):
        await client.http.get(path)
    assert (await numbers(client.http)).since(before).labelled(REQUESTS) == {
        ("stripeWebhook", "ok"): 1,
        ("stripeWebhook", "BAD_REQUEST"): 1,
    }


@pytest.mark.parametrize(
    ("kind", "outcome", "looks"),
    [
        ("400", "Refused", 1),
        (
            "429",
            "TooManyRequests",
            2,
        ),  # taken over from the call that failed, it is looked at before it is released
        ("401", "AccessDenied", 2),
        ("reset", "OutcomeUnknown", 2),
    ],
)
async def test_calls_to_stripe_are_counted_by_method_and_outcome(
    client: Client, shop: Shop, stripe: Stripe, kind: Any, outcome: str, looks: int
) -> None:
    order_id = await shop.order()
    before = await numbers(client.http)
    stripe.sandbox.faults.add(Rule(fault=Fault(kind=kind), path="/v1/payment_intents", times=None))
    await client.pay(order_id)
    stripe.sandbox.faults.clear()
    failed = await numbers(client.http)
    await client.pay(order_id)
    await client.pay(order_id)
    paid = await numbers(client.http)

    assert failed.since(before).labelled(STRIPE_CALLS) == {(CREATE, outcome): 1}
    assert paid.since(failed).labelled(STRIPE_CALLS) == {
        (CREATE, "answered"): 1,
        ("GET /v1/payment_intents/:id", "answered"): looks,
    }
    assert paid.since(before).of("paygraph_stripe_call_seconds_count", method=CREATE) == 2


async def test_payments_are_shown_by_state_and_events_that_wait(
    http: httpx.AsyncClient, client: Client, shop: Shop, database: Database
) -> None:
    for _ in range(2):
        await client.pay(await shop.order())
    await database.rows(
        text("""
            INSERT INTO stripe_events (id, type, object_id, created_at, received_at, due_at)
            SELECT 'evt_1', 'payment_intent.succeeded', 'pi_1', now(), now() - hour, now() + hour
            FROM (SELECT interval '1 hour' AS hour) one
        """)
    )
    shown = await numbers(http)
    live = {"creating": 0, "open": 2, "processing": 0, "canceling": 0}
    assert shown.labelled("paygraph_payments") == {(state,): count for state, count in live.items()}
    assert shown.of("paygraph_payments_moved", state="open") == 2
    assert shown.of("paygraph_payments_moved", state="succeeded") == 0
    assert shown.of("paygraph_events_pending") == 1
    assert 3_600 <= shown.of("paygraph_events_oldest_seconds") < 3_700
    assert shown.of("paygraph_database_up") == 1


async def test_the_database_is_asked_once_however_often_one_scrapes(database: Database) -> None:
    asked = 0

    class Counting(Database):
        async def transaction(self, *arguments: Any, **named: Any) -> Any:
            nonlocal asked
            asked += 1
            return await super().transaction(*arguments, **named)

    clock = [0.0]
    reader = FigureReader(Counting(database.pool), now=lambda: clock[0])
    await asyncio.gather(*(reader.read() for _ in range(20)))
    clock[0] += EVERY - 1
    await reader.read()
    assert asked == 1
    clock[0] += 1
    assert (await reader.read()).database_answers
    assert asked == 2


async def test_a_reading_that_failed_by_a_fault_of_ours_is_not_waited_for_again(database: Database) -> None:
    class Puzzled(Database):
        is_wrong = True

        async def transaction(self, *arguments: Any, **named: Any) -> Any:
            if self.is_wrong:
                raise KeyError("kind")
            return await super().transaction(*arguments, **named)

    clock, puzzled = [0.0], Puzzled(database.pool)
    reader = FigureReader(puzzled, now=lambda: clock[0])
    with pytest.raises(KeyError):
        await reader.read()
    puzzled.is_wrong = False
    clock[0] += EVERY
    assert (await reader.read()).database_answers


async def test_counting_that_takes_too_long_is_cut_short_and_the_counts_of_before_stay(
    postgres_url: str, shop: Shop, database: Database, client: Client
) -> None:
    await client.pay(await shop.order())
    clock = [0.0]
    reader = FigureReader(database, now=lambda: clock[0])
    before = await reader.read()
    assert (before.live["open"], before.counted_seconds_ago) == (1, 0.0)

    async with await psycopg.AsyncConnection.connect(postgres_url) as other:  # as slow as it gets
        await other.execute("LOCK TABLE payment_transitions IN ACCESS EXCLUSIVE MODE")
        clock[0] += EVERY
        slow = await reader.read()
    assert slow == replace(before, counted_seconds_ago=EVERY)
    clock[0] += EVERY
    assert (await reader.read()).counted_seconds_ago == 0.0


async def test_a_scrape_is_answered_while_the_database_is_down(stripe: Stripe) -> None:
    async with running(make_settings("postgresql://127.0.0.1:1/shop", stripe.url)) as http:
        shown = await numbers(http)
    assert shown.of("paygraph_database_up") == 0
    assert not shown.labelled("paygraph_payments")
    assert "paygraph_pool_size" in {name for name, _ in shown}


async def test_who_waits_for_a_connection_is_seen(postgres_url: str) -> None:
    database = build_database(postgres_url, pool_size=1)
    try:
        taken = await database.pool.take()
        try:
            assert pool_use(database) == PoolUse(size=1, in_use=1, waiting=0)
            waiting = [asyncio.create_task(database.rows(text("SELECT 1"))) for _ in range(3)]
            async with asyncio.timeout(5):
                while pool_use(database).waiting < 3:  # noqa: ASYNC110  waiting gives no sign
                    await asyncio.sleep(0.01)
        finally:
            database.pool.give_back(taken)
        await asyncio.gather(*waiting)
        assert pool_use(database) == PoolUse(size=1, in_use=0, waiting=0)
    finally:
        await database.close()


async def test_what_a_sweep_finds_is_counted(
    http: httpx.AsyncClient, client: Client, shop: Shop, database: Database, gateway: StripeGateway
) -> None:
    await client.pay(await shop.order())
    await shop.forget_payments()
    before = await numbers(http)
    inbox = Inbox(database, gateway, None, livemode=False)
    assert await SweepScheduler(database, Sweep(database, gateway, inbox)).sweep_if_it_is_our_turn()
    since = (await numbers(http)).since(before)
    assert since.of("paygraph_sweeps_total", outcome="whole") == 1
    assert since.of("paygraph_sweep_findings_total", finding="unknown intents canceled") == 1


async def test_no_number_is_about_a_user_an_order_or_a_payment(client: Client, shop: Shop) -> None:
    order_id = await shop.order(user="a-very-particular-user")
    query = CREATE_PAYMENT_INTENT.replace("mutation Pay", "mutation AVeryParticularName")
    data = await client.data(query, {"orderId": str(order_id)}, user="a-very-particular-user")
    [payment] = await shop.payments(order_id)
    shown = (await client.http.get("/metrics")).text
    for secret in (
        "articular",
        str(order_id),
        str(payment.id),
        data["createPaymentIntent"]["id"],
        "_secret_",
        "sk_test",
    ):
        assert secret not in shown


async def test_with_a_token_only_its_holder_may_scrape(settings: Settings) -> None:
    token = "a-token-of-our-own-0123456789"
    async with running(Settings(**{**dict(settings), "metrics_token": token})) as http:
        for given in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {token}x"}):
            refused = await http.get("/metrics", headers=given)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "paygraph_" not in refused.text
        assert (await http.get("/metrics", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_every_number_that_the_alerts_and_the_dashboard_ask_for_is_on_a_real_page(
    client: Client, shop: Shop, database: Database, gateway: StripeGateway
) -> None:
    await client.pay(await shop.order())
    check = Inbox(database, gateway, None, livemode=False)
    await SweepScheduler(database, Sweep(database, gateway, check)).sweep_if_it_is_our_turn()
    shown = {name for name, _ in await numbers(client.http)}

    asked = {name for expression in expressions() for name in WORD.findall(expression)}
    assert len(asked) > 15
    assert asked <= shown
