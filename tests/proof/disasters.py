"""What happens seldom, or at the same time: the rules of the state machine that nobody would think of."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Any, Literal
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text

from models.reviews.tables import ReviewDecision
from runtime.database.database import Transaction
from sandbox.faults import Rule, parse_fault
from sandbox.http.errors import StripeError
from services.identity.principal import Principal
from services.orders.lines import OrderLine
from services.payments import failpoints
from services.payments.order_cancellation import OrderCancellation
from services.payments.order_changes import WantedChange
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refund_wishes import RefundWish
from services.payments.reviews import ReviewWish
from tests.proof.backups import Backups
from tests.proof.machine import A_DAY, AN_HOUR, ORDERS, WHICH
from tests.proof.neighbours import Deed, Kind

ADA = Principal("ada", None, frozenset())
# As a shop changes an order: only while it is pending, and not while something else is being decided about it.
SET_PRICE = text(
    "WITH mine AS (SELECT id FROM orders WHERE id = :order_id AND status = 'pending' FOR UPDATE)"
    " UPDATE order_items SET unit_amount = :price FROM mine WHERE order_id = mine.id AND position = 0"
)
# As a shop that knows nothing of our locks changes it.
SET_PRICE_WITHOUT_LOCK = text("UPDATE order_items SET unit_amount = :price WHERE order_id = :order_id")
ORDER = text("SELECT status, version FROM orders WHERE id = :order_id")
ONE = st.sampled_from(
    [
        "ask",
        "change the price and ask",
        "change the order",
        "change the price by SQL",
        "cancel",
        "refund",
        "sweep",
        "short sweep",
        "look",
        "hear",
        "pay",
        "deliver",
        "repair the endpoint",
        "accept",
        "give back",
        "capture a part",
    ]
)
STATUSES = ["pending", "canceled", "paid", "review", "refunded", "partially_refunded"]
DELAYS = st.lists(st.sampled_from([0.0, 0.0005, 0.002, 0.004]), min_size=1, max_size=7)  # seconds, in turn
WHERE = st.sampled_from(["before", "after", *failpoints.ALL])
A_MINUTE = timedelta(seconds=61)
SET_STATUS = text(
    "UPDATE orders SET status = :status, cancel_reason = coalesce(:reason, cancel_reason) WHERE id = :order_id"
)
SICKNESSES = ["lock_timeout", "500; point=before", "500; point=after", "503", "404", "truncated"]
KINDS: list[Kind] = [
    "copy of this shop",
    "another shop",
    "no installation",
    "our payment, their order",
    "nothing",
]
DEEDS: list[Deed] = ["pay", "pay and refund", "dispute", "cancel"]
MOODS = st.lists(st.sampled_from(["take", "take", "fail", "take unheard"]), min_size=1, max_size=7)


class Disasters(Backups):
    """At once, crashes, restored backups, banks that change their mind, and days that pass."""

    @rule(moods=MOODS)
    def the_shop_is_told(self, moods: list[str]) -> None:
        """Its endpoint takes some messages, fails at others, and takes some without our hearing of it."""
        self.count("deliveries that fail", len(moods) - moods.count("take"))
        self.endpoint.moods = cycle(moods)
        self.do(self.endpoint.dispatcher.deliver_due())

    @rule(callers=st.integers(1, 2))
    def the_shop_pulls_events(self, callers: int) -> None:
        async def at_once() -> None:
            await self._at_once(*(self.endpoint.pull() for _ in range(callers)))

        self.do(at_once())

    @rule()
    def the_shop_is_away_for_days(self) -> None:
        self.count("days without an endpoint", 4)
        self.endpoint.moods = cycle(["fail"])
        for _ in range(4):
            self.do(self.endpoint.dispatcher.deliver_due())
            self.pass_time(A_DAY)
        self.do(self.endpoint.dispatcher.deliver_due())

    @rule()
    def the_shop_repairs_its_endpoint(self) -> None:
        self.do(self.endpoint.repair())

    @rule(order_id=ORDERS, names=st.lists(ONE, min_size=2, max_size=4), delays=DELAYS)
    def things_happen_at_once(self, order_id: UUID, names: list[str], delays: list[float]) -> None:
        self._happen(order_id, names, delays)

    @rule(order_id=ORDERS, first=ONE, second=ONE, delays=DELAYS)
    def two_things_happen_at_once(self, order_id: UUID, first: str, second: str, delays: list[float]) -> None:
        self._happen(order_id, [first, second], delays)

    @rule(order_id=ORDERS, names=st.lists(ONE, min_size=1, max_size=3), delays=DELAYS, where=WHERE)
    def a_process_dies(self, order_id: UUID, names: list[str], delays: list[float], where: str) -> None:
        if where in ("before", "after"):
            self.gateway.crash = where
        else:
            self.failpoint = where
        self._happen(order_id, names, delays)
        self.gateway.crash = self.failpoint = None

    def _happen(self, order_id: UUID, names: list[str], delays: list[float]) -> None:
        self.gateway.delays = list(delays)
        self.do(self._at_once(*(self._one_of(name, order_id) for name in names)))
        self.gateway.delays = []
        for name in names:
            self.count(f"at once: {name}")

    def _one_of(self, name: str, order_id: UUID) -> Coroutine[Any, Any, Any]:
        self.keys += 1
        wish = RefundWish(
            order_id=order_id, amount=300, reason=None, idempotency_key=str(self.keys), requested_by="m"
        )
        work: dict[str, Any] = {
            "ask": lambda: self._pay(order_id),
            "change the price and ask": lambda: self._pay_at(order_id, 700 + self.keys % 2 * 600),
            "change the order": lambda: self._change_order(order_id, 800 + self.keys % 3 * 300),
            "change the price by SQL": lambda: self._change_price_by_sql(order_id, 900 + self.keys % 2 * 500),
            "cancel": lambda: OrderCancellation(self.database, self.gateway).cancel(ADA, order_id),
            "refund": lambda: self.refunds.request(wish),
            "sweep": self.sweep.run,
            "short sweep": self.short_sweep.run,
            "look": lambda: RefreshFromStripe(self.database, self.gateway).find(ADA, order_id),
            "hear": self.inbox.finish_due,
            "pay": self._pay_what_was_released,
            "deliver": self.endpoint.dispatcher.deliver_due,
            "repair the endpoint": self.endpoint.repair,
            "accept": lambda: self.reviews.resolve(self._decision(order_id, ReviewDecision.ACCEPT)),
            "give back": lambda: self.reviews.resolve(self._decision(order_id, ReviewDecision.REFUND)),
            "capture a part": self._capture_a_part,
        }
        coroutine: Coroutine[Any, Any, Any] = work[name]()
        return coroutine

    def _decision(self, order_id: UUID, decision: ReviewDecision) -> ReviewWish:
        self.keys += 1
        return ReviewWish(
            order_id=order_id, decision=decision, note="seen", idempotency_key=str(self.keys), decided_by="m"
        )

    async def _capture_a_part(self) -> None:
        await self.gateway.on_the_way()
        for intent_id in self._ours("requires_capture")[:1]:
            self._capture(intent_id, 400)

    def _capture(self, intent_id: str, amount: int) -> None:
        with suppress(StripeError, KeyError):
            path = f"/v1/payment_intents/{intent_id}/capture"
            self.sandbox.call("POST", path, {"amount_to_capture": amount})

    async def _pay_at(self, order_id: UUID, price: int) -> None:
        await self.database.rows(SET_PRICE, {"order_id": order_id, "price": price})
        await self._pay(order_id)

    async def _change_order(self, order_id: UUID, price: int) -> None:
        order = await self.database.row(ORDER, {"order_id": order_id})
        line = OrderLine(name="Lamp", unit_amount=price, quantity=1)
        if order is not None:
            await self.changes.change(
                WantedChange(
                    order_id=order_id,
                    requested_by="shop",
                    expected_version=order.version,
                    lines=[line],
                    total=line.subtotal,
                )
            )

    async def _change_price_by_sql(self, order_id: UUID, price: int) -> None:
        """Not committed for a while. Whoever does so to an order that is paid meanwhile has done it by hand."""

        async def write(transaction: Transaction) -> None:
            await transaction.rows(SET_PRICE_WITHOUT_LOCK, {"order_id": order_id, "price": price})
            order = await transaction.row(ORDER, {"order_id": order_id})
            if order is not None and order.status != "pending":
                self.world.by_hand.add(order_id)
            await asyncio.sleep(0.005)

        order = await self.database.row(ORDER, {"order_id": order_id})
        if order is not None and order.status == "pending":
            await self.database.transaction(write)

    async def _pay_what_was_released(self) -> None:
        await self.gateway.on_the_way()
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id)

    def _nth(self, found: list[str], which: int) -> str | None:
        return found[which % len(found)] if found else None

    def _ours(self, *statuses: str) -> list[str]:
        return [i["id"] for i in self.world.intents() if i["status"].startswith(statuses)]

    @rule(which=WHICH)
    def somebody_cancels_in_the_dashboard(self, which: int) -> None:
        intent_id = self._nth(self._ours("requires_"), which)
        if intent_id:
            self.sandbox.cancel(intent_id)

    @rule(which=WHICH, amount=st.sampled_from([1, 400, 700, 1_000]))
    def somebody_captures_in_the_dashboard(self, which: int, amount: int) -> None:
        """All of what was authorized, or a part of it, for good."""
        intent_id = self._nth(self._ours("requires_capture"), which)
        if intent_id:
            self.count("captures in the dashboard")
            self._capture(intent_id, amount)

    @rule(order_id=ORDERS, which=WHICH, amount=st.sampled_from([None, 1, 400, 1_000]))
    def the_customer_only_authorizes(self, order_id: UUID, which: int, amount: int | None) -> None:
        """The dashboard says that money is captured by hand; it is, or is not yet."""
        self.sandbox.state.dashboard.set(capture_method="manual")
        self.do(self._pay(order_id))
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id)
        self.sandbox.state.dashboard.set(capture_method="automatic_async")
        if amount is not None:
            self.somebody_captures_in_the_dashboard(which, amount)

    @rule(which=WHICH, amount=st.sampled_from([500, 2_000]))
    def somebody_changes_an_intents_amount(self, which: int, amount: int) -> None:
        """With the shop's key, past this server."""
        intent_id = self._nth(self._ours("requires_payment_method", "requires_confirmation"), which)
        if intent_id:
            self.count("amounts changed at Stripe")
            with suppress(StripeError, KeyError):
                self.sandbox.call("POST", f"/v1/payment_intents/{intent_id}", {"amount": amount})

    @rule(which=WHICH, amount=st.sampled_from([None, 1, 100, 300, 700]), marked=st.booleans())
    def somebody_refunds_in_the_dashboard(self, which: int, amount: int | None, marked: bool) -> None:
        """Whatever the payment is to its order, heard of or not."""
        intent_id = self._nth(self._ours("succeeded"), which)
        if intent_id:
            self.count("refunds in the dashboard")
            with suppress(StripeError):
                self.sandbox.refund(intent_id, amount, metadata={"note": "by hand"} if marked else None)

    @rule(order_id=ORDERS, amount=st.sampled_from([None, 1, 300]), at_once=st.booleans())
    def somebody_pays_and_gets_it_back_unheard(
        self, order_id: UUID, amount: int | None, at_once: bool
    ) -> None:
        """Before any webhook came: everything is heard of in one batch, or side by side with a sweep."""
        self.do(self._pay(order_id))
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                if self.sandbox.pay(intent_id)["status"] == "succeeded":  # not only authorized
                    self.sandbox.refund(intent_id, amount)
                    self.count("refunds before the payment was heard of")
        self._happen(order_id, ["hear", "sweep"] if at_once else ["sweep"], [0.0, 0.002])

    @rule(which=WHICH, amount=st.sampled_from([None, 250]), inquiry=st.booleans())
    def a_customer_disputes(self, which: int, amount: int | None, inquiry: bool) -> None:
        intent_id = self._nth(self._ours("succeeded"), which)
        if intent_id:
            self.count("disputes")
            with suppress(StripeError):
                self.sandbox.dispute(intent_id, amount=amount, inquiry=inquiry)

    @rule(
        which=WHICH,
        status=st.sampled_from(["under_review", "needs_response", "won", "lost", "warning_closed"]),
    )
    def a_dispute_goes_on(self, which: int, status: str) -> None:
        dispute_id = self._nth([d["id"] for d in self.sandbox.state.disputes], which)
        if dispute_id:
            with suppress(StripeError, ValueError):
                self.sandbox.move_dispute(dispute_id, status)

    @rule(which=WHICH, status=st.sampled_from(["requires_action", "succeeded", "failed", "canceled"]))
    def the_bank_answers_a_refund(
        self, which: int, status: Literal["requires_action", "succeeded", "failed", "canceled"]
    ) -> None:
        refund_id = self._nth([r["id"] for r in self.sandbox.state.refunds if not is_over(r)], which)
        if refund_id:
            with suppress(StripeError, ValueError):
                self.sandbox.move_refund(refund_id, status)

    @rule(which=WHICH, refuse=st.sampled_from(["balance_insufficient", "charge_not_refundable"]))
    def a_payment_can_not_be_refunded(self, which: int, refuse: str) -> None:
        intent_id = self._nth(self._ours("succeeded"), which)
        if intent_id:
            self.sandbox.plan_refunds(intent_id, refuse=refuse)

    @rule(which=WHICH, fault=st.sampled_from(SICKNESSES), lasts=st.sampled_from([600.0, 3_600.0]))
    def an_object_is_sick(self, which: int, fault: str, lasts: float) -> None:
        refunds = [r["id"] for r in self.sandbox.state.refunds]
        sick = self._nth([*[i["id"] for i in self.world.intents()], *refunds], which)
        if sick:
            self.count("sick objects")
            self.sandbox.make_sick(sick, fault, lasts=lasts)

    @rule(path=st.sampled_from(["/v1/refunds*", "/v1/disputes*", "/v1/events*", "*/cancel"]))
    def an_endpoint_is_down_for_an_hour(self, path: str) -> None:
        self.count("endpoints down")
        self.sandbox.faults.add(Rule(fault=parse_fault("503"), path=path, times=None, lasts=3_600.0))

    @rule(permission=st.sampled_from(["rak_refund_write", "rak_refund_read", "rak_dispute_read"]))
    def the_key_may_not(self, permission: str) -> None:
        self.count("permissions taken away")
        self.sandbox.permissions.forbid(permission)

    @rule(manual=st.booleans())
    def the_dashboard_changes_how_money_is_captured(self, manual: bool) -> None:
        self.sandbox.state.dashboard.set(capture_method="manual" if manual else "automatic_async")

    @rule(delays=DELAYS)
    def the_network_is_slow(self, delays: list[float]) -> None:
        self.count("slow networks")
        self.gateway.delays = list(delays)

    @rule(order_id=ORDERS, status=st.sampled_from(STATUSES), reason=st.sampled_from([None, "merchant"]))
    def somebody_sets_the_status_by_sql(self, order_id: UUID, status: str, reason: str | None) -> None:
        """Once, since less can be asked of such an order. No precondition: a race may have put one there."""
        if self.world.by_hand:
            return
        self.count("statuses set by SQL")
        self.world.by_hand.add(order_id)
        self.runner.run(
            self.database.rows(SET_STATUS, {"order_id": order_id, "status": status, "reason": reason})
        )

    @rule(order_id=ORDERS, kind=st.sampled_from(KINDS), busy=st.booleans())
    def a_neighbour_asks_for_an_intent(self, order_id: UUID, kind: Kind, busy: bool) -> None:
        if busy and not self.sandbox.strangers.streams:
            self.count("busy applications")
            self.neighbours.move_in()
        self.count("neighbours' intents")
        payments = self.runner.run(self.shop.payments(order_id))
        self.neighbours.ask_for_intent(kind, order_id, payments[-1].id if payments else None)

    @rule(which=WHICH, deed=st.sampled_from(DEEDS))
    def a_neighbour_acts(self, which: int, deed: Deed) -> None:
        self.neighbours.act(which, deed)

    @rule(order_id=ORDERS)
    def nothing_is_left_in_the_order(self, order_id: UUID) -> None:
        self.runner.run(self.database.rows(SET_PRICE, {"order_id": order_id, "price": 0}))

    @rule(time=st.sampled_from([A_MINUTE, A_MINUTE, AN_HOUR, A_DAY]))
    def time_passes(self, time: timedelta) -> None:
        self.count(f"times that {time} passed")
        self.pass_time(time)


def is_over(refund: dict[str, Any]) -> bool:
    return refund["status"] in ("failed", "canceled")
