"""Who calls Stripe next: customers in order, users in turn, webhooks with their share; no turn is ever lost."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from services.payments.call_priority import Caller, Rank
from services.payments.intents import NotSent
from services.stripe_api.call_queue import LONGEST_WAIT, MOST_BEHIND, CallQueue, Line
from services.stripe_api.kept_places import KEPT, LATE, MOST_OF_USER, KeptPlaces
from services.stripe_api.pace import Pace
from tests.virtual_time import run

LIMIT = 25


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def in_its_loop() -> None:
        run(test())

    in_its_loop.__name__, in_its_loop.__doc__ = test.__name__, test.__doc__
    return in_its_loop


class Callers:
    """They ask for a turn, and note who went when."""

    def __init__(self, per_second: float = LIMIT) -> None:
        self.line = Line(Pace(per_second))
        self.went: list[str] = []
        self.times: list[float] = []
        self.told: dict[str, int] = {}

    async def call(self, name: str, *, user: str | None = None, rank: Rank = Rank.CUSTOMER) -> None:
        try:
            with self.line.ask(Caller(rank, user or name), name) as turn:
                await turn.wait()
                turn.use()
                self.went.append(name)
                self.times.append(asyncio.get_running_loop().time())
        except NotSent as refused:
            self.told[name] = refused.retry_after

    async def call_until_it_went(self, name: str, **how: Any) -> None:
        while name not in self.went:
            await self.call(name, **how)
            await asyncio.sleep(self.told.pop(name, 0))


@in_virtual_time
async def test_no_second_holds_more_calls_than_the_limit() -> None:
    callers = Callers()

    await asyncio.gather(*(callers.call_until_it_went(f"c{each}") for each in range(200)))

    for number, at in enumerate(callers.times):
        assert sum(at <= other < at + 1 for other in callers.times[number:]) <= LIMIT


@in_virtual_time
async def test_a_turn_whose_call_was_prepared_for_long_still_counts() -> None:
    """The calls of turns that were lent together may go out together, and then nothing else may."""
    line, sent = Line(Pace(LIMIT)), list[float]()

    async def call(preparation: float) -> None:
        with line.ask(Caller()) as turn:
            await turn.wait()
            await asyncio.sleep(preparation)
            turn.use()
            sent.append(asyncio.get_running_loop().time())

    await asyncio.gather(*(call(0.9 if each % 2 else 0.0) for each in range(60)))

    sent.sort()
    for number, at in enumerate(sent):
        assert sum(at <= other < at + 1 for other in sent[number:]) <= LIMIT


@in_virtual_time
async def test_customers_go_in_the_order_in_which_they_came() -> None:
    callers = Callers()

    await asyncio.gather(*(callers.call(f"c{each}") for each in range(100)))

    assert callers.went == [f"c{each}" for each in range(100)]


@in_virtual_time
async def test_who_could_not_be_served_in_time_is_told_at_once_when_to_come_back() -> None:
    callers = Callers()

    calls = asyncio.gather(*(callers.call(f"c{each}") for each in range(1_000)))
    await asyncio.sleep(0.001)

    told = list(callers.told.values())
    assert len(told) == pytest.approx(1_000 - LIMIT * LONGEST_WAIT, abs=2 * LIMIT)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1_000 / LIMIT, abs=4)
    await calls


@in_virtual_time
async def test_who_comes_back_as_told_is_served_then() -> None:
    """What `retryAfter` says comes true for everybody, before those who came later."""
    callers = Callers()

    await asyncio.gather(*(callers.call(f"c{each}") for each in range(500)))
    told = dict(callers.told)
    came_at = asyncio.get_running_loop().time()
    newcomers = asyncio.gather(*(callers.call_until_it_went(f"new{each}") for each in range(100)))

    async def come_back(name: str) -> None:
        await asyncio.sleep(max(0, told[name] - came_at))
        await callers.call(name)

    await asyncio.gather(*(come_back(name) for name in told), newcomers)

    assert callers.went[:500] == [f"c{each}" for each in range(500)]


@in_virtual_time
async def test_a_place_is_kept_for_a_minute_and_then_forgotten() -> None:
    callers = Callers()
    await asyncio.gather(*(callers.call(f"c{each}") for each in range(300)))
    places: KeptPlaces[Any] = callers.line._customers  # noqa: SLF001  what is bounded is counted
    assert len(places) > 100

    await asyncio.sleep(max(callers.told.values()) + LATE + KEPT)
    await callers.call("somebody else")

    assert len(places) == 0


@in_virtual_time
async def test_one_with_a_hundred_orders_waits_behind_one_with_one() -> None:
    callers = Callers()

    await asyncio.gather(
        *(callers.call_until_it_went(f"many{each}", user="many") for each in range(90)),
        *(callers.call_until_it_went(f"one{each}") for each in range(60)),
    )

    first = callers.went[LIMIT:]  # the first ones found nobody there
    behind_all = [name for name in first[: first.index("one59")] if name.startswith("many")]
    assert len(behind_all) <= 2


@in_virtual_time
async def test_a_user_has_only_so_many_places() -> None:
    callers = Callers(per_second=1)

    await asyncio.gather(*(callers.call(f"order{each}", user="many") for each in range(1_000)))

    assert len(callers.line._customers) <= MOST_OF_USER  # noqa: SLF001


@in_virtual_time
async def test_webhooks_have_every_second_turn_while_customers_wait_and_all_when_they_don_t() -> None:
    callers = Callers()

    async def customers() -> None:
        await asyncio.gather(*(callers.call(f"customer{each}") for each in range(75)))

    await asyncio.gather(
        customers(), *(callers.call(f"webhook{each}", rank=Rank.WEBHOOK) for each in range(100))
    )

    waited = callers.went[LIMIT:]
    while_both_waited = waited[: max(n for n, name in enumerate(waited) if name.startswith("customer"))]
    webhooks = sum(name.startswith("webhook") for name in while_both_waited)
    assert webhooks == pytest.approx(len(while_both_waited) / 2, abs=1)
    assert callers.times[-1] == pytest.approx(175 / LIMIT, rel=0.1, abs=1)


@in_virtual_time
async def test_repairs_and_readers_wait_behind_all_others_and_do_not_starve() -> None:
    callers = Callers()
    ranks = {"customer": Rank.CUSTOMER, "webhook": Rank.WEBHOOK, "repair": Rank.REPAIR, "reader": Rank.READER}

    await asyncio.gather(*(callers.call(f"first{each}") for each in range(LIMIT)))
    await asyncio.gather(
        *(callers.call(f"{name}{each}", rank=rank) for each in range(50) for name, rank in ranks.items())
    )

    waited = [name.rstrip("0123456789") for name in callers.went[LIMIT : LIMIT + 100]]
    assert waited.count("repair") == pytest.approx(10, abs=2)
    assert waited.count("reader") == pytest.approx(4, abs=2)
    assert waited.count("webhook") == 50


@in_virtual_time
async def test_only_so_many_readers_wait() -> None:
    callers = Callers(per_second=1)

    looks = asyncio.gather(*(callers.call(f"look{each}", rank=Rank.READER) for each in range(500)))
    await asyncio.sleep(0.001)

    assert len(callers.told) == pytest.approx(500 - MOST_BEHIND[Rank.READER], abs=1)
    await looks


@pytest.mark.parametrize("moment", ["before it waits", "while it waits", "as its turn comes", "in its turn"])
def test_a_caller_who_is_gone_leaves_no_turn_behind(moment: str) -> None:
    async def scene() -> None:
        line = Line(Pace(1))
        with line.ask(Caller()) as first:
            first.use()
        seconds = {
            "before it waits": None,
            "while it waits": 0.3,
            "as its turn comes": 1.0,
            "in its turn": 1.2,
        }

        async def go() -> None:
            with line.ask(Caller(user="gone"), "order") as turn:
                await turn.wait()
                await asyncio.sleep(60)

        gone = asyncio.create_task(go())
        if seconds[moment] is not None:
            await asyncio.sleep(seconds[moment] or 0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)

        for _ in range(3):
            with line.ask(Caller()) as turn:
                await turn.wait()
                turn.use()

    run(scene())


@in_virtual_time
async def test_what_a_block_did_not_use_goes_to_the_next() -> None:
    line = Line(Pace(1))
    with line.ask(Caller()) as first:
        first.use()
    with line.ask(Caller()) as unused:
        await unused.wait()
        waiting = asyncio.create_task(take(line))
        await asyncio.sleep(0.1)
        assert not waiting.done()

    async with asyncio.timeout(0.1):
        await waiting


async def take(line: Line) -> None:
    with line.ask(Caller()) as turn:
        await turn.wait()
        turn.use()


@in_virtual_time
async def test_whose_preparation_failed_keeps_the_place() -> None:
    """The database was away for a moment: the customer goes before all who came later."""
    callers = Callers(per_second=5)
    await asyncio.gather(*(callers.call(f"first{each}") for each in range(5)))
    later = []
    with suppress(OSError), callers.line.ask(Caller(user="unlucky"), "unlucky") as turn:
        await turn.wait()
        later = [asyncio.create_task(callers.call(f"later{each}")) for each in range(20)]
        await asyncio.sleep(0.1)
        raise OSError("the database is away")

    await callers.call("unlucky")
    await asyncio.gather(*later)

    assert callers.went.index("unlucky") < 5 + 5


@in_virtual_time
async def test_a_429_slows_down_and_calls_that_are_taken_speed_up_again() -> None:
    pace = Pace(LIMIT)
    full = pace.per_second

    pace.slow_down(10.0)
    pace.slow_down(10.1)  # of the same burst

    assert pace.per_second == pytest.approx(0.7 * full)
    assert pace.free_at(10.2) > 11
    now = 10.0
    for _ in range(150):
        now = pace.free_at(now)
        pace.lend(now)
        pace.send(now, now)
    assert pace.per_second == pytest.approx(full)


@in_virtual_time
async def test_less_than_one_call_a_second_is_a_longer_pause() -> None:
    callers = Callers(per_second=0.1)

    await asyncio.gather(callers.call("first"), callers.call("second"))

    assert callers.went == ["first"]
    assert callers.told["second"] == pytest.approx(10, abs=3)


@in_virtual_time
async def test_each_endpoint_has_a_line_of_its_own() -> None:
    queue = CallQueue(LIMIT)

    assert queue.line("GET /v1/refunds") is queue.line("GET /v1/refunds")
    assert queue.line("GET /v1/refunds") is not queue.line("POST /v1/refunds")
