"""What must hold: I1 to I7 after every step, E1 to E7 once everything was delivered, replayed and swept.

I5 is seen by the gateway, at the moment of each call.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import text

from runtime.database.database import Database, Row
from sandbox.core import Sandbox
from tests.proof.neighbours import Neighbours
from tests.proof.one_moment import at_one_moment, rows_of

STEPS = {"KWD": 10, "ISK": 100}
LIVE = ("creating", "open", "processing", "canceling")
MADE = ("pending", "requires_action", "succeeded")
PAID = ("paid", "partially_refunded", "refunded")
# Orders, payments, refunds and cases, though the COMMIT of a process that just died may still be on its way.
BOOKS = at_one_moment(
    {
        "orders": "SELECT o.id, o.status, o.currency, coalesce(sum(i.unit_amount * i.quantity), 0)::bigint AS total"
        " FROM orders o LEFT JOIN order_items i ON i.order_id = o.id GROUP BY o.id",
        "payments": "SELECT id, order_id, state, disposition, intent_id, amount_received FROM payments",
        "refunds": "SELECT payment_id, state, amount FROM refunds",
        # Cases that are open, or that a person closed: what is told stays told.
        "cases": "SELECT kind, subject_id, order_id, closed_by FROM attention"
        " WHERE closed_at IS NULL OR closed_by IS NOT NULL",
        "named": "SELECT intent_id AS named FROM payments WHERE intent_id IS NOT NULL"
        " UNION ALL SELECT object_id FROM stripe_events UNION ALL SELECT subject_id FROM attention"
        " UNION ALL SELECT item FROM sweep_retries",
    }
)
TRANSITIONS = text("SELECT * FROM payment_transitions ORDER BY id")
MISCOUNTED = text(
    "SELECT payments.id, payments.owed, payments.given_up, debts FROM payments, debts_of(id) AS debts"
    " WHERE (payments.owed, payments.given_up) IS DISTINCT FROM (debts.owed, debts.given_up)"
)


@dataclass
class World:
    """Our books and Stripe's, side by side. `released` are the intents whose secret left the server.

    `by_hand` are orders whose status or items somebody changed by SQL when they were not pending.
    """

    database: Database
    sandbox: Sandbox
    released: set[str] = field(default_factory=set)
    ended: dict[Any, str] = field(default_factory=dict)
    by_hand: set[Any] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.neighbours = Neighbours(self.sandbox)

    async def look(self) -> "Seen":
        books = await self.database.row(BOOKS)
        assert books is not None
        return Seen(
            orders={row.id: row for row in rows_of(books.orders)},
            payments=rows_of(books.payments),
            refunds=rows_of(books.refunds),
            cases=rows_of(books.cases),
            named={row["named"] for row in books.named},
            intents={i["id"]: i for i in self.intents()},
            given_back=self._given_back(),
            taken=self._taken(),
        )

    def intents(self) -> list[dict[str, Any]]:
        """Ours, as Stripe has them."""
        return [i for i in self.sandbox.state.payment_intents if not is_neighbours(i)]

    def _taken(self) -> Counter[str]:
        """By banks, for disputes that were lost."""
        taken: Counter[str] = Counter()
        for dispute in self.sandbox.state.disputes:
            if dispute["status"] == "lost":
                taken[dispute["payment_intent"]] += dispute["amount"]
        return taken

    def _given_back(self) -> Counter[str]:
        back: Counter[str] = Counter()
        for refund in self.sandbox.state.refunds:
            if refund["balance_transaction"] is None:  # released at a partial capture: it never came
                continue
            if refund["status"] in ("succeeded", "pending", "requires_action"):
                back[refund["payment_intent"]] += refund["amount"]
        return back


def is_neighbours(intent: dict[str, Any]) -> bool:
    return "neighbour" in intent["metadata"] or "installation_id" not in intent["metadata"]


@dataclass
class Seen:
    orders: dict[Any, Row]
    payments: Sequence[Row]
    refunds: Sequence[Row]
    intents: dict[str, dict[str, Any]]
    cases: Sequence[Row]
    given_back: Counter[str]
    taken: Counter[str]
    named: set[str]  # Stripe's ids that stand anywhere in our tables

    def is_payable(self, intent_id: str) -> bool:
        status: str = self.intents[intent_id]["status"]
        return status.startswith("requires_")

    def kept(self, intent_id: str) -> int:
        """Minor units that Stripe took and that are still here."""
        received: int = self.intents[intent_id]["amount_received"]
        return received - self.given_back[intent_id] - self.taken[intent_id]

    def is_told(self, intent_id: str, order_id: Any) -> bool:
        """Whether a person was called about this intent or this order."""
        return any(c.subject_id == intent_id or str(c.order_id) == str(order_id) for c in self.cases)

    def is_closed_by_hand(self, order: Row) -> bool:
        """Somebody set its status by SQL to one that no order has whose money is settled."""
        if order.status == "partially_refunded":
            return not any(self.given_back[p.intent_id] for p in self.money_of[order.id])
        return order.status in ("pending", "canceled", "refunded")

    @cached_property
    def by_order(self) -> defaultdict[str, list[dict[str, Any]]]:
        by_order: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for intent in self.intents.values():
            by_order[intent["metadata"].get("order_id", "")].append(intent)
        return by_order

    @cached_property
    def dealt_with(self) -> set[str]:
        """Intents without an order about which a person has said so; its order may be back since."""
        return {
            c.subject_id for c in self.cases if c.kind == "money_without_order" and c.closed_by is not None
        }

    @cached_property
    def money_of(self) -> defaultdict[Any, list[Row]]:
        """The payments that brought money, by order."""
        money: defaultdict[Any, list[Row]] = defaultdict(list)
        for payment in self.payments:
            if payment.disposition:
                money[payment.order_id].append(payment)
        return money


async def check_always(world: World) -> "Seen":
    seen = await world.look()
    i1_one_live_payment(seen)
    i2_one_released_payable_intent(seen, world.released)
    i3_paid_means_settled(seen, world.by_hand)
    i4_what_ended_stays(seen, world.ended)
    i6_no_more_back_than_came(seen)
    i7_nothing_of_anothers(world, seen)
    return seen


def i1_one_live_payment(seen: Seen) -> None:
    live = Counter(payment.order_id for payment in seen.payments if payment.state in LIVE)
    assert max(live.values(), default=0) <= 1, f"I1: {live}"


def i2_one_released_payable_intent(seen: Seen, released: set[str]) -> None:
    payable = [seen.intents[i] for i in released if seen.is_payable(i)]
    by_order = Counter(intent["metadata"]["order_id"] for intent in payable)
    assert max(by_order.values(), default=0) <= 1, f"I2: {by_order}"


def i3_paid_means_settled(seen: Seen, by_hand: set[Any]) -> None:
    """By our books: what Stripe knows and we have not heard yet comes later."""
    for order in seen.orders.values():
        if order.id in by_hand:
            continue
        settled = [p for p in seen.money_of[order.id] if p.disposition == "settled"]
        if order.status not in PAID:
            assert not settled, f"I3: {order} is settled"
        elif not any(p.disposition == "mismatch" for p in seen.money_of[order.id]):
            [payment] = settled
            intent = seen.intents[payment.intent_id]
            assert intent["status"] == "succeeded", f"I3: {order} by {intent['status']}"
            assert intent["currency"].upper() == order.currency, f"I3: {order}"
            back = sum(r.amount for r in seen.refunds if r.payment_id == payment.id and r.state in MADE)
            kept = intent["amount_received"] - back
            fits = {
                "paid": kept == order.total,
                "partially_refunded": 0 < kept < order.total,
                "refunded": kept == 0,
            }
            assert fits[order.status], f"I3: {order} keeps {kept}"


def i4_what_ended_stays(seen: Seen, ended: dict[Any, str]) -> None:
    for payment in seen.payments:
        assert ended.get(payment.id, payment.state) == payment.state, f"I4: {payment} was {ended[payment.id]}"
        if payment.state in ("succeeded", "canceled"):
            ended[payment.id] = payment.state


def i6_no_more_back_than_came(seen: Seen) -> None:
    for intent_id, amount in seen.given_back.items():
        if intent_id in seen.intents:
            assert amount <= seen.intents[intent_id]["amount_received"], f"I6: {intent_id}"


def i7_nothing_of_anothers(world: World, seen: Seen) -> None:
    """Neither written at Stripe, nor anywhere in our tables."""
    written = world.neighbours.written()
    assert not written, f"I7: {written}"
    assert not seen.named & world.neighbours.intents, f"I7: {seen.named & world.neighbours.intents}"


async def check_at_the_end(world: World) -> None:
    seen = await check_always(world)
    e1_every_success_is_in_the_books(seen)
    e2_captured_money_has_its_place(seen)
    await e3_nothing_is_under_way(world, seen)
    e4_what_was_kept_is_the_total(seen, world.by_hand)
    e5_no_open_payment_of_a_closed_order(seen)
    await e7_the_history_leads_to_the_present(world, seen)
    assert not await world.database.rows(MISCOUNTED), "debts that no trigger counted"
    a_replay_sends_the_same(world)
    amounts_are_whole_steps(world)


def e1_every_success_is_in_the_books(seen: Seen) -> None:
    books = {p.intent_id: p for p in seen.payments}
    for intent in seen.intents.values():
        if intent["status"] == "succeeded" and UUID(intent["metadata"]["order_id"]) in seen.orders:
            payment = books.get(intent["id"])
            if payment is None and intent["id"] in seen.dealt_with:
                continue
            assert payment is not None, f"E1: {intent['id']}"
            assert (payment.state, payment.amount_received) == ("succeeded", intent["amount_received"]), (
                f"E1: {payment}"
            )


def e2_captured_money_has_its_place(seen: Seen) -> None:
    settled = {p.intent_id for p in seen.payments if p.disposition == "settled"}
    for intent in seen.intents.values():
        order = seen.orders.get(UUID(intent["metadata"]["order_id"]))
        has_its_place = intent["id"] in settled and order is not None and not seen.is_closed_by_hand(order)
        if intent["status"] == "succeeded" and seen.kept(intent["id"]) > 0 and not has_its_place:
            told = seen.is_told(intent["id"], intent["metadata"]["order_id"])
            assert told, f"E2: {intent['id']} keeps {seen.kept(intent['id'])} and nobody is told"


async def e3_nothing_is_under_way(world: World, seen: Seen) -> None:
    assert not [p for p in seen.payments if p.state in ("creating", "canceling")], "E3: payments"
    assert not [r for r in seen.refunds if r.state == "creating"], "E3: refunds"
    assert not await world.database.rows(text("SELECT order_id FROM order_changes")), "E3: changes"
    live = {p.intent_id for p in seen.payments if p.state in LIVE}
    stray = [i for i in seen.intents if seen.is_payable(i) and i not in live]
    assert not stray, f"E3: payable without a live payment: {stray}"


def e4_what_was_kept_is_the_total(seen: Seen, by_hand: set[Any]) -> None:
    """Orders about which a person was called apart."""
    for order in seen.orders.values():
        known = {p.intent_id for p in seen.payments}
        ours = [i for i in seen.by_order[str(order.id)] if i["id"] in known or i["id"] not in seen.dealt_with]
        if order.id in by_hand or order.status == "review" or seen.is_told("", order.id):
            continue
        kept = sum(i["amount_received"] - seen.given_back[i["id"]] for i in ours)
        if order.status == "paid":
            assert kept == order.total, f"E4: {order} keeps {kept}"
        elif order.status == "partially_refunded":
            assert 0 < kept < order.total, f"E4: {order} keeps {kept}"
        else:  # what banks took in disputes is gone as well
            left = sum(max(0, seen.kept(i["id"])) for i in ours)
            assert left == 0, f"E4: {order} keeps {left}"


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


def a_replay_sends_the_same(world: World) -> None:
    """Also one by another process, with other settings, of an order that changed: each key had one content."""
    sent: dict[str, Any] = {}
    for call in world.sandbox.journal.calls("POST", "/v1/payment_intents"):
        key = call["idempotency_key"]
        if key and call["params"]:  # a call that was cut off before it was read has none
            assert sent.setdefault(key, call["params"]) == call["params"], f"replay: {key}"


def amounts_are_whole_steps(world: World) -> None:
    """Stripe was never asked to charge, or to give back, what it takes in no currency of this kind."""
    currencies = {i["id"]: i["currency"].upper() for i in world.intents()}
    for call in world.sandbox.journal.calls("POST"):
        params = call["params"]
        currency = params.get("currency") or currencies.get(params.get("payment_intent"))
        if call["path"] in ("/v1/payment_intents", "/v1/refunds") and currency and "amount" in params:
            amount, step = int(params["amount"]), STEPS.get(currency.upper(), 1)
            # Of a review: Stripe has the last word.
            is_last_rest = call["path"] == "/v1/refunds" and amount < step
            assert amount % step == 0 or is_last_rest, f"{call['path']} of {amount} {currency}"
