"""The queue in front of Stripe, with the sandbox's own limit switched on: nobody waits in vain, none is written for."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.orders.tables import OrderStatus
from models.payments.tables import PaymentState
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.identity.principal import Principal
from services.identity.refusals import RateLimited
from services.payments.call_priority import Rank, asking_as
from services.payments.intents import IntentRequest, ObjectLocked, TooManyRequests
from services.payments.payment_intents import PaymentIntents
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, STRIPE, Stripe, running
from tests.make import Shop

LIMIT = 25
PAY = """
mutation Pay($orderId: ID!) {
  createPaymentIntent(orderId: $orderId) {
    __typename
    ... on PaymentIntent { id }
    ... on RateLimited { retryAfter }
    ... on PaymentProviderUnavailable { retryAfter }
    ... on UserError { code retryable }
  }
}
"""


def wanted() -> IntentRequest:
    return IntentRequest(payment_id=uuid4(), order_id=uuid4(), amount=1_000, currency="USD")


@pytest.fixture
async def paced(stripe: Stripe) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(STRIPE.secret_keys[0], api_base=stripe.url, calls_per_second=LIMIT)
    yield made
    await made.close()


def locks(stripe: Stripe, intent_id: str, *, times: int | None) -> None:
    rule = Rule(fault=parse_fault("lock_timeout"), path=f"/v1/payment_intents/{intent_id}", times=times)
    stripe.sandbox.faults.add(rule)


async def outcomes(work: list[Awaitable[Any]]) -> list[str]:
    found = await asyncio.gather(*work, return_exceptions=True)
    return [type(each).__name__ if isinstance(each, Exception) else "done" for each in found]


async def test_a_burst_beyond_the_limit_waits_and_stripe_refuses_none(
    paced: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.rates.set(LIMIT)

    found = await outcomes([paced.create_intent(wanted()) for _ in range(LIMIT + 15)])

    assert found == ["done"] * (LIMIT + 15)
    assert {call["status"] for call in stripe.sandbox.journal.calls()} == {200}


async def test_each_endpoint_has_a_limit_of_its_own(paced: StripeGateway, stripe: Stripe) -> None:
    stripe.sandbox.rates.set(LIMIT)
    made = await paced.create_intent(wanted())

    creates = [paced.create_intent(wanted()) for _ in range(2 * LIMIT)]
    crowd = asyncio.gather(*creates)
    assert await outcomes([paced.retrieve_intent(made.id) for _ in range(LIMIT)]) == ["done"] * LIMIT
    assert not crowd.done()
    await crowd


async def test_a_429_all_the_same_makes_us_wait_before_the_next_call(
    paced: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.rates.set(1)
    await paced.create_intent(wanted())
    with pytest.raises(TooManyRequests):
        await paced.create_intent(wanted())

    await paced.create_intent(wanted())  # comes after a pause in which Stripe is ready again


async def test_a_locked_object_is_tried_again_and_slows_nobody_down(
    paced: StripeGateway, stripe: Stripe
) -> None:
    made, locked = await paced.create_intent(wanted()), await paced.create_intent(wanted())
    locks(stripe, locked.id, times=3)

    slow = asyncio.create_task(paced.retrieve_intent(locked.id))
    began = time.monotonic()
    found = await outcomes([paced.retrieve_intent(made.id) for _ in range(LIMIT - 5)])

    assert found == ["done"] * (LIMIT - 5)
    assert not slow.done(), f"others waited {time.monotonic() - began} s for it"
    assert (await slow).id == locked.id


async def test_an_object_that_stays_locked_is_told_as_such(paced: StripeGateway, stripe: Stripe) -> None:
    made = await paced.create_intent(wanted())
    locks(stripe, made.id, times=None)

    with pytest.raises(ObjectLocked):
        await paced.retrieve_intent(made.id)


async def test_a_caller_who_hangs_up_while_it_waits_takes_no_turn(
    paced: StripeGateway, stripe: Stripe
) -> None:
    await asyncio.gather(*(paced.create_intent(wanted()) for _ in range(LIMIT)))
    gone = [asyncio.create_task(paced.create_intent(wanted())) for _ in range(60)]
    await asyncio.sleep(0.05)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    made = len(stripe.sandbox.state.payment_intents)

    await paced.create_intent(wanted())

    assert len(stripe.sandbox.state.payment_intents) == made + 1


async def ask(client: Client, order_id: UUID, user: str = "ada") -> dict[str, Any]:
    answer: dict[str, Any] = (await client.data(PAY, {"orderId": str(order_id)}, user=user))[
        "createPaymentIntent"
    ]
    return answer


async def test_a_crowd_is_served_or_refused_before_anything_is_recorded(
    settings: Settings, shop: Shop, stripe: Stripe
) -> None:
    """Who is refused left no row, and is served when they come back as told; nothing is made or called twice."""
    stripe.sandbox.rates.set(4)
    orders = {f"user{each}": await shop.order(user=f"user{each}") for each in range(40)}
    async with running(settings.model_copy(update={"stripe_calls_per_second": 4.0})) as http:
        client = Client(http, JWT_SECRET)
        answers = dict(
            zip(
                orders,
                await asyncio.gather(*(ask(client, order, user) for user, order in orders.items())),
                strict=True,
            )
        )
        refused = {user: each for user, each in answers.items() if each["__typename"] == "RateLimited"}
        assert 8 <= len(refused) <= 24
        assert {each["code"] for each in refused.values()} == {"RATE_LIMITED"}
        assert all(each["retryable"] and 1 <= each["retryAfter"] <= 9 for each in refused.values())
        for user in refused:
            assert await shop.payments(orders[user]) == []

        async def come_back(user: str) -> dict[str, Any]:
            await asyncio.sleep(refused[user]["retryAfter"])
            return await ask(client, orders[user], user)

        again = await asyncio.gather(*(come_back(user) for user in refused))

    assert {each["__typename"] for each in again} == {"PaymentIntent"}
    assert len(stripe.sandbox.journal.calls("POST")) == 40
    assert {call["status"] for call in stripe.sandbox.journal.calls()} == {200}


@pytest.fixture
async def one_a_second(stripe: Stripe) -> AsyncIterator[StripeGateway]:
    made = StripeGateway(STRIPE.secret_keys[0], api_base=stripe.url, calls_per_second=1)
    yield made
    await made.close()


@asynccontextmanager
async def a_crowd(payments: PaymentIntents, shop: Shop) -> AsyncIterator[None]:
    """Ten customers who wait to pay; within the block the line is full."""
    orders = [await shop.order(user=f"user{each}") for each in range(10)]
    crowd = [asyncio.create_task(payments.create(f"user{each}", order)) for each, order in enumerate(orders)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are run within the block."""
    run: list[str] = []

    @contextmanager
    def note(sql: str) -> Iterator[None]:
        run.append(sql)
        yield

    database.watch = note
    try:
        yield run
    finally:
        database.watch = None


@pytest.mark.parametrize("address", [None, "203.0.113.9"])
async def test_a_refusal_costs_no_statement(
    one_a_second: StripeGateway, shop: Shop, database: Database, address: str | None
) -> None:
    """Also behind a proxy that says where the caller is."""
    payments = PaymentIntents(database, one_a_second)
    order_id = await shop.order()
    async with a_crowd(payments, shop):
        await asyncio.sleep(0.1)  # until the ten have looked at their orders
        with statements(database) as run, pytest.raises(RateLimited) as refused:
            await payments.create("ada", order_id, address=address)

    assert run == []
    assert refused.value.retry_after >= 1


async def test_a_payment_that_is_open_is_read_past_the_crowd(
    one_a_second: StripeGateway, shop: Shop, database: Database
) -> None:
    """A customer who reloads the page needs a read, which has a limit of its own."""
    payments = PaymentIntents(database, one_a_second)
    order_id = await shop.order()
    made = await payments.create("ada", order_id)
    async with a_crowd(payments, shop):
        again = await payments.create("ada", order_id)

    assert again.id == made.id


async def test_a_payment_whose_call_was_never_sent_was_never_recorded(
    one_a_second: StripeGateway, shop: Shop, database: Database
) -> None:
    payments = PaymentIntents(database, one_a_second)
    order_id = await shop.order()
    async with a_crowd(payments, shop):
        with pytest.raises(RateLimited):
            await payments.create("ada", order_id)

    assert await shop.payments(order_id) == []


async def test_a_429_keeps_the_payment_for_its_key_and_tells_when_to_come_back(
    settings: Settings, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    async with running(settings.model_copy(update={"stripe_calls_per_second": float(LIMIT)})) as http:
        client = Client(http, JWT_SECRET)
        stripe.sandbox.faults.add(Rule(fault=parse_fault("429"), method="POST"))
        refused = await ask(client, order_id)
        [payment] = await shop.payments(order_id)
        assert (refused["__typename"], payment.state) == ("PaymentProviderUnavailable", PaymentState.CREATING)
        assert refused["retryAfter"] >= 1
        await asyncio.sleep(refused["retryAfter"])
        answer = await ask(client, order_id)

    assert answer["__typename"] == "PaymentIntent"
    assert [each["id"] for each in stripe.sandbox.state.payment_intents] == [answer["id"]]


async def test_webhooks_have_their_share_beside_customers_and_readers(
    paced: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.rates.set(LIMIT)
    made = await paced.create_intent(wanted())
    went: list[Rank] = []

    async def call(rank: Rank) -> None:
        with asking_as(rank):
            await paced.retrieve_intent(made.id)
        went.append(rank)

    await asyncio.gather(*(call(Rank.CUSTOMER) for _ in range(LIMIT)))
    went.clear()
    waiting = [
        *(call(Rank.READER) for _ in range(20)),
        *(call(Rank.CUSTOMER) for _ in range(30)),
        *(call(Rank.WEBHOOK) for _ in range(30)),
    ]
    await asyncio.gather(*waiting)

    assert went[:40].count(Rank.WEBHOOK) >= 15
    assert went[:40].count(Rank.READER) <= 4
    assert {call["status"] for call in stripe.sandbox.journal.calls()} == {200}


async def test_a_look_for_a_reader_waits_behind_all_others_and_what_is_known_is_shown_at_once(
    one_a_second: StripeGateway, shop: Shop, stripe: Stripe, database: Database
) -> None:
    order_id = await shop.order()
    made = await PaymentIntents(database, one_a_second).create("ada", order_id)
    await database.rows(text("UPDATE payments SET looked_at = now() - interval '1 hour'"))
    stripe.sandbox.pay(made.id)
    current, ada = RefreshFromStripe(database, one_a_second), Principal("ada")
    async with current.at_work():
        await one_a_second.retrieve_intent(made.id)
        customers = [asyncio.create_task(one_a_second.retrieve_intent(made.id)) for _ in range(2)]
        await asyncio.sleep(0)

        shown = await asyncio.gather(*(current.find(ada, order_id) for _ in range(10)))

        assert {order.status for order in shown if order} == {OrderStatus.PENDING}
        assert not any(customer.done() for customer in customers)
        # Who comes after the look.
        customers.append(asyncio.create_task(one_a_second.retrieve_intent(made.id)))
        await shop.until(order_id, OrderStatus.PAID)
        assert all(customer.done() for customer in customers)
    assert len(stripe.sandbox.journal.calls("GET")) == 5  # one look served the ten


def test_workers_share_the_limit(settings: Settings) -> None:
    def of(**others: Any) -> float | None:
        return settings.model_copy(update=others).calls_per_second

    assert of() is None
    assert of(stripe_api_base="https://api.stripe.com") == 25
    assert of(stripe_api_base="https://api.stripe.com", workers=4) == 6.25
    assert of(stripe_calls_per_second=100.0, workers=4) == 25
