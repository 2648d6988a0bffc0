"""Anything may happen in any order, and anything may fail: money is neither lost nor taken twice.

The real services and PostgreSQL, and the sandbox's logic. `make prove` runs it ten thousand times.
"""

import os
from contextlib import suppress
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from models import OrderStatus
from sandbox.faults import Rule, parse_fault
from sandbox.http.errors import StripeError
from services.identity.principal import Principal
from services.payments.order_cancellation import OrderCancellation
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refunds import RefundWish
from tests.events import signed
from tests.proof.disasters import WHICH, Disasters
from tests.proof.invariants import check_always
from tests.proof.machine import TIME_PASSES, ground

MOST_ORDERS = 3
RUNS = int(os.environ.get("PROOF_RUNS", "300"))
ADA = Principal("ada", None, frozenset())
MERCHANT = Principal("shopkeeper", None, frozenset({"merchant"}))
FAULTS = ["429", "409", "401", "reset", "500", "502", "truncated"]
METHODS = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_usBankAccount_success",
    "pm_card_pendingRefund",
    "pm_card_threeDSecure2Required",
]


class Payments(Disasters):
    """Each rule is something that a customer, a merchant, Stripe, a bank, a network or a power cut does."""

    orders: Bundle[UUID] = Bundle("orders")

    @initialize(target=orders)
    def the_shop_opens(self) -> UUID:
        self.runner.run(self.empty())
        return self._placed(1_000)

    @precondition(lambda self: self.placed < MOST_ORDERS)
    @rule(target=orders, price=st.sampled_from([700, 1_000]))
    def an_order_is_placed(self, price: int) -> UUID:
        return self._placed(price)

    def _placed(self, price: int) -> UUID:
        self.placed += 1
        return self.runner.run(self.shop.order(items=[(price, 1)]))

    @rule(order_id=orders)
    def the_customer_asks_for_the_secret(self, order_id: UUID) -> None:
        self.do(self._pay(order_id))

    @rule(order_id=orders, method=st.sampled_from(METHODS), noticed=st.booleans())
    def the_customer_asks_and_pays(self, order_id: UUID, method: str, noticed: bool) -> None:
        """The ordinary way, so that much of what follows is about money that came."""
        before = set(self.world.released)
        self.do(self._pay(order_id))
        for intent_id in self.world.released - before:
            with suppress(StripeError):
                self.sandbox.pay(intent_id, method)
        if noticed:
            self.do(self.sweep.run())

    @rule(order_id=orders, method=st.sampled_from(METHODS), price=st.sampled_from([700, 1_300]))
    def the_customer_pays_the_old_price(self, order_id: UUID, method: str, price: int) -> None:
        self.the_customer_asks_for_the_secret(order_id)
        self.the_price_changes(order_id, price)
        self._pay_all(method)

    @rule(order_id=orders, method=st.sampled_from(METHODS))
    def the_customer_pays_a_closed_order(self, order_id: UUID, method: str) -> None:
        """Stripe can't be reached while the order is canceled, so that its intent stays payable for a while."""
        self.the_customer_asks_for_the_secret(order_id)
        self.sandbox.faults.add(Rule(fault=parse_fault("429"), path="/v1/payment_intents/*/cancel"))
        self.the_order_is_canceled(order_id, ADA)
        self._pay_all(method)

    def _pay_all(self, method: str) -> None:
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id, method)

    @rule(order_id=orders, callers=st.integers(2, 4))
    def several_tabs_ask_at_once(self, order_id: UUID, callers: int) -> None:
        async def at_once() -> None:
            await self._at_once(*(self._pay(order_id) for _ in range(callers)))

        self.do(at_once())

    @rule(which=WHICH, method=st.sampled_from(METHODS))
    def the_customer_pays(self, which: int, method: str) -> None:
        if self.world.released:
            released = sorted(self.world.released)
            intent_id = released[which % len(released)]
            with suppress(StripeError):
                self.sandbox.pay(intent_id, method)

    @rule(which=WHICH, well=st.booleans())
    def the_bank_decides(self, which: int, well: bool) -> None:
        waiting = [
            i for i in self.sandbox.state.payment_intents if i["status"] in ("processing", "requires_action")
        ]
        if waiting:
            intent = waiting[which % len(waiting)]
            with suppress(StripeError):
                if intent["status"] == "processing":
                    self.sandbox.complete(intent["id"], succeeds=well)
                else:
                    self.sandbox.authenticate(intent["id"], "approve" if well else "refuse")

    @rule(order_id=orders, price=st.sampled_from([700, 1_000, 1_300]))
    def the_price_changes(self, order_id: UUID, price: int) -> None:
        if self.runner.run(self.shop.status(order_id)) is OrderStatus.PENDING:
            self.runner.run(self.shop.set_price(order_id, price))

    @rule(order_id=orders, currency=st.sampled_from(["USD", "EUR"]))
    def the_currency_changes(self, order_id: UUID, currency: str) -> None:
        if self.runner.run(self.shop.status(order_id)) is OrderStatus.PENDING:
            self.runner.run(self.shop.set_order(order_id, currency=currency))

    @rule(order_id=orders, who=st.sampled_from([ADA, MERCHANT]))
    def the_order_is_canceled(self, order_id: UUID, who: Principal) -> None:
        self.do(OrderCancellation(self.database, self.gateway).cancel(who, order_id))

    @rule(order_id=orders, amount=st.sampled_from([None, 200, 700]), callers=st.integers(1, 3))
    def the_merchant_refunds(self, order_id: UUID, amount: int | None, callers: int) -> None:
        async def at_once() -> None:
            wishes = [self._wish(order_id, amount) for _ in range(callers)]
            await self._at_once(*map(self.refunds.request, wishes))

        self.do(at_once())

    def _wish(self, order_id: UUID, amount: int | None) -> RefundWish:
        self.keys += 1
        return RefundWish(
            order_id=order_id, amount=amount, reason=None, idempotency_key=str(self.keys), requested_by="m"
        )

    @rule(order_id=orders)
    def somebody_refunds_in_the_dashboard(self, order_id: UUID) -> None:
        settled = [p for p in self.runner.run(self.shop.payments(order_id)) if p.disposition == "settled"]
        with suppress(StripeError):
            for payment in settled:
                self.sandbox.refund(payment.intent_id, 100)

    @rule(which=WHICH, times=st.integers(1, 2), forged=st.booleans())
    def a_webhook_comes(self, which: int, times: int, forged: bool) -> None:
        known = list(self.sandbox.state.events)
        if known:
            event = known[which % len(known)]
            body = self.sandbox.webhook(event["id"]).body
            if forged:
                body = body.replace(b'"status":"requires_payment_method"', b'"status":"succeeded"')
            for _ in range(times):
                self.do(self.inbox.receive(*signed(body)))
            self.do(self.inbox.finish_due())

    @rule(order_id=orders)
    def the_customer_looks(self, order_id: UUID) -> None:
        self.do(RefreshFromStripe(self.database, self.gateway).find(ADA, order_id))

    @rule()
    def the_sweep_comes(self) -> None:
        self.do(self.sweep.run())

    @rule()
    def two_sweeps_come_at_once(self) -> None:
        async def at_once() -> None:
            await self._at_once(self.sweep.run(), self.sweep.run())

        self.do(at_once())

    @rule()
    def time_passes(self) -> None:
        for statement in TIME_PASSES:
            self.runner.run(self.database.rows(text(statement)))

    @rule()
    def a_day_passes_for_what_is_unanswered(self) -> None:
        older = "UPDATE payments SET created_at = created_at - interval '1 day' WHERE state = 'creating'"
        self.runner.run(self.database.rows(text(older)))

    @rule(fault=st.sampled_from(FAULTS), point=st.sampled_from(["before", "after"]), times=st.integers(1, 3))
    def stripe_fails(self, fault: str, point: str, times: int) -> None:
        where = "" if fault == "truncated" else f"; point={point}"
        self.sandbox.faults.add(Rule(fault=parse_fault(fault + where), times=times))
        type(self).faults_injected += times

    @rule(moment=st.sampled_from(["before", "after"]))
    def the_power_fails_at_the_next_call(self, moment: str) -> None:
        self.gateway.crash = moment

    @rule()
    def stripe_is_well_again(self) -> None:
        self.sandbox.faults.clear()

    @invariant()
    def it_holds_always(self) -> None:
        self.steps += 1
        self.runner.run(check_always(self.world))
        assert not self.gateway.called_while_held, "I5"


def test_money_is_neither_lost_nor_taken_twice(postgres_url: str) -> None:
    quick = settings(
        max_examples=RUNS,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        print_blob=True,
    )

    with ground(postgres_url, Payments):
        run_state_machine_as_test(Payments, settings=quick)

    print(  # noqa: T201
        f"{Payments.runs} runs, {Payments.faults_injected} faults ordered, {Payments.crashes} crashes, no violation"
    )
