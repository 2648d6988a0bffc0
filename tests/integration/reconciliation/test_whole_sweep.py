"""The sweep that a server waits for: it goes on until it is whole, says how far it is, and ends where it can't be."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from models import OrderStatus
from runtime.database.database import Database, build_database
from sandbox.faults import Rule, parse_fault
from services.reconciliation.findings import A_PERSON_IS_NEEDED, STRIPE_IS_AWAY, Findings
from services.reconciliation.whole_sweep import in_sentences, sweep_until_whole
from services.stripe_api.gateway import StripeGateway
from tests.client import Client
from tests.conftest import STRIPE, Stripe
from tests.make import Shop

Sweeping = Callable[..., Coroutine[Any, Any, tuple[Findings, list[str]]]]


@pytest.fixture
def sweeping(postgres_url: str, database: Database, stripe: Stripe) -> Sweeping:
    """Sweep until it is whole, with connections of its own; what was found, and the lines that were told."""

    async def sweep(most_items: int | None = None) -> tuple[Findings, list[str]]:
        told: list[str] = []
        own = build_database(postgres_url)
        gateway = StripeGateway(STRIPE.secret_keys[0], api_base=stripe.url)
        findings = await sweep_until_whole(
            own,
            gateway,
            livemode=False,
            tell=told.append,
            pause=0,
            calls_per_second=25,
            most_items=most_items,
        )
        return findings, told

    return sweep


async def test_it_goes_on_until_everything_was_looked_at(
    client: Client, shop: Shop, stripe: Stripe, sweeping: Sweeping
) -> None:
    orders = [await shop.order() for _ in range(5)]
    for order in orders:
        stripe.sandbox.pay((await client.pay(order))["id"])

    findings, told = await sweeping()

    assert (findings.is_whole, findings.exit_code_of_whole) == (True, 0)
    assert [await shop.status(order) for order in orders] == [OrderStatus.PAID] * 5
    assert told == [
        "sweeping: 5 payments are open here, about 0 seconds at 25 calls a second; what Stripe has besides comes on top"
    ]


async def test_small_budgets_make_more_sweeps_and_the_same_end(
    client: Client, shop: Shop, stripe: Stripe, sweeping: Sweeping
) -> None:
    orders = [await shop.order() for _ in range(5)]
    for order in orders:
        stripe.sandbox.pay((await client.pay(order))["id"])

    findings, told = await sweeping(most_items=2)

    assert findings.is_whole, in_sentences(findings)
    assert [await shop.status(order) for order in orders] == [OrderStatus.PAID] * 5
    assert sum(line.startswith("sweeping again: ") for line in told) >= 1


async def test_while_stripe_is_away_it_ends_at_once_and_says_so(stripe: Stripe, sweeping: Sweeping) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault("reset"), times=None))

    findings, told = await sweeping()

    assert (findings.is_whole, findings.exit_code_of_whole, len(told)) == (False, STRIPE_IS_AWAY, 1)
    assert "Stripe could not be asked" in in_sentences(findings)


async def test_an_open_case_does_not_hide_that_it_is_not_whole(
    client: Client, shop: Shop, stripe: Stripe, sweeping: Sweeping
) -> None:
    order = await shop.order()
    intent = await client.pay(order)
    stripe.sandbox.pay(intent["id"])
    await sweeping()
    stripe.sandbox.dispute(intent["id"])
    findings, _ = await sweeping()
    assert (findings.exit_code, findings.exit_code_of_whole) == (A_PERSON_IS_NEEDED, A_PERSON_IS_NEEDED)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("reset"), times=None))

    findings, _ = await sweeping()

    assert findings.cases == 1
    assert findings.exit_code_of_whole == STRIPE_IS_AWAY, "a restored shop must not open yet"


async def test_what_no_further_sweep_would_bring_to_its_end_ends_it(
    stripe: Stripe, sweeping: Sweeping
) -> None:
    stripe.sandbox.permissions.forbid("rak_event_read")

    findings, told = await sweeping()

    assert not findings.is_whole
    assert findings.exit_code == A_PERSON_IS_NEEDED, "somebody has to give the key its permission"
    assert findings.exit_code_of_whole == STRIPE_IS_AWAY
    assert "not whole: list of events" in in_sentences(findings)
    assert 2 <= sum(line.startswith("sweeping again: ") for line in told) <= 4


async def test_a_list_that_can_not_be_read_ends_it(stripe: Stripe, sweeping: Sweeping) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault("503"), path="/v1/events", times=None))

    findings, told = await sweeping()

    assert findings.unfinished == ["list of events"]
    assert len(told) < 10
