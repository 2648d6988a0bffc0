"""The database's clock goes back by hours, or is hours ahead of Stripe's: nothing waits until the two agree."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.reconciliation.leases import TAKE_WORK
from runtime.database.database import Database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.faults import Rule, parse_fault
from services.orders.lines import OrderLine
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.refusals import PaymentProviderUnavailable
from services.reconciliation.sweep import DUE_AT_ONCE, SWEEP, Sweep
from services.reconciliation.sweep_scheduler import HELD, SweepScheduler
from tests.events import WEBHOOK_SECRET, signed
from tests.make import Shop
from tests.proof.whole_shop import WholeShop

# Whatever the old clock wrote lies so much later by the new one.
BACK = """
UPDATE leases SET held_until = held_until + :back, done_until = done_until + :back;
UPDATE sweep_retries SET due_at = due_at + :back;
UPDATE stripe_events SET due_at = due_at + :back;
UPDATE payments SET lease_until = lease_until + :back, looked_at = looked_at + :back;
UPDATE refunds SET due_at = due_at + :back, lease_until = lease_until + :back;
UPDATE order_changes SET created_at = created_at + :back
"""
THREE_HOURS = timedelta(hours=3)
HOUR = {"a": timedelta(hours=1)}


@pytest.fixture
def whole_shop(database: Database) -> WholeShop:
    return WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))


async def clock_goes_back(database: Database) -> None:
    for statement in BACK.split(";"):
        await database.rows(text(statement), {"back": THREE_HOURS})


async def test_an_event_that_waits_is_finished_by_the_next_sweep(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    await whole_shop.sweep.run()
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    event = next(e for e in whole_shop.sandbox.state.events if e["type"] == "payment_intent.succeeded")
    await whole_shop.inbox.receive(*signed(whole_shop.sandbox.webhook(event["id"]).body))
    await clock_goes_back(database)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_a_refund_whose_server_died_is_made(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    order_id, _ = await whole_shop.paid()
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault("503"), path="/v1/refunds*", times=None))
    recorded = await whole_shop.refund(order_id)
    await database.rows(text("UPDATE refunds SET lease_until = now() + interval '1 minute'"))
    whole_shop.sandbox.faults.clear()
    await clock_goes_back(database)

    await whole_shop.sweep.run()

    assert recorded.state == "creating"
    assert await shop.status(order_id) is OrderStatus.REFUNDED


async def test_a_change_that_was_left_half_made_is_finished(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    await whole_shop.sweep.run()
    order_id = await shop.order(items=[(1_000, 1)])
    await whole_shop.ask(order_id)
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault("503"), path="/v1/payment_intents/*", times=None))
    [order] = await database.rows(text("SELECT version FROM orders"))
    lamp = OrderLine(name="Lamp", unit_amount=700, quantity=1)
    change = WantedChange(
        order_id=order_id, requested_by="m", expected_version=order.version, lines=[lamp], total=700
    )
    with pytest.raises(PaymentProviderUnavailable):
        await OrderChanges(database, whole_shop.gateway).change(change)
    whole_shop.sandbox.faults.clear()
    await clock_goes_back(database)

    await whole_shop.sweep.run()

    assert (await whole_shop.ask(order_id)).amount == 700


async def test_an_intent_that_was_looked_at_by_the_old_clock_is_looked_at(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    """The only way to hear of its payment, with a key that may not read events."""
    order_id = await shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.sweep.run()
    whole_shop.sandbox.pay(intent.id)
    whole_shop.sandbox.permissions.forbid("rak_event_read")
    whole_shop.sandbox.pass_time(600)
    whole_shop.gateway.ahead += timedelta(seconds=600)
    await clock_goes_back(database)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


async def test_a_customer_whose_server_died_need_not_wait_for_the_lease(
    whole_shop: WholeShop, database: Database, shop: Shop
) -> None:
    await whole_shop.sweep.run()
    order_id = await shop.order()
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault("reset"), times=None))
    with pytest.raises(PaymentProviderUnavailable):
        await whole_shop.ask(order_id)
    whole_shop.sandbox.faults.clear()
    await database.rows(text("UPDATE payments SET lease_until = now() + interval '10 seconds'"))
    await clock_goes_back(database)

    await whole_shop.sweep.run()

    assert (await whole_shop.ask(order_id)).client_secret


async def test_the_sweep_of_a_server_that_is_gone_is_taken_over(
    whole_shop: WholeShop, database: Database
) -> None:
    gone = {"name": SWEEP, "holder": str(uuid4()), "lease": HELD}
    assert await database.row(TAKE_WORK, gone)
    assert not await SweepScheduler(database, whole_shop.sweep).sweep_if_it_is_our_turn()

    await clock_goes_back(database)

    assert await SweepScheduler(database, whole_shop.sweep).sweep_if_it_is_our_turn()


async def test_a_clock_that_goes_on_makes_nothing_due(whole_shop: WholeShop, database: Database) -> None:
    await whole_shop.sweep.run()
    await database.rows(
        text(
            "INSERT INTO sweep_retries (step, item, failure, due_at)"
            " VALUES ('events', 'pi_1', 'x', now() + interval '9 minutes')"
        )
    )

    findings = await whole_shop.sweep.run()

    assert "clock went back" not in findings.done
    assert await database.rows(
        text("SELECT 1 FROM sweep_retries WHERE due_at > now() + interval '8 minutes'")
    )


async def test_however_much_is_due_later_it_is_due_now_in_steps_that_end(
    whole_shop: WholeShop, database: Database
) -> None:
    await whole_shop.sweep.run()
    await database.rows(
        text(
            "INSERT INTO stripe_events (id, type, object_id, created_at, attempts) SELECT 'evt_' || n,"
            " 'payment_intent.succeeded', 'pi_' || n, now(), 3 FROM generate_series(1, 2 * :many + 1) AS n"
        ),
        {"many": DUE_AT_ONCE},
    )
    await database.rows(text("UPDATE stripe_events SET due_at = now() + interval '3 hours'"))
    await clock_goes_back(database)

    async def late() -> int:
        [row] = await database.rows(
            text("SELECT count(*) AS late FROM stripe_events WHERE due_at > now() + :a"), HOUR
        )
        return int(row.late)

    await Sweep(database, whole_shop.gateway, whole_shop.inbox, most_items=2).run()
    assert await late() == 1
    await whole_shop.sweep.run()
    assert await late() == 0


FORGET_PAYMENTS = """
DO $$ BEGIN
    SET LOCAL session_replication_role = replica;
    DELETE FROM payment_transitions;
    DELETE FROM payments;
END $$
"""


async def paid_and_forgotten(whole_shop: WholeShop, database: Database, shop: Shop) -> UUID:
    """As after a backup of before the payment: only Stripe's list knows of it."""
    order_id = await shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    await database.rows(text(FORGET_PAYMENTS))
    return order_id


@pytest.mark.parametrize("ahead", [THREE_HOURS, -THREE_HOURS])
async def test_the_first_sweep_reads_the_lists_since_the_installation_by_stripes_clock(
    whole_shop: WholeShop, database: Database, shop: Shop, ahead: timedelta
) -> None:
    """By ours the installation may be younger than all that Stripe has to tell."""
    whole_shop.gateway.ahead = ahead
    await database.rows(text("UPDATE installation SET made_at = now()"))
    order_id = await paid_and_forgotten(whole_shop, database, shop)

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID


@pytest.mark.parametrize("made", ["now() + interval '3 hours'", "now() - interval '1 minute'"])
async def test_an_installation_that_seems_younger_than_it_is_has_its_lists_read_from_a_day_before(
    whole_shop: WholeShop, database: Database, shop: Shop, made: str
) -> None:
    """Our clock was set back since it was made, just now or hours ago."""
    order_id = await paid_and_forgotten(whole_shop, database, shop)
    whole_shop.sandbox.pass_time(THREE_HOURS.total_seconds())
    whole_shop.gateway.ahead = THREE_HOURS
    await database.rows(text(f"UPDATE installation SET made_at = {made}"))  # noqa: S608  our own words

    await whole_shop.sweep.run()

    assert await shop.status(order_id) is OrderStatus.PAID
