"""What must hold: I1 to I6 after every step, E1 to E7 once everything was delivered, replayed and swept.

I5 is seen by the gateway, at the moment of each call.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import text

from runtime.database.database import Database, Row, Transaction
from sandbox.core import Sandbox

LIVE = ("creating", "open", "processing", "canceling")
MADE = ("pending", "requires_action", "succeeded")
PAID = ("paid", "partially_refunded", "refunded")
ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
ORDERS = text(
    "SELECT o.id, o.status, o.currency, coalesce(sum(i.unit_amount * i.quantity), 0)::bigint AS total"
    " FROM orders o LEFT JOIN order_items i ON i.order_id = o.id GROUP BY o.id"
)
PAYMENTS = text("SELECT * FROM payments")
REFUNDS = text("SELECT r.*, p.intent_id FROM refunds r JOIN payments p ON p.id = r.payment_id")
TRANSITIONS = text("SELECT * FROM payment_transitions ORDER BY id")


@dataclass
class World:
    """Our books and Stripe's, side by side. `released` are the intents whose secret left the server."""

    database: Database
    sandbox: Sandbox
    released: set[str] = field(default_factory=set)
    ended: dict[Any, str] = field(default_factory=dict)

    async def look(self) -> "Seen":
        orders, payments, refunds = await self.database.transaction(_at_one_moment)
        return Seen(
            orders={row.id: row for row in orders},
            payments=payments,
            refunds=refunds,
            intents={intent["id"]: intent for intent in self.sandbox.state.payment_intents},
            given_back=self._given_back(),
            disputed={d["payment_intent"] for d in self.sandbox.state.disputes if d["status"] != "won"},
        )

    def _given_back(self) -> Counter[str]:
        back: Counter[str] = Counter()
        for refund in self.sandbox.state.refunds:
            if refund["status"] in ("succeeded", "pending", "requires_action"):
                back[refund["payment_intent"]] += refund["amount"]
        return back


async def _at_one_moment(transaction: Transaction) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    """Orders, payments and refunds, though the COMMIT of a process that just died may still be on its way."""
    await transaction.rows(ONE_MOMENT)
    return await transaction.rows(ORDERS), await transaction.rows(PAYMENTS), await transaction.rows(REFUNDS)


@dataclass
class Seen:
    orders: dict[Any, Row]
    payments: Sequence[Row]
    refunds: Sequence[Row]
    intents: dict[str, dict[str, Any]]
    given_back: Counter[str]
    disputed: set[str]

    def is_payable(self, intent_id: str) -> bool:
        status: str = self.intents[intent_id]["status"]
        return status.startswith("requires_")

    def kept(self, order_id: Any) -> int:
        """Minor units that Stripe took for an order and we neither gave back nor can give back by ourselves."""
        ours = [i for i in self.by_order[str(order_id)] if i["id"] not in self.for_a_person]
        return sum(i["amount_received"] - self.given_back[i["id"]] for i in ours)

    @cached_property
    def by_order(self) -> defaultdict[str, list[dict[str, Any]]]:
        by_order: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for intent in self.intents.values():
            by_order[intent["metadata"].get("order_id", "")].append(intent)
        return by_order

    @cached_property
    def for_a_person(self) -> set[str]:
        """Intents whose money a bank holds: it sent a refund back, or disputes the charge."""
        failed = [r for r in self.refunds if r.cause in ("duplicate", "late") and r.state == "failed"]
        sent_back = {r.intent_id for r in failed if r.stripe_refund_id}
        refused = {r.intent_id for r in failed if r.failure_code == "charge_disputed"}
        return sent_back | (refused & self.disputed)

    @cached_property
    def money_of(self) -> defaultdict[Any, list[Row]]:
        """The payments that brought money, by order."""
        money: defaultdict[Any, list[Row]] = defaultdict(list)
        for payment in self.payments:
            if payment.disposition:
                money[payment.order_id].append(payment)
        return money


async def check_always(world: World) -> None:
    seen = await world.look()
    i1_one_live_payment(seen)
    i2_one_released_payable_intent(seen, world.released)
    i3_paid_means_settled(seen)
    i4_what_ended_stays(seen, world.ended)
    i6_no_more_back_than_came(seen)


def i1_one_live_payment(seen: Seen) -> None:
    live = Counter(payment.order_id for payment in seen.payments if payment.state in LIVE)
    assert max(live.values(), default=0) <= 1, f"I1: {live}"


def i2_one_released_payable_intent(seen: Seen, released: set[str]) -> None:
    payable = [seen.intents[i] for i in released if seen.is_payable(i)]
    by_order = Counter(intent["metadata"]["order_id"] for intent in payable)
    assert max(by_order.values(), default=0) <= 1, f"I2: {by_order}"


def i3_paid_means_settled(seen: Seen) -> None:
    for order in seen.orders.values():
        settled = [p for p in seen.money_of[order.id] if p.disposition == "settled"]
        if order.status not in PAID:
            assert not settled, f"I3: {order} is settled"
        elif not any(p.disposition == "mismatch" for p in seen.money_of[order.id]):
            [payment] = settled
            intent = seen.intents[payment.intent_id]
            assert intent["status"] == "succeeded", f"I3: {order} by {intent['status']}"
            back = sum(r.amount for r in seen.refunds if r.payment_id == payment.id and r.state in MADE)
            kept = intent["amount_received"] - back
            fits = {
                "paid": kept == order.total,
                "partially_refunded": 0 < kept < order.total,
                "refunded": kept == 0,
            }
            assert fits[order.status], f"I3: {order} keeps {kept}"
            assert intent["currency"].upper() == order.currency, "I3"


def i4_what_ended_stays(seen: Seen, ended: dict[Any, str]) -> None:
    for payment in seen.payments:
        assert ended.get(payment.id, payment.state) == payment.state, f"I4: {payment} was {ended[payment.id]}"
        if payment.state in ("succeeded", "canceled"):
            ended[payment.id] = payment.state


def i6_no_more_back_than_came(seen: Seen) -> None:
    for intent_id, amount in seen.given_back.items():
        assert amount <= seen.intents[intent_id]["amount_received"], f"I6: {intent_id}"


async def check_at_the_end(world: World) -> None:
    seen = await world.look()
    await check_always(world)
    e1_every_success_is_in_the_books(seen)
    e2_captured_money_has_its_place(seen)
    e3_nothing_is_under_way(seen)
    e4_what_was_kept_is_the_total(seen)
    e5_no_open_payment_of_a_closed_order(seen)
    await e7_the_history_leads_to_the_present(world, seen)


def e1_every_success_is_in_the_books(seen: Seen) -> None:
    books = {p.intent_id: p for p in seen.payments}
    for intent in seen.intents.values():
        if intent["status"] == "succeeded" and "payment_id" in intent["metadata"]:
            payment = books[intent["id"]]
            assert (payment.state, payment.amount_received) == ("succeeded", intent["amount_received"]), "E1"


def e2_captured_money_has_its_place(seen: Seen) -> None:
    for order in seen.orders.values():
        if seen.kept(order.id) > 0:
            assert order.status in (*PAID, "review"), f"E2: {order} keeps {seen.kept(order.id)}"


def e3_nothing_is_under_way(seen: Seen) -> None:
    assert not [p for p in seen.payments if p.state in ("creating", "canceling")], "E3: payments"
    assert not [r for r in seen.refunds if r.state == "creating"], "E3: refunds"
    live = {p.intent_id for p in seen.payments if p.state in LIVE}
    stray = [i for i in seen.intents if seen.is_payable(i) and i not in live]
    assert not stray, f"E3: payable without a live payment: {stray}"


def e4_what_was_kept_is_the_total(seen: Seen) -> None:
    for order in seen.orders.values():
        kept = seen.kept(order.id)
        if order.status == "paid":
            assert kept == order.total, f"E4: {order} keeps {kept}"
        elif order.status not in ("review", "partially_refunded"):
            assert kept == 0, f"E4: {order} keeps {kept}"


def e5_no_open_payment_of_a_closed_order(seen: Seen) -> None:
    for payment in seen.payments:
        if payment.state == "open":
            assert seen.orders[payment.order_id].status == "pending", f"E5: {payment}"


async def e7_the_history_leads_to_the_present(world: World, seen: Seen) -> None:
    states: dict[Any, str] = {}
    for change in await world.database.rows(TRANSITIONS):
        assert states.get(change.payment_id) == change.from_state, f"E7: {change}"
        states[change.payment_id] = change.to_state
    assert states == {p.id: p.state for p in seen.payments}, "E7"
