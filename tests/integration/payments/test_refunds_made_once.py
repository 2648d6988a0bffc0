"""A refund has another idempotency key only when no request under the one before can be under way any more."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.refunds.tables import RefundState
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from tests.events import WEBHOOK_SECRET
from tests.proof.whole_shop import WholeShop
from tests.reconciling import sweep

# A sweep finds everything due, and the key as old as it was.
DUE_AT_ONCE = text("UPDATE refunds SET due_at = now(), lease_until = NULL")
OLDER = text("UPDATE refunds SET created_at = created_at - make_interval(hours => :hours)")
KEY_IS_OVER = text("UPDATE refunds SET key_until = now()")
FROM_BEFORE_THE_COLUMN = text("UPDATE refunds SET key_until = NULL, created_at = now() - interval '2 days'")


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    """With a Stripe of its own, whose clock may be moved."""
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


def fail_once(whole_shop: WholeShop, fault: str) -> None:
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(fault), method="POST", path="/v1/refunds"))


def made(whole_shop: WholeShop) -> list[int]:
    """Minor units, by each refund that Stripe has."""
    return [refund["amount"] for refund in whole_shop.sandbox.state.refunds]


def keys(whole_shop: WholeShop) -> list[str]:
    """What follows the refund's id in the idempotency key of each request: the attempt."""
    calls = whole_shop.sandbox.journal.calls("POST", "/v1/refunds")
    return [call["idempotency_key"].rpartition(":")[2] for call in calls]


async def refunded_in_the_end(whole_shop: WholeShop, database: Database, order_id: UUID) -> list[int]:
    """What Stripe has made after a minute, when it has finished all it was asked."""
    whole_shop.sandbox.pass_time(61)
    await sweep(whole_shop, database)
    assert await whole_shop.shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED
    return made(whole_shop)


async def test_what_stripe_makes_after_it_answered_500_is_made_once(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    fail_once(whole_shop, "500; point=later; seconds=60")

    first = await whole_shop.refund(order_id, 300)
    again = await whole_shop.refund(order_id, 300)
    await database.rows(DUE_AT_ONCE)
    await whole_shop.sweep.run()

    assert (first.state, again.state, made(whole_shop)) == (RefundState.CREATING, RefundState.CREATING, [])
    assert await refunded_in_the_end(whole_shop, database, order_id) == [300]
    assert keys(whole_shop) == ["1"]


async def test_what_stripe_never_makes_after_a_500_is_asked_for_after_a_pause(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    fail_once(whole_shop, "500; point=before")
    refund = await whole_shop.refund(order_id, 300)

    await whole_shop.sweep.run()
    [row] = await database.rows(text("SELECT due_at > now() + interval '4 minutes' AS waits FROM refunds"))

    assert (refund.state, row.waits, made(whole_shop)) == (RefundState.CREATING, True, [])
    assert await refunded_in_the_end(whole_shop, database, order_id) == [300]
    assert keys(whole_shop) == ["1", "2"]


@pytest.mark.parametrize("hours", [1, 24])
async def test_a_refund_that_waited_a_day_for_the_balance_is_made_once_though_stripe_is_slow(
    whole_shop: WholeShop, database: Database, hours: int
) -> None:
    order_id, _ = await whole_shop.paid()
    whole_shop.sandbox.state.dashboard.set(balance_insufficient=True)
    await whole_shop.refund(order_id, 300)
    whole_shop.sandbox.state.dashboard.set(balance_insufficient=False)
    await database.rows(OLDER, {"hours": hours})
    fail_once(whole_shop, "reset; point=later; seconds=60")

    for _ in range(2):
        assert (await whole_shop.refund(order_id, 300)).state is RefundState.CREATING
    await database.rows(DUE_AT_ONCE)
    await whole_shop.sweep.run()

    assert await refunded_in_the_end(whole_shop, database, order_id) == [300]
    assert keys(whole_shop) == ["1", "2", "2", "2"]


async def test_a_key_that_stripe_may_forget_is_followed_by_another_after_a_pause(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    fail_once(whole_shop, "reset; point=later; seconds=60")
    await whole_shop.refund(order_id, 300)
    await database.rows(KEY_IS_OVER)

    assert (await whole_shop.refund(order_id, 300)).state is RefundState.CREATING

    assert keys(whole_shop) == ["1"]
    assert await refunded_in_the_end(whole_shop, database, order_id) == [300]


async def test_a_refund_of_the_version_before_whose_key_may_be_old_is_made_after_a_pause(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    fail_once(whole_shop, "reset; point=before")
    await whole_shop.refund(order_id, 300)
    await database.rows(FROM_BEFORE_THE_COLUMN)

    assert (await whole_shop.refund(order_id, 300)).state is RefundState.CREATING

    assert keys(whole_shop) == ["1"]
    assert await refunded_in_the_end(whole_shop, database, order_id) == [300]
    assert keys(whole_shop) == ["1", "2"]
