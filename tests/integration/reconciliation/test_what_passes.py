"""What kept something undone may pass: an order is brought back, Stripe reads again, a permission is given.

Until then a person is told once, and afterwards nobody has to see to it.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from models.stripe_events.tables import MOST_ATTEMPTS
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from services.orders.imports import ImportedOrder, OrderImports
from services.orders.lines import OrderLine
from services.reconciliation.attention_cases import AttentionCases
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.money_back import all_fail, open_cases, paid_late
from tests.proof.whole_shop import WholeShop
from tests.reconciling import EVENTS_DUE, fail, pass_time, sweep, told

DAY = 86_400
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ALL_THAT_A_BACKUP_LACKS = text(
    "TRUNCATE orders, order_items, payments, payment_transitions, stripe_events, leases CASCADE"
)
GIVEN_UP = text("SELECT id FROM stripe_events WHERE finished_at IS NULL AND attempts >= 15")
LAMP = ImportedOrder(
    reference="A-1",
    user_id="ada",
    receipt_email=None,
    currency="USD",
    lines=[OrderLine("Lamp", 1_000, 1)],
    total=1_000,
    expires_at=None,
    metadata={},
)
CASES = text("SELECT kind, subject_id FROM attention")


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


# ---- An order that a backup did not have


async def lost(whole_shop: WholeShop, database: Database, price: int = 1_000) -> tuple[UUID, str]:
    """A paid order of which a restored backup knows nothing, and its intent."""
    order_id, intent_id = await whole_shop.paid(price)
    await database.rows(ALL_THAT_A_BACKUP_LACKS)
    pass_time(whole_shop, 600)
    await whole_shop.sweep.run()
    return order_id, intent_id


async def test_the_money_of_an_order_that_is_brought_back_finds_it(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, _ = await lost(whole_shop, database)
    assert await told(database) == [AttentionKind.MONEY_WITHOUT_ORDER]
    pass_time(whole_shop, DAY)
    await sweep(whole_shop, database)
    await shop.order(items=[(1_000, 1)], order_id=order_id)

    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)

    assert (await shop.status(order_id), await told(database)) == (OrderStatus.PAID, [])


async def test_money_that_a_person_has_dealt_with_is_not_looked_for(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """Such as by a refund in the dashboard: the order is one to be paid."""
    order_id, intent_id = await lost(whole_shop, database)
    whole_shop.sandbox.refund(intent_id)
    [case] = await open_cases(database)
    await AttentionCases(database).close("m", case.id, "refunded in the dashboard")
    await shop.order(items=[(1_000, 1)], order_id=order_id)

    await sweep(whole_shop, database)

    assert (await shop.status(order_id), await told(database)) == (OrderStatus.PENDING, [])


async def test_a_case_of_an_earlier_server_names_the_order_in_its_words(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, _ = await lost(whole_shop, database)
    await database.rows(text("UPDATE attention SET missing_order_id = NULL"))
    await shop.order(items=[(1_000, 1)], order_id=order_id)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_what_is_paid_again_before_that_goes_back(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, first = await lost(whole_shop, database)
    await shop.order(items=[(1_000, 1)], order_id=order_id)
    second = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(second.id)

    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)

    refunds = [refund["payment_intent"] for refund in whole_shop.sandbox.state.refunds]
    assert len(refunds) == 1
    assert refunds[0] in (first, second.id)
    assert (await shop.status(order_id), await told(database)) == (OrderStatus.PAID, [])


async def test_an_order_that_the_shop_sends_again_has_the_id_that_its_money_names(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    imports = OrderImports(database)
    sent = (await imports.take(LAMP)).id
    whole_shop.sandbox.pay((await whole_shop.ask(sent)).id)
    await whole_shop.sweep.run()
    await database.rows(ALL_THAT_A_BACKUP_LACKS)
    pass_time(whole_shop, 600)
    await whole_shop.sweep.run()

    again = (await imports.take(LAMP)).id
    await whole_shop.sweep.run()

    assert again == sent
    assert (await shop.status(again), await told(database)) == (OrderStatus.PAID, [])


async def test_an_order_that_has_the_id_of_another_reference_keeps_no_order_off(
    database: Database, shop: Shop
) -> None:
    imports = OrderImports(database)
    first = (await imports.take(LAMP)).id
    await shop.set_order(first, reference="B-1")

    second = (await imports.take(LAMP)).id

    assert second != first
    assert (await imports.take(LAMP)).id == second


async def test_orders_that_are_not_here_cost_no_calls_until_they_are(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    orders = [(await whole_shop.paid())[0] for _ in range(30)]
    await database.rows(ALL_THAT_A_BACKUP_LACKS)
    pass_time(whole_shop, 600)
    await sweep(whole_shop, database)
    pass_time(whole_shop, 600)
    idle = whole_shop.gateway.calls
    await whole_shop.sweep.run()
    ping_and_lists = 3
    assert whole_shop.gateway.calls - idle == ping_and_lists

    for order_id in orders:
        await shop.order(items=[(1_000, 1)], order_id=order_id)
    await whole_shop.sweep.run()

    assert {await shop.status(order_id) for order_id in orders} == {OrderStatus.PAID}
    assert await told(database) == []


# ---- An event that was given up


async def rested(whole_shop: WholeShop, database: Database) -> None:
    for _ in range(MOST_ATTEMPTS + 5):
        await database.rows(EVENTS_DUE)
        await whole_shop.sweep.run()
    assert await database.rows(GIVEN_UP)


@pytest.mark.parametrize("what", ["refund", "dispute"])
async def test_an_event_that_was_given_up_is_finished_once_stripe_reads_again(
    whole_shop: WholeShop, database: Database, shop: Shop, what: str
) -> None:
    order_id, intent_id = await whole_shop.paid()
    fail(whole_shop, "503", "GET", f"/v1/{what}s", times=None)
    whole_shop.sandbox.refund(intent_id) if what == "refund" else whole_shop.sandbox.dispute(intent_id)
    await rested(whole_shop, database)
    assert set(await told(database)) == {AttentionKind.EVENT_UNFINISHED}
    whole_shop.sandbox.faults.clear()

    pass_time(whole_shop, DAY)
    await sweep(whole_shop, database)

    if what == "refund":
        assert (await shop.status(order_id), await told(database)) == (OrderStatus.REFUNDED, [])
    else:
        assert await told(database) == [AttentionKind.DISPUTE_OPEN]
    assert not await database.rows(text("SELECT id FROM stripe_events WHERE finished_at IS NULL"))


async def test_events_that_can_not_be_finished_keep_no_other_from_its_turn(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    orders = [await whole_shop.paid() for _ in range(12)]
    fail(whole_shop, "503", "GET", "/v1/refunds", times=None)
    for _, intent_id in orders:
        whole_shop.sandbox.refund(intent_id)
    await rested(whole_shop, database)
    whole_shop.sandbox.faults.clear()
    # They are tried in the order of their ids, of which an order's refund has two.
    behind = "SELECT object_id FROM stripe_events WHERE finished_at IS NULL GROUP BY 1 ORDER BY min(id) DESC LIMIT 1"
    [last] = await database.rows(text(behind))
    for _, intent_id in orders:
        if intent_id != last.object_id:
            whole_shop.sandbox.make_sick(intent_id, "503")

    await sweep(whole_shop, database, times=2 * len(orders))

    statuses = [await shop.status(order_id) for order_id, intent_id in orders if intent_id == last.object_id]
    assert statuses == [OrderStatus.REFUNDED]


async def test_what_a_person_said_about_an_event_is_not_asked_again(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await whole_shop.paid()
    fail(whole_shop, "503", "GET", "/v1/refunds", times=None)
    whole_shop.sandbox.refund(intent_id)
    await rested(whole_shop, database)
    await database.rows(text("UPDATE attention SET closed_at = now(), closed_by = 'm', note = 'seen'"))

    await rested(whole_shop, database)

    assert await told(database) == []


async def test_a_case_about_an_event_outlives_it(whole_shop: WholeShop, database: Database) -> None:
    _, intent_id = await whole_shop.paid()
    fail(whole_shop, "503", "GET", "/v1/refunds", times=None)
    whole_shop.sandbox.refund(intent_id)
    await rested(whole_shop, database)
    cases = await told(database)
    await database.rows(text("UPDATE stripe_events SET received_at = received_at - interval '31 days'"))
    await whole_shop.sweep.run()
    assert not await database.rows(GIVEN_UP)

    await whole_shop.sweep.run()

    assert await told(database) == cases


# ---- A list that can't be read


@pytest.mark.parametrize("list_name", ["events", "payment_intents"])
async def test_a_list_that_can_not_be_read_for_hours_is_one_case_and_no_end_of_the_sweep(
    whole_shop: WholeShop, database: Database, list_name: str
) -> None:
    await whole_shop.paid()
    fail(whole_shop, "503", "GET", f"/v1/{list_name}", times=None)

    for _ in range(12):
        pass_time(whole_shop, 3_600)
        await database.rows(text("UPDATE sweep_retries SET first_failed_at = now() - interval '2 hours'"))
        await sweep(whole_shop, database, times=1)
        findings = await whole_shop.sweep.run()
        assert not findings.is_whole

    assert [row.kind for row in await database.rows(CASES)] == [AttentionKind.EVENT_UNFINISHED]
    assert len(await database.rows(text("SELECT until FROM sweep_windows"))) == 1


async def test_what_happened_meanwhile_is_read_at_once_when_a_list_can_be_read_again(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, intent_id = await whole_shop.paid()
    fail(whole_shop, "503", "GET", "/v1/events", times=None)
    await sweep(whole_shop, database)
    whole_shop.sandbox.refund(intent_id)
    whole_shop.sandbox.faults.clear()

    await whole_shop.sweep.run()  # though what failed before waits for its next try

    assert await shop.status(order_id) is OrderStatus.REFUNDED
    assert await told(database) == []


async def test_a_list_of_which_too_many_parts_are_unread_is_not_whole(
    whole_shop: WholeShop, database: Database
) -> None:
    """Nothing new is read then until some of them are."""
    await whole_shop.sweep.run()
    many = text(
        "INSERT INTO sweep_windows (list_name, since, until, after)"
        " SELECT 'events', moment - interval '1 minute', moment, 'evt_1'"
        " FROM (SELECT now() - make_interval(hours => 2, mins => n) AS moment FROM generate_series(1, 100) AS n)"
    )
    await database.rows(many)
    fail(whole_shop, "503", "GET", "/v1/events", times=None)

    findings = await whole_shop.sweep.run()

    assert "list of events" in findings.unfinished


# ---- A permission that is missing


async def test_a_permission_that_is_missing_is_told_once_whatever_needs_no_call(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """Orders that nobody began to pay expire without a call, and prove nothing about the key."""
    begun = await shop.order(items=[(1_000, 1)])
    await whole_shop.ask(begun)
    await shop.set_order(begun, status=OrderStatus.CANCELED)
    whole_shop.sandbox.permissions.forbid("rak_payment_intent_write")

    for _ in range(5):
        other = await shop.order(items=[(1_000, 1)])
        await shop.set_order(other, expires_at=LONG_AGO)
        await sweep(whole_shop, database, times=1)
        assert await shop.status(other) is OrderStatus.CANCELED

    missing = [row for row in await database.rows(CASES) if row.kind == AttentionKind.KEY_LACKS_PERMISSION]
    assert len(missing) == 1
    whole_shop.sandbox.permissions.allow("rak_payment_intent_write")
    await sweep(whole_shop, database)
    assert await told(database) == []


async def test_a_permission_to_read_refunds_is_not_given_by_looking_at_what_can_not_be_refunded(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    await paid_late(whole_shop)
    await sweep(whole_shop, database)
    await all_fail(whole_shop, database)
    _, refunded = await whole_shop.paid()
    whole_shop.sandbox.permissions.forbid("rak_refund_read")
    whole_shop.sandbox.refund(refunded)

    for _ in range(6):
        await sweep(whole_shop, database, times=1)

    missing = [row for row in await database.rows(CASES) if row.kind == AttentionKind.KEY_LACKS_PERMISSION]
    assert len(missing) == 1
