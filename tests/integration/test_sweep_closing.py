"""What the sweep closes: payments that must not be payable any more, and no other."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import insert, text

from models import OrderStatus, Payment
from models.reconciliation.statements import TO_BE_CLOSED
from runtime.database.database import Database
from services.payments.intents import Intent
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import STRIPE, Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop


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
