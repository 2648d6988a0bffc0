"""What comes back each minute, lasts for days or fails now and then keeps the sweep from nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from services.reconciliation.findings import Findings
from services.reconciliation.sweep import Sweep
from services.reconciliation.sweep_step import Budget, StepRun
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.whole_shop import WholeShop

ITEMS_DUE = text("UPDATE sweep_retries SET due_at = now()")
EVENTS_DUE = text("UPDATE stripe_events SET due_at = now() WHERE finished_at IS NULL AND due_at < 'infinity'")
UNDER_WAY = "pm_usBankAccount_processing"
A_FEW = 6  # items of 200 to 400 in each step's budget


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


def fail(whole_shop: WholeShop, words: str, method: str, path: str, times: int | None = None) -> None:
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(words), method=method, path=path, times=times))


async def told(database: Database) -> list[str]:
    return [
        row.kind for row in await database.rows(text("SELECT kind FROM attention WHERE closed_at IS NULL"))
    ]


async def expired_order(
    whole_shop: WholeShop, database: Database, hours: int, *, method: str | None = None
) -> UUID:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    if method:
        whole_shop.sandbox.pay(intent.id, method)
    expiry = text("UPDATE orders SET expires_at = now() - make_interval(hours => :hours) WHERE id = :id")
    await database.rows(expiry, {"hours": hours, "id": order_id})
    return order_id


# ---- Money that is under way for days


@pytest.mark.parametrize("looked_at", ["lately", "long ago"])
async def test_expired_orders_behind_those_with_money_under_way_expire(
    whole_shop: WholeShop, database: Database, shop: Shop, looked_at: str
) -> None:
    for _ in range(8):
        await expired_order(whole_shop, database, 2, method=UNDER_WAY)
    last = await expired_order(whole_shop, database, 1)
    short = Sweep(database, whole_shop.gateway, whole_shop.inbox, most_items=A_FEW)

    for _ in range(4):
        if looked_at == "long ago":
            await database.rows(text("UPDATE payments SET looked_at = now() - interval '1 day'"))
        await short.run()

    assert await shop.status(last) is OrderStatus.CANCELED


@pytest.mark.parametrize("looked_at", ["lately", "long ago"])
async def test_a_closed_order_behind_those_with_money_under_way_is_not_left_payable(
    whole_shop: WholeShop, database: Database, shop: Shop, looked_at: str
) -> None:
    orders = sorted([await shop.order(items=[(1_000, 1)]) for _ in range(10)])
    intents = [await whole_shop.ask(order_id) for order_id in orders]
    for intent in intents[:-1]:
        whole_shop.sandbox.pay(intent.id, UNDER_WAY)
    for order_id in orders:
        await shop.set_order(order_id, status=OrderStatus.CANCELED)
    short = Sweep(database, whole_shop.gateway, whole_shop.inbox, most_items=A_FEW)

    for _ in range(4):
        if looked_at == "long ago":
            await database.rows(text("UPDATE payments SET looked_at = now() - interval '1 day'"))
        await short.run()

    assert whole_shop.sandbox.state.payment_intents.require(intents[-1].id)["status"] == "canceled"


async def test_money_under_way_for_days_costs_no_call_each_minute(
    whole_shop: WholeShop, database: Database
) -> None:
    for _ in range(5):
        await expired_order(whole_shop, database, 2, method=UNDER_WAY)
    await whole_shop.sweep.run()
    await whole_shop.sweep.run()
    idle = whole_shop.gateway.calls
    await whole_shop.sweep.run()
    ping_account_and_lists = 4
    assert whole_shop.gateway.calls - idle == ping_account_and_lists
    assert not await database.rows(text("SELECT * FROM sweep_retries"))


# ---- Clocks, permissions, blips


async def test_what_happened_while_our_clock_was_ahead_is_found(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    whole_shop.gateway.ahead += timedelta(
        minutes=10
    )  # Stripe's clock is ten minutes behind ours, which is wrong
    await whole_shop.sweep.run()
    whole_shop.sandbox.refund(intent_id)
    whole_shop.sandbox.pass_time(600)  # ours is set right
    await whole_shop.sweep.run()
    assert await shop.status(order_id) is OrderStatus.REFUNDED


@pytest.mark.parametrize("sick", ["rak_balance_read", "500", "timeout"])
async def test_stripes_clock_is_told_by_whatever_it_answers(
    whole_shop: WholeShop, database: Database, shop: Shop, sick: str
) -> None:
    order_id, intent_id = await whole_shop.paid()
    # Our clock is twenty minutes ahead of Stripe's, for days.
    whole_shop.gateway.ahead += timedelta(minutes=20)
    if sick.startswith("rak_"):
        whole_shop.sandbox.permissions.forbid(sick)
    else:
        fail(whole_shop, {"timeout": "reset"}.get(sick, sick), "GET", "/v1/balance")
    await whole_shop.sweep.run()
    whole_shop.sandbox.refund(intent_id)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_a_dispute_that_rests_for_a_missing_permission_is_heard_once_it_is_given(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await whole_shop.paid()
    whole_shop.sandbox.permissions.forbid("rak_dispute_read")
    whole_shop.sandbox.dispute(intent_id)
    for _ in range(20):
        await database.rows(EVENTS_DUE)
        await whole_shop.sweep.run()
    rests = text("SELECT id FROM stripe_events WHERE due_at = 'infinity'")
    assert await database.rows(rests)
    whole_shop.sandbox.permissions.allow("rak_dispute_read")

    await whole_shop.sweep.run()
    await whole_shop.sweep.run()

    assert await told(database) == [AttentionKind.DISPUTE_OPEN]
    assert not await database.rows(text("SELECT id FROM stripe_events WHERE finished_at IS NULL"))


async def test_short_outages_do_not_hide_a_sick_intent(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.make_sick(intent.id, "503")
    for number in range(20):
        if number % 6 == 5:
            fail(whole_shop, "503", "*", "*", times=2)
        await database.rows(ITEMS_DUE)
        await whole_shop.sweep.run()
    assert await told(database) == [AttentionKind.EVENT_UNFINISHED]


async def test_what_fails_in_an_outage_is_not_held_against_it(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.make_sick(intent.id, "503")  # Stripe goes away in the middle of a sweep
    await whole_shop.sweep.run()
    await database.rows(text("UPDATE sweep_retries SET attempts = 7"))
    fail(whole_shop, "503", "*", "*", times=2)
    assert (await whole_shop.sweep.run()).unreachable

    await whole_shop.sweep.run()

    assert [row.attempts for row in await database.rows(text("SELECT attempts FROM sweep_retries"))] == [2]


@pytest.mark.parametrize("fault", ["500; point=before", "503"])
async def test_a_balance_that_is_sick_alone_stops_nothing(
    whole_shop: WholeShop, database: Database, shop: Shop, fault: str
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)
    fail(whole_shop, fault, "GET", "/v1/balance")

    findings = await whole_shop.sweep.run()

    assert (await shop.status(order_id), findings.unreachable) == (OrderStatus.PAID, False)


async def test_an_old_intent_whose_look_failed_is_looked_at_again_soon(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await database.rows(
        text(
            "UPDATE payments SET created_at = now() - interval '4 days', looked_at = now() - interval '2 days'"
        )
    )
    whole_shop.sandbox.pay(intent.id)
    whole_shop.sandbox.make_sick(intent.id, "503", method="GET", times=2)
    read = (
        "INSERT INTO leases (name, holder, held_until, done_until)"
        " VALUES ('list of events', '', now(), now()), ('list of intents', '', now(), now())"
    )
    await database.rows(text(read))
    whole_shop.sandbox.pass_time(600)
    whole_shop.gateway.ahead += timedelta(seconds=600)
    await whole_shop.sweep.run()
    assert await shop.status(order_id) is OrderStatus.PENDING

    await database.rows(ITEMS_DUE)
    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_a_step_that_can_not_begin_ends_only_itself(database: Database) -> None:
    findings, name = Findings(), "\0 can't be read or written"
    run = StepRun(name, database, Budget(seconds=5, items=5), findings, permission="")
    async with run.running():
        assert not run.may_go_on
    assert findings.unfinished == [name]
