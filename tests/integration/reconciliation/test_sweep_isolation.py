"""One sick object, one locked row, one budget that ends: what holds up nothing else, and when a person is told."""

from collections.abc import Sequence

import psycopg
import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database, Row
from sandbox.objects.strangers import Application
from services.payments.intents import Intent, PermissionMissing, Refused
from services.reconciliation.findings import Findings
from services.reconciliation.forgetting import forget_unknown
from services.reconciliation.list_steps import MissedEvents
from services.reconciliation.sweep_step import Budget, StepRun
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

NOW_DUE = text("UPDATE sweep_retries SET due_at = now()")
LONG_AGO = text("UPDATE sweep_retries SET attempts = 7, due_at = now()")
LOOKS_ARE_DUE = text("UPDATE payments SET looked_at = looked_at - interval '2 days'")


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox, SandboxGateway(stripe.sandbox))


async def cases(database: Database) -> Sequence[Row]:
    return await database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL"))


async def closed_orders(whole_shop: WholeShop, count: int) -> list[str]:
    """Canceled orders whose intents are still payable; the intents' ids."""
    intents = []
    for _ in range(count):
        order_id = await whole_shop.shop.order()
        intents.append((await whole_shop.ask(order_id)).id)
        await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    return intents


@pytest.mark.parametrize("fault", ["503", "500", "lock_timeout", "424"])
async def test_a_sick_intent_holds_up_no_other_and_heals_later(
    whole_shop: WholeShop, database: Database, fault: str
) -> None:
    sick, *others = await closed_orders(whole_shop, 4)
    whole_shop.sandbox.make_sick(sick, fault)

    findings = await whole_shop.sweep.run()

    status = {i["id"]: i["status"] for i in whole_shop.sandbox.state.payment_intents}
    assert (status[sick], {status[each] for each in others}) == ("requires_payment_method", {"canceled"})
    assert (findings.done["items that failed"], findings.unfinished) == (1, [])
    whole_shop.sandbox.cure(sick)
    await database.rows(NOW_DUE)
    await whole_shop.sweep.run()
    assert whole_shop.sandbox.state.payment_intents.require(sick)["status"] == "canceled"
    assert await database.rows(text("SELECT * FROM sweep_retries")) == []


class StrangeWords(SandboxGateway):
    """Refuses to read or cancel one intent, in these words."""

    sick: str | None = None
    words = "What\x00 is \ud800 this? " + "!" * 100_000

    async def cancel_intent(self, intent_id: str) -> Intent:
        self._refuse(intent_id)
        return await super().cancel_intent(intent_id)

    async def retrieve_intent(self, intent_id: str) -> Intent:
        self._refuse(intent_id)
        return await super().retrieve_intent(intent_id)

    def _refuse(self, intent_id: str) -> None:
        if intent_id == self.sick:
            raise Refused(self.words, code="strange")


@pytest.fixture
def strange_words(stripe: Stripe) -> StrangeWords:
    return StrangeWords(stripe.sandbox)


async def first_of_all(database: Database) -> str:
    """The intent that a step comes to first."""
    [first] = await database.rows(text("SELECT intent_id FROM payments ORDER BY order_id LIMIT 1"))
    return str(first.intent_id)


def canceled(whole_shop: WholeShop) -> int:
    return [i["status"] for i in whole_shop.sandbox.state.payment_intents].count("canceled")


async def test_words_that_the_database_refuses_hold_up_no_other_item(
    database: Database, stripe: Stripe, strange_words: StrangeWords
) -> None:
    whole_shop = WholeShop(database, stripe.sandbox, strange_words)
    await closed_orders(whole_shop, 12)
    strange_words.sick = await first_of_all(database)

    findings = await whole_shop.sweep.run()

    assert (canceled(whole_shop), findings.unfinished) == (11, [])
    [retry] = await database.rows(text("SELECT failure FROM sweep_retries"))
    assert retry.failure.startswith("Refused: What  is   this? !!!")


async def test_a_failure_that_can_not_be_written_down_holds_up_no_other_item(
    database: Database, stripe: Stripe, strange_words: StrangeWords
) -> None:
    whole_shop = WholeShop(database, stripe.sandbox, strange_words)
    await closed_orders(whole_shop, 40)  # more than are worked on side by side
    strange_words.sick = await first_of_all(database)
    await database.rows(
        text("ALTER TABLE sweep_retries ADD CONSTRAINT no_refusals CHECK (failure NOT LIKE 'Refused%')")
    )
    try:
        findings = await whole_shop.sweep.run()
    finally:
        await database.rows(text("ALTER TABLE sweep_retries DROP CONSTRAINT no_refusals"))

    assert (canceled(whole_shop), findings.unfinished) == (39, ["closed orders", "closed orders again"])
    strange_words.sick = None
    await whole_shop.sweep.run()
    assert canceled(whole_shop) == 40


async def test_words_about_a_permission_that_the_database_refuses_are_told_all_the_same(
    database: Database, stripe: Stripe
) -> None:
    class Forbidden(SandboxGateway):
        async def cancel_intent(self, intent_id: str) -> Intent:
            raise PermissionMissing("Not\x00 you.")

    whole_shop = WholeShop(database, stripe.sandbox, Forbidden(stripe.sandbox))
    await closed_orders(whole_shop, 1)
    await whole_shop.sweep.run()

    [case] = await cases(database)
    assert (case.kind, "Not  you." in case.message) == (AttentionKind.KEY_LACKS_PERMISSION, True)


async def test_a_person_is_told_of_what_is_sick_for_an_hour_until_it_is_well(
    whole_shop: WholeShop, database: Database
) -> None:
    [sick] = await closed_orders(whole_shop, 1)
    whole_shop.sandbox.make_sick(sick, "503")
    await whole_shop.sweep.run()
    assert await cases(database) == []

    await database.rows(LONG_AGO)
    await whole_shop.sweep.run()

    [case] = await cases(database)
    assert case.kind == AttentionKind.EVENT_UNFINISHED
    whole_shop.sandbox.cure(sick)
    await database.rows(NOW_DUE)
    await whole_shop.sweep.run()
    assert await cases(database) == []


async def test_an_order_that_another_program_locks_holds_up_no_other(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    intents = await closed_orders(whole_shop, 3)
    [locked] = await database.rows(
        text("SELECT order_id FROM payments WHERE intent_id = :id"), {"id": intents[0]}
    )
    async with await psycopg.AsyncConnection.connect(postgres_url) as hand:
        await hand.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", [locked.order_id])
        await whole_shop.sweep.run()

    states = [row.state for row in await database.rows(text("SELECT state FROM payments ORDER BY state"))]
    assert states.count("canceled") == 2


@pytest.mark.parametrize("whose", ["ours", "a stranger's"])
async def test_an_intent_of_a_list_that_can_not_be_read(
    whole_shop: WholeShop, database: Database, whose: str
) -> None:
    ours = (await whole_shop.ask(await whole_shop.shop.order())).id
    theirs = whole_shop.sandbox.call(
        "POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}
    ).json()["id"]
    odd = ours if whose == "ours" else theirs
    without = [] if whose == "ours" else ["amount", "metadata"]
    whole_shop.sandbox.disguise(odd, status="odd", client_secret=None, without=without)

    findings = await whole_shop.sweep.run()

    assert findings.unfinished == []
    await database.rows(LONG_AGO)
    await whole_shop.sweep.run()
    told = [case.kind for case in await cases(database)]
    assert told == ([AttentionKind.EVENT_UNFINISHED] if whose == "ours" else [])


async def test_a_list_that_can_not_be_read_keeps_no_other_step_from_its_work(
    whole_shop: WholeShop, database: Database
) -> None:
    [intent] = await closed_orders(whole_shop, 1)
    whole_shop.sandbox.permissions.forbid("rak_event_read")

    findings = await whole_shop.sweep.run()

    assert whole_shop.sandbox.state.payment_intents.require(intent)["status"] == "canceled"
    assert findings.unfinished == ["list of events"]
    [case] = await cases(database)
    assert (case.kind, "rak_event_read" in case.message) == (AttentionKind.KEY_LACKS_PERMISSION, True)
    whole_shop.sandbox.permissions.allow("rak_event_read")
    await whole_shop.sweep.run()
    assert await cases(database) == []


async def test_a_list_goes_on_where_its_budget_ended_and_what_is_young_is_read_first(
    whole_shop: WholeShop, database: Database
) -> None:
    whole_shop.sandbox.strangers.move_in(Application(events_a_month=30_000, days=3))
    await database.rows(text("UPDATE installation SET made_at = now() - interval '3 days'"))
    pages: list[int] = []
    for _ in range(40):
        findings, calls = Findings(), whole_shop.gateway.calls
        budget = Budget(seconds=60, items=3)
        run = StepRun("list of events", database, budget, findings, permission="read events")
        async with run.running():
            await MissedEvents(database, whole_shop.gateway, whole_shop.inbox).run(run)
        pages.append(whole_shop.gateway.calls - calls)
        if not await database.rows(text("SELECT * FROM sweep_windows")):
            break

    old = text("SELECT * FROM sweep_windows WHERE until < now() - interval '20 hours'")
    assert not await database.rows(old), "each run goes on where the last one ended"
    assert not await database.rows(text("SELECT * FROM sweep_retries"))
    assert max(pages) <= 3 + 8, "what is begun side by side may end"
    # 750 events of the asked types in three days are eight pages: each is read once, with a page that isn't full at the
    # end of each of the four windows, and one for what is new in each run.
    assert 8 <= sum(pages) <= 8 + 4 + len(pages)
    assert not await database.rows(text("SELECT * FROM stripe_events"))


async def test_an_event_rests_after_its_attempts_and_a_person_is_told(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id = await whole_shop.shop.order()
    intent = await whole_shop.ask(order_id)
    whole_shop.sandbox.pay(intent.id)
    [event_id] = [e["id"] for e in whole_shop.sandbox.state.events if e["type"] == "payment_intent.succeeded"]
    whole_shop.sandbox.make_sick(intent.id, "503")
    webhook = whole_shop.sandbox.webhook(event_id)
    await whole_shop.inbox.receive(webhook.body, webhook.signature)
    for _ in range(20):
        await whole_shop.inbox.finish_due()
        await database.rows(text("UPDATE stripe_events SET due_at = now() WHERE due_at < 'infinity'"))
    asked = whole_shop.gateway.calls

    await whole_shop.sweep.run()

    [event] = await database.rows(
        text("SELECT attempts, due_at = 'infinity' AS rests FROM stripe_events WHERE id = :id"),
        {"id": event_id},
    )
    assert (event.attempts, event.rests) == (15, True)
    assert asked < 25
    assert event_id in [case.subject_id for case in await cases(database)]
    whole_shop.sandbox.cure(intent.id)
    await whole_shop.inbox.receive(webhook.body, webhook.signature)  # somebody sends it again
    await whole_shop.inbox.finish_due()
    await whole_shop.sweep.run()
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
    assert await cases(database) == []


async def test_finished_events_are_deleted_after_thirty_days(
    whole_shop: WholeShop, database: Database
) -> None:
    await whole_shop.paid()
    await database.rows(
        text("UPDATE stripe_events SET finished_at = now() - interval '31 days', received_at = finished_at")
    )
    await whole_shop.sweep.run()
    assert await database.rows(text("SELECT * FROM stripe_events")) == []


async def test_a_payment_of_another_stripe_account_is_told_once_and_given_up_by_a_command(
    whole_shop: WholeShop, database: Database
) -> None:
    await whole_shop.ask(await whole_shop.shop.order())
    await database.rows(text("UPDATE payments SET intent_id = 'pi_unknown'"))
    await database.rows(LOOKS_ARE_DUE)
    await whole_shop.sweep.run()
    assert [case.kind for case in await cases(database)] == [AttentionKind.STRIPE_ACCOUNT_CHANGED]

    assert await forget_unknown(database, whole_shop.gateway) == 1

    assert await cases(database) == []
    [payment] = await database.rows(
        text("SELECT state, failure_code FROM payments WHERE intent_id = 'pi_unknown'")
    )
    assert (payment.state, payment.failure_code) == ("abandoned", "stripe_account_changed")


async def test_a_look_at_a_payment_changes_no_index(database: Database) -> None:
    indexes = await database.rows(text("SELECT indexdef FROM pg_indexes WHERE tablename = 'payments'"))
    assert not [index for index in indexes if "looked_at" in index.indexdef]


async def test_a_sweep_that_finds_everything_in_place_changes_nothing(
    whole_shop: WholeShop, database: Database
) -> None:
    await whole_shop.paid()
    await whole_shop.sweep.run()
    findings = await whole_shop.sweep.run()
    assert not +findings.done
