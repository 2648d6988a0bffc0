"""What the sweep closes: payments that must not be payable any more, and no other."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from models import OrderStatus, Payment
from models.reconciliation.statements import TO_BE_CLOSED
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.payments.intents import Intent
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import STRIPE, Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

CANCEL = "/v1/payment_intents/*/cancel"
NOW_DUE = text("UPDATE sweep_retries SET due_at = now()")


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox, SandboxGateway(stripe.sandbox))


def payable(whole_shop: WholeShop) -> list[str]:
    return [i["id"] for i in whole_shop.sandbox.state.payment_intents if i["status"].startswith("requires_")]


@pytest.mark.parametrize("fault", ["500; point=before", "400"])
async def test_an_intent_that_stripe_does_not_cancel_waits_and_is_told(
    whole_shop: WholeShop, database: Database, fault: str
) -> None:
    order_id = await whole_shop.shop.order()
    intent_id = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(fault), method="POST", path=CANCEL, times=None))

    findings = await whole_shop.sweep.run()
    assert findings.done["items that failed"] > 0
    findings = await whole_shop.sweep.run()
    assert findings.done["items that wait after a failure"] > 0
    await database.rows(text("UPDATE sweep_retries SET attempts = 7, due_at = now()"))
    await whole_shop.sweep.run()

    [case] = await database.rows(text("SELECT kind, message FROM attention WHERE closed_at IS NULL"))
    assert case.kind == "event_unfinished"
    whole_shop.sandbox.faults.clear()
    await database.rows(NOW_DUE)
    await whole_shop.sweep.run()
    assert whole_shop.sandbox.state.payment_intents.require(intent_id)["status"] == "canceled"
    assert await database.rows(text("SELECT id FROM attention WHERE closed_at IS NULL")) == []


async def test_an_intent_of_a_lost_answer_is_canceled_though_the_first_attempt_failed(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id = await whole_shop.shop.order()
    for fault, path in (("500; point=after", "/v1/payment_intents"), ("500; point=before", CANCEL)):
        whole_shop.sandbox.faults.add(Rule(fault=parse_fault(fault), method="POST", path=path, times=1))
    released = (await whole_shop.ask(order_id)).id

    await whole_shop.sweep.run()
    assert len(payable(whole_shop)) == 2
    await database.rows(NOW_DUE)
    await whole_shop.sweep.run()

    assert payable(whole_shop) == [released]


async def test_what_must_not_be_payable_is_told_once_and_nothing_else_whatever_closed_the_order(
    shop: Shop, database: Database
) -> None:
    pending, canceled, paid = OrderStatus.PENDING, OrderStatus.CANCELED, OrderStatus.PAID
    told = [(canceled, "open"), (paid, "open"), (canceled, "processing"), (pending, "canceling")]
    told += [(canceled, "canceling"), (OrderStatus.REVIEW, "creating")]
    others = [(pending, "open"), (pending, "processing"), (canceled, "canceled"), (paid, "failed")]
    orders = {}
    for number, (status, state) in enumerate([*told, *others]):
        orders[order_id := await shop.order()] = (status, state)
        values = {"order_id": order_id, "state": state, "idempotency_key": f"pi:{number}", "amount": 100}
        values |= {"intent_id": f"pi_{number}", "currency": "USD", "order_version": 1, "cause": "test"}
        await database.rows(insert(Payment).values(**values))
    for order_id, (status, _) in orders.items():
        await shop.set_order(order_id, status=status)

    found = [UUID(int=0)]
    while rows := await database.rows(TO_BE_CLOSED, {"limit": 2, "after_id": found[-1]}):
        found += [row.order_id for row in rows]

    assert sorted(orders[order_id] for order_id in found[1:]) == sorted(told)


class _WhileCanceling(StripeGateway):
    """Lets something happen while the sweep is busy with the first intent that it cancels."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def cancel_intent(self, intent_id: str) -> Intent:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return await super().cancel_intent(intent_id)


async def test_a_payment_that_took_the_place_of_a_canceled_one_is_left_open(
    client: Client, shop: Shop, stripe: Stripe, database: Database
) -> None:
    first, second = sorted([await shop.order(), await shop.order()])
    for order_id in (first, second):
        await client.pay(order_id)
    await database.rows(text("UPDATE payments SET state = 'canceling'"))
    gateway = _WhileCanceling(STRIPE.secret_keys[0], api_base=stripe.url)
    gateway.meanwhile = lambda: client.pay(second)

    inbox = Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)

    await Sweep(database, gateway, inbox).run()
    await gateway.close()

    [replacement] = await database.rows(
        text("SELECT * FROM payments WHERE order_id = :id AND state = 'open'"), {"id": second}
    )
    assert {i["id"]: i["status"] for i in stripe.sandbox.state.payment_intents}[
        replacement.intent_id
    ] == "requires_payment_method"
