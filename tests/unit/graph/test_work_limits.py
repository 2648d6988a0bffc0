"""One caller can't have all of a server's time: what is dear is counted by caller, and comes back with time."""

import asyncio

import pytest
from graphql import GraphQLError

from graph.serving.work_limits import MOST_ACCOUNTS, MOST_WAITING, SAVED_SECONDS, WorkLimits
from runtime.addresses import TrustedProxies


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> WorkLimits:
    return WorkLimits(of_caller=100.0, of_address=300.0, clock=clock)


@pytest.mark.parametrize(("caller", "rate"), [("ada", 100), (None, 300)])
def test_who_has_spent_all_is_told_when_there_is_more(
    limits: WorkLimits, clock: Clock, caller: str | None, rate: int
) -> None:
    limits.account_of(caller, "10.0.0.7").charge(rate * (SAVED_SECONDS + 3))
    with pytest.raises(GraphQLError) as refused:
        limits.account_of(caller, "10.0.0.7")
    assert refused.value.extensions == {"code": "RATE_LIMITED", "retryAfter": 3}
    clock.now = 3.01
    limits.account_of(caller, "10.0.0.7")


def test_callers_and_addresses_have_each_their_own(limits: WorkLimits) -> None:
    limits.account_of("ada", "10.0.0.7").charge(10_000)
    limits.account_of(None, "10.0.0.8").charge(10_000)
    for caller, address in (("bob", "10.0.0.7"), (None, "10.0.0.7"), (None, "ada")):
        limits.account_of(caller, address)


def test_a_stranger_has_the_least_once_a_proxy_says_where_they_are(clock: Clock) -> None:
    limits = WorkLimits(proxies=TrustedProxies(("10.0.0.7",)), clock=clock)
    visitor, behind_no_proxy = limits.account_of(None, "203.0.113.9"), limits.account_of(None, "10.0.0.7")
    assert visitor.rate < limits.account_of("ada", "203.0.113.9").rate < behind_no_proxy.rate


def test_nobody_saves_more_than_some_seconds(limits: WorkLimits, clock: Clock) -> None:
    limits.account_of("ada", "")
    clock.now = 1_000.0
    assert limits.account_of("ada", "").left == 100 * SAVED_SECONDS


def test_so_many_callers_are_remembered(limits: WorkLimits) -> None:
    for number in range(MOST_ACCOUNTS + 50):
        limits.account_of(str(number), "")
    assert len(limits.accounts) == MOST_ACCOUNTS


async def test_a_refusal_waits_and_lets_go_of_its_place() -> None:
    limits = WorkLimits(pause=1_000.0)
    waiting = [asyncio.create_task(limits.slow_down()) for _ in range(3)]
    await asyncio.sleep(0)
    assert limits.waiting == 3
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert limits.waiting == 0


async def test_only_so_many_refusals_wait() -> None:
    await WorkLimits(pause=1_000.0, waiting=MOST_WAITING).slow_down()
