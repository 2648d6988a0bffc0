"""A rolling upgrade, as rules of the state machine: a server of the version before writes to the same database.

Its statements are the text of an earlier version's: they leave newer columns to their defaults, record no parameters
for Stripe, and write no events and no revision themselves. The database has to see to that.
"""

from contextlib import suppress
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text

from models.currencies.currencies import in_whole_steps
from runtime.database.database import Transaction
from sandbox.http.errors import StripeError
from services.payments.intents import GatewayError, IntentRequest
from services.payments.refund_ids import merchants_refund
from tests.proof.machine import ORDERS, Machine

LOCK = text(
    "SELECT status, currency, version, coalesce(expires_at <= now(), false) AS is_expired FROM orders"
    " WHERE id = :order_id FOR UPDATE"
)
TOTAL = text(
    "SELECT coalesce(sum(unit_amount * quantity), 0)::bigint AS total FROM order_items WHERE order_id = :order_id"
)
MONEY = text("SELECT id FROM payments WHERE order_id = :order_id AND state = 'succeeded'")
RECORD = text(
    "INSERT INTO payments (id, order_id, state, idempotency_key, amount, currency, order_version, cause, lease_until)"
    " VALUES (:id, :order_id, 'creating', 'pi:' || CAST(:id AS text), :amount, :currency, :version,"
    " 'createPaymentIntent', now() + interval '10 seconds') ON CONFLICT DO NOTHING RETURNING id"
)
OPEN = text(
    "UPDATE payments SET state = 'open', intent_id = :intent_id, cause = 'createPaymentIntent', lease_until = NULL,"
    " updated_at = now() WHERE id = :id AND state = 'creating' RETURNING id"
)
RELEASABLE = text(
    "SELECT 1 FROM orders o JOIN payments p ON p.order_id = o.id WHERE p.id = :id AND o.status = 'pending'"
    " AND o.version = p.order_version AND o.currency = p.currency AND coalesce(o.expires_at > now(), true)"
)
OPEN_PAYMENT = text(
    "SELECT id, intent_id, currency FROM payments WHERE order_id = :order_id AND state = 'open'"
)
SETTLE = text(
    "UPDATE payments SET state = 'succeeded', disposition = 'settled', amount_received = :received, cause = 'webhook',"
    " lease_until = NULL, updated_at = now() WHERE id = :id AND state = 'open' RETURNING id"
)
PAID = text(
    "UPDATE orders SET status = 'paid', updated_at = now() WHERE id = :order_id AND status = 'pending'"
)
SETTLED = text(
    "SELECT p.id, p.intent_id, p.amount_received - coalesce(sum(r.amount)"
    " FILTER (WHERE r.state NOT IN ('failed', 'canceled')), 0)::bigint AS rest"
    " FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id"
    " WHERE p.order_id = :order_id AND p.disposition = 'settled' GROUP BY p.id"
)
REFUND = text(
    "INSERT INTO refunds (id, payment_id, state, cause, amount, client_key, requested_by)"
    " VALUES (:id, :payment_id, 'creating', 'merchant', :amount, :key, 'm') ON CONFLICT DO NOTHING RETURNING id"
)
REVISION = text(
    "SELECT o.revision + coalesce((SELECT sum(p.revision) FROM payments p WHERE p.order_id = o.id), 0)"
    " + coalesce((SELECT sum(r.revision) FROM refunds r JOIN payments p ON p.id = r.payment_id"
    " WHERE p.order_id = o.id), 0) AS number FROM orders o WHERE o.id = :order_id"
)


class OlderServer(Machine):
    @rule(order_id=ORDERS)
    def an_older_server_asks_for_an_intent(self, order_id: UUID) -> None:
        """The power may fail at its call as at any other: then another server goes on."""
        before = self._revision(order_id)
        if self.do(self._ask(order_id)):
            self.count("intents of an older server")
            self._must_have_grown(order_id, before)

    async def _ask(self, order_id: UUID) -> bool:
        request = await self.database.transaction(lambda transaction: self._record(transaction, order_id))
        if request is None:
            return False
        try:
            intent = await self.gateway.create_intent(request)
        except GatewayError:
            return True
        this = {"id": request.payment_id, "intent_id": intent.id}
        opened = await self.database.row(OPEN, this)
        if opened is not None and await self.database.row(RELEASABLE, {"id": request.payment_id}):
            self.world.released.add(intent.id)
        return True

    async def _record(self, transaction: Transaction, order_id: UUID) -> IntentRequest | None:
        this = {"order_id": order_id}
        order = await transaction.row(LOCK, this)
        total = (await transaction.one(TOTAL, this)).total
        has_money = await transaction.row(MONEY, this) is not None
        if order is None or order.status != "pending" or order.is_expired or has_money or total < 700:
            return None
        if in_whole_steps(total, order.currency) != total:
            return None
        values = {"id": uuid4(), "amount": total, "currency": order.currency, "version": order.version}
        if await transaction.row(RECORD, {**this, **values}) is None:
            return None
        return IntentRequest(
            payment_id=values["id"],
            order_id=order_id,
            amount=total,
            currency=order.currency,
            installation_id=UUID(await self.shop.installation_id()),
        )

    @rule(order_id=ORDERS)
    def an_older_server_takes_a_payment(self, order_id: UUID) -> None:
        self.an_older_server_asks_for_an_intent(order_id)
        payment = self.runner.run(self.database.row(OPEN_PAYMENT, {"order_id": order_id}))
        if payment is None or payment.intent_id not in self.world.released:
            return
        with suppress(StripeError):
            self.sandbox.pay(payment.intent_id)
        intent = self.sandbox.state.payment_intents.get(payment.intent_id)
        if intent is None or intent["status"] != "succeeded":
            return
        before, received = self._revision(order_id), intent["amount_received"]
        if self.do(self._settle(order_id, payment.id, received, payment.currency)):
            self.count("payments settled by an older server")
            self._must_have_grown(order_id, before)

    async def _settle(self, order_id: UUID, payment_id: UUID, received: int, currency: str) -> bool:
        async def write(transaction: Transaction) -> bool:
            this = {"order_id": order_id}
            order = await transaction.one(LOCK, this)
            total = (await transaction.one(TOTAL, this)).total
            has_money = await transaction.row(MONEY, this) is not None
            fits = (order.status, order.currency, total) == ("pending", currency, received)
            if has_money or not fits:
                return False  # what it would do then is not ours to copy
            settled = await transaction.row(SETTLE, {"id": payment_id, "received": received})
            await transaction.rows(PAID, this)
            return settled is not None

        return await self.database.transaction(write)

    @rule(order_id=ORDERS, amount=st.sampled_from([200, 700]))
    def an_older_server_records_a_refund_and_is_replaced(self, order_id: UUID, amount: int) -> None:
        before = self._revision(order_id)
        if self.do(self._record_refund(order_id, amount)):
            self.count("refunds that an older server recorded")
            self._must_have_grown(order_id, before)

    async def _record_refund(self, order_id: UUID, amount: int) -> bool:
        self.keys += 1
        key = f"old {self.keys}"

        async def write(transaction: Transaction) -> bool:
            if await transaction.row(LOCK, {"order_id": order_id}) is None:
                return False
            payment = await transaction.row(SETTLED, {"order_id": order_id})
            if payment is None or payment.rest < amount:
                return False
            refund_id = merchants_refund(payment.intent_id, key)
            values = {"id": refund_id, "payment_id": payment.id, "amount": amount, "key": key}
            return await transaction.row(REFUND, values) is not None

        return await self.database.transaction(write)

    def _revision(self, order_id: UUID) -> int | None:
        row = self.runner.run(self.database.row(REVISION, {"order_id": order_id}))
        return None if row is None else int(row.number)

    def _must_have_grown(self, order_id: UUID, before: int | None) -> None:
        after = self._revision(order_id)
        assert before is not None, "an order that is not there was written to"
        assert after is not None, "an order is gone"
        assert after > before, f"the revision of {order_id} stayed {before}"
