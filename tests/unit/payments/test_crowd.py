"""A sale in front of Stripe's limit, simulated with the real queue: what holds for every crowd, not for one example."""

import asyncio
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.payments.call_priority import Rank
from services.stripe_api.kept_places import KEPT, LATE, MOST_PLACES, KeptPlaces
from tests.crowd import Crowd, StripeModel, rank_correlation
from tests.virtual_time import run

LIMIT = 25
FOREVER = 1e9


async def sale(
    users: int,
    seconds: float,
    *,
    seed: int = 1,
    others: float = 0.0,
    patience: float = FOREVER,
    leave: float = 0.0,
) -> Crowd:
    """`users` come within `seconds`; the part `leave` of them doesn't come back. `others` use the account."""
    random = Random(seed)  # noqa: S311  it must be repeatable
    crowd = Crowd(StripeModel(LIMIT, others=others, random=random), random)
    came = [random.uniform(0, seconds) for _ in range(users)]
    patiences = [1.0 if random.random() < leave else patience for _ in range(users)]
    await asyncio.gather(
        *(crowd.customer(f"u{each}", *both) for each, both in enumerate(zip(came, patiences, strict=True)))
    )
    await asyncio.sleep(LATE + KEPT + 600)
    return crowd


@settings(max_examples=10)
@example(users=1_500, seconds=10.0, seed=1)
@given(users=st.integers(30, 300), seconds=st.floats(0.1, 30), seed=st.integers(0, 1_000))
def test_all_who_come_back_are_served_in_order_and_no_turn_is_wasted(
    users: int, seconds: float, seed: int
) -> None:
    crowd = run(sale(users, seconds, seed=seed))

    assert len(crowd.served) == users
    assert crowd.gave_up == []
    assert crowd.stripe.refused == 0
    assert len(crowd.stripe.calls) == users
    assert rank_correlation([f"{name}/0" for name in crowd.came], crowd.served) >= 0.95
    assert max(crowd.served_at) <= max(seconds, users / LIMIT) * 1.1 + 6
    assert max(crowd.refusals.values(), default=0) <= 2


@settings(max_examples=5)
@given(leave=st.floats(0, 0.7), seed=st.integers(0, 1_000))
def test_who_leaves_delays_the_others_by_little(leave: float, seed: int) -> None:
    crowd = run(sale(500, 5.0, seed=seed, leave=leave))

    assert len(crowd.served) + len(crowd.gave_up) == 500
    assert max(crowd.served_at) <= 500 / LIMIT * 1.1 + 6


@pytest.mark.parametrize("others", [5.0, 12.0, 20.0])
def test_what_others_on_the_account_use_is_found_by_429s_and_left_to_them(others: float) -> None:
    crowd = run(sale(600, 10.0, others=others))

    ideal = 600 / (LIMIT - others)
    assert len(crowd.served) == 600
    assert max(crowd.served_at) <= ideal * 1.25 + 10
    assert crowd.stripe.refused <= 0.1 * len(crowd.stripe.calls)
    assert rank_correlation([f"{name}/0" for name in crowd.came], crowd.served) >= 0.95


def test_every_rank_gets_its_share_beside_a_sale() -> None:
    async def scene() -> Crowd:
        random = Random(1)  # noqa: S311
        crowd = Crowd(StripeModel(LIMIT, random=random), random)
        others = [
            asyncio.create_task(crowd.in_a_row(rank, 10_000))
            for rank in (Rank.WEBHOOK, Rank.REPAIR, Rank.READER)
        ]
        customers = (crowd.customer(f"u{each}", random.uniform(0, 5), FOREVER) for each in range(400))
        await asyncio.gather(*customers)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return crowd

    crowd = run(scene())

    calls = len(crowd.stripe.calls)
    assert crowd.stripe.refused == 0
    assert crowd.others[Rank.WEBHOOK] / calls == pytest.approx(0.5, abs=0.05)
    assert crowd.others[Rank.REPAIR] / calls == pytest.approx(0.1, abs=0.03)
    assert crowd.others[Rank.READER] / calls == pytest.approx(0.04, abs=0.02)
    assert calls >= 0.9 * LIMIT * max(crowd.served_at)


def test_one_with_a_hundred_orders_does_not_hold_up_the_rest() -> None:
    async def scene() -> Crowd:
        random = Random(1)  # noqa: S311
        crowd = Crowd(StripeModel(LIMIT, random=random), random)
        many = crowd.customer("many", 0, FOREVER, orders=90)
        await asyncio.gather(many, *(crowd.customer(f"u{each}", 0.5, FOREVER) for each in range(300)))
        return crowd

    crowd = run(scene())

    last_of_the_others = max(n for n, name in enumerate(crowd.served) if not name.startswith("many"))
    ahead = [name for name in crowd.served[:last_of_the_others] if name.startswith("many")]
    assert len(ahead) <= LIMIT + 15  # the first found nobody there
    assert len(crowd.served) == 390


def test_memory_is_bounded_however_many_come() -> None:
    places: KeptPlaces[str] = KeptPlaces()
    for each in range(MOST_PLACES + 3_000):
        places.keep(f"u{each}", "order", due=float(each % 600))
        places.keep(f"u{each}", "order", due=600.0)
    assert len(places) == MOST_PLACES

    places.expire(600.0 + LATE)
    assert places.turns_before("another", "order") == 0
    places.expire(600.0 + KEPT)
    assert len(places) == 0
