"""What happens seldom, or at the same time: the rules of the state machine that nobody would think of."""

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, precondition, rule
from sqlalchemy import text

from sandbox.http.errors import StripeError
from services.identity.principal import Principal
from services.payments import failpoints
from services.payments.order_cancellation import OrderCancellation
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refunds import RefundWish
from tests.proof.machine import TIME_PASSES, Machine, backup, restore

ADA = Principal("ada", None, frozenset())
ORDERS: Bundle[UUID] = Bundle("orders")
WHICH = st.integers(0, 11)  # of what there is: how much that is must not change what is drawn
A_DAY = 90_000.0  # seconds, with an hour to spare
# As a shop changes an order: only while it is pending, and not while something else is being decided about it.
SET_PRICE = text(
    "WITH mine AS (SELECT id FROM orders WHERE id = :order_id AND status = 'pending' FOR UPDATE)"
    " UPDATE order_items SET unit_amount = :price FROM mine WHERE order_id = mine.id AND position = 0"
)
OLDER = (
    "UPDATE payments SET created_at = created_at - interval '25 hours' WHERE state = 'creating'",
    "UPDATE refunds SET created_at = created_at - interval '25 hours' WHERE state = 'creating'",
)
ONE = st.sampled_from(["ask", "change the price and ask", "cancel", "refund", "sweep", "look", "hear", "pay"])
DELAYS = st.lists(st.sampled_from([0.0, 0.0005, 0.002, 0.004]), min_size=1, max_size=7)  # seconds, in turn
WHERE = st.sampled_from(["before", "after", *failpoints.ALL])
BETWEEN_BACKUPS = 6  # steps


class Disasters(Machine):
    """At once, crashes, restored backups, banks that change their mind, and days that pass."""

    days = 0
    steps = 0
    backup_of: int | None = None  # how many orders there were
    backup_day = backup_step = 0

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

    def _one_of(self, name: str, order_id: UUID) -> Coroutine[Any, Any, Any]:
        self.keys += 1
        wish = RefundWish(
            order_id=order_id, amount=300, reason=None, idempotency_key=str(self.keys), requested_by="m"
        )
        work: dict[str, Any] = {
            "ask": lambda: self._pay(order_id),
            "change the price and ask": lambda: self._pay_at(order_id, 700 + self.keys % 2 * 600),
            "cancel": lambda: OrderCancellation(self.database, self.gateway).cancel(ADA, order_id),
            "refund": lambda: self.refunds.request(wish),
            "sweep": self.sweep.run,
            "look": lambda: RefreshFromStripe(self.database, self.gateway).find(ADA, order_id),
            "hear": self.inbox.finish_due,
            "pay": self._pay_what_was_released,
        }
        coroutine: Coroutine[Any, Any, Any] = work[name]()
        return coroutine

    async def _pay_at(self, order_id: UUID, price: int) -> None:
        await self.database.rows(SET_PRICE, {"order_id": order_id, "price": price})
        await self._pay(order_id)

    async def _pay_what_was_released(self) -> None:
        await self.gateway.on_the_way()
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id)

    @rule(which=WHICH)
    def somebody_cancels_in_the_dashboard(self, which: int) -> None:
        intents = [i["id"] for i in self.sandbox.state.payment_intents if i["status"].startswith("requires_")]
        if intents:
            self.sandbox.cancel(intents[which % len(intents)])

    @rule(which=WHICH)
    def a_customer_disputes(self, which: int) -> None:
        intents = [i["id"] for i in self.sandbox.state.payment_intents if i["status"] == "succeeded"]
        if intents:
            with suppress(StripeError):
                self.sandbox.dispute(intents[which % len(intents)])

    @rule(which=WHICH, well=st.booleans())
    def the_bank_answers_a_refund(self, which: int, well: bool) -> None:
        refunds = [r["id"] for r in self.sandbox.state.refunds if r["status"] == "pending"]
        if refunds:
            self.sandbox.complete_refund(refunds[which % len(refunds)], succeeds=well)

    @rule(order_id=ORDERS)
    def nothing_is_left_in_the_order(self, order_id: UUID) -> None:
        self.runner.run(self.database.rows(SET_PRICE, {"order_id": order_id, "price": 0}))

    @rule()
    def a_day_passes(self) -> None:
        self.days += 1
        self.sandbox.clock.advance(A_DAY)
        for statement in (*TIME_PASSES, *OLDER):
            self.runner.run(self.database.rows(text(statement)))

    @precondition(lambda self: self.steps >= self.backup_step + BETWEEN_BACKUPS)
    @rule()
    def a_backup_is_made(self) -> None:
        self.backup_of, self.backup_day, self.backup_step = self.placed, self.days, self.steps
        self.runner.run(self.database.transaction(backup))

    @precondition(lambda self: self.backup_of == self.placed)
    @rule()
    def the_backup_is_restored(self) -> None:
        """By the book: Stripe is well, and the sweep comes before the customers do."""
        self.sandbox.faults.clear()
        self.gateway.crash = self.failpoint = None
        self.world.ended.clear()
        self.runner.run(self.database.transaction(restore))
        for statement in (*TIME_PASSES, *OLDER * (self.days - self.backup_day)):
            self.runner.run(self.database.rows(text(statement)))
        self.runner.run(self.sweep.run())
