"""Anything may happen in any order, and anything may fail: money is neither lost nor taken twice.

The real services and PostgreSQL, and the sandbox's logic. `make prove` runs it ten thousand times.
"""

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from models import OrderStatus
from models.reviews.tables import ReviewDecision
from sandbox.faults import Rule, parse_fault
from sandbox.http.errors import StripeError
from services.identity.principal import Principal
from services.orders.imports import ImportedOrder
from services.orders.lines import OrderLine
from services.payments.order_cancellation import OrderCancellation
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refund_wishes import RefundWish
from tests.events import signed
from tests.proof.clocks import SKEWS, ClockJumps
from tests.proof.disasters import ORDER, Disasters
from tests.proof.invariants import check_always
from tests.proof.machine import WHICH, ground
from tests.proof.older_server import OlderServer

MOST_ORDERS = 3
# Up to so many are the same runs each time: a change is judged, not the day's luck.
SAME_RUNS = 100
RUNS = int(os.environ.get("PROOF_RUNS", SAME_RUNS))
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
SHRINKS = os.environ.get("PROOF_SHRINKS") != "no"  # minutes, spared where a bug only has to be found
ADA = Principal("ada", None, frozenset())
MERCHANT = Principal("shopkeeper", None, frozenset({"merchant"}))
# With no, two and three decimals, and one whose two decimals must be zero.
CURRENCIES = st.sampled_from(["USD", "USD", "JPY", "KWD", "ISK", "EUR"])
FAULTS = ["429", "lock_timeout", "409", "424", "425", "401", "404", "reset", "500", "502", "503", "truncated"]
METHODS = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_usBankAccount_success",
    "pm_card_pendingRefund",
    "pm_card_threeDSecure2Required",
]


class Payments(Disasters, ClockJumps, OlderServer):
    """Each rule is something that a customer, a merchant, Stripe, a bank, a network or a power cut does."""

    orders: Bundle[UUID] = Bundle("orders")

    @initialize(target=orders, minutes=SKEWS, currency=CURRENCIES)
    def the_shop_opens(self, minutes: int, currency: str) -> UUID:
        self.skew = self.gateway.ahead = timedelta(minutes=minutes)
        self.runner.run(self.tables.empty())
        self.runner.run(self.endpoint.open())
        self.back_up()  # one of an empty shop lacks every order
        return self._placed(1_000, currency)

    @precondition(lambda self: self.placed < MOST_ORDERS)
    @rule(target=orders, price=st.sampled_from([700, 1_000]), currency=CURRENCIES)
    def an_order_is_placed(self, price: int, currency: str) -> UUID:
        return self._placed(price, currency)

    def _placed(self, price: int, currency: str) -> UUID:
        self.placed += 1
        self.count(f"orders in {currency}")
        return self.runner.run(self.shop.order(items=[(price, 1)], currency=currency))

    @rule(order_id=orders)
    def the_customer_asks_for_the_secret(self, order_id: UUID) -> None:
        """The secret is given out for the order's total and for no other amount."""
        given = self.do(self._pay(order_id))
        if given is not None:
            seen = self.runner.run(self.world.look())
            intent, order = seen.intents[given.id], seen.orders[order_id]
            assert (intent["amount"], intent["currency"]) == (order.total, order.currency.lower()), (
                f"{intent}"
            )

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
        waiting = [i for i in self.world.intents() if i["status"] in ("processing", "requires_action")]
        if waiting:
            intent = waiting[which % len(waiting)]
            with suppress(StripeError):
                if intent["status"] == "processing":
                    self.sandbox.complete(intent["id"], succeeds=well)
                else:
                    self.sandbox.authenticate(intent["id"], "approve" if well else "refuse")

    def _is_pending(self, order_id: UUID) -> bool:
        """A restored backup may not have it at all."""
        row = self.runner.run(self.database.row(ORDER, {"order_id": order_id}))
        return row is not None and row.status == OrderStatus.PENDING

    @rule(order_id=orders, price=st.sampled_from([700, 1_000, 1_005, 1_300]))
    def the_price_changes(self, order_id: UUID, price: int) -> None:
        if self._is_pending(order_id):
            self.runner.run(self.shop.set_price(order_id, price))

    @rule(order_id=orders, currency=CURRENCIES)
    def the_currency_changes(self, order_id: UUID, currency: str) -> None:
        if self._is_pending(order_id):
            self.runner.run(self.shop.set_order(order_id, currency=currency))

    @rule(order_id=orders, currency=st.sampled_from(["ISK", "KWD"]))
    def the_total_is_no_whole_step_for_a_while(self, order_id: UUID, currency: str) -> None:
        if self._is_pending(order_id):
            self.runner.run(self.shop.set_order(order_id, currency=currency))
            self.runner.run(self.shop.set_price(order_id, 1_005))
            self.do(self._pay(order_id))
            self.runner.run(self.shop.set_price(order_id, 1_000))

    @rule(order_id=orders, who=st.sampled_from([ADA, MERCHANT]))
    def the_order_is_canceled(self, order_id: UUID, who: Principal) -> None:
        self.do(OrderCancellation(self.database, self.gateway).cancel(who, order_id))

    @rule(order_id=orders, amount=st.sampled_from([None, 200, 205, 700]), callers=st.integers(1, 3))
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
    def a_short_sweep_comes(self) -> None:
        """Its budgets run out."""
        self.count("sweeps cut short")
        self.do(self.short_sweep.run())

    @rule(order_id=orders, price=st.sampled_from([0, 800, 805, 1_400]))
    def the_shop_changes_the_order(self, order_id: UUID, price: int) -> None:
        self.count("changes of orders")
        self.do(self._change_order(order_id, price))

    @precondition(lambda self: self.placed < MOST_ORDERS)
    @rule(target=orders, callers=st.integers(1, 3), expires=st.booleans())
    def an_order_is_imported(self, callers: int, expires: bool) -> UUID:
        self.placed += 1
        self.count("imports")
        order = self._import(f"A-{self.placed}", expires=expires)
        return self.runner.run(self._taken_at_once([order] * callers))

    def _import(self, reference: str, *, expires: bool) -> ImportedOrder:
        return ImportedOrder(
            reference=reference,
            user_id="ada",
            receipt_email="ada@shop.test",
            currency="USD",
            lines=[OrderLine(name="Lamp", unit_amount=1_200, quantity=1)],
            total=1_200,
            expires_at=datetime.now(UTC) + timedelta(hours=2) if expires else None,
            metadata={"basket": reference},
        )

    async def _taken_at_once(self, orders: list[ImportedOrder]) -> UUID:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.imports.take(order)) for order in orders]
        [order_id] = {task.result().id for task in tasks}
        return order_id

    @rule(order_id=orders, word=st.sampled_from(["new", "newer"]))
    def the_shop_describes_the_order_anew(self, order_id: UUID, word: str) -> None:
        """By SQL, while calls for its intent may be on their way."""
        self.runner.run(self.shop.set_order(order_id, receipt_email=f"{word}@shop.test"))
        self.runner.run(self.shop.set_metadata(order_id, {"basket": word}))

    @rule(order_id=orders, hours=st.integers(1, 30))
    def the_order_gets_a_time_to_end(self, order_id: UUID, hours: int) -> None:
        moment = datetime.now(UTC) + timedelta(hours=hours)
        self.runner.run(self.shop.set_order(order_id, expires_at=moment))

    @rule(order_id=orders, decision=st.sampled_from(list(ReviewDecision)))
    def a_person_decides(self, order_id: UUID, decision: ReviewDecision) -> None:
        self.count("reviews")
        self.do(self.reviews.resolve(self._decision(order_id, decision)))

    @rule(which=WHICH)
    def a_person_closes_a_case(self, which: int) -> None:
        page = self.runner.run(self.cases.page(first=20, after=None, is_open=True))
        if page.items:
            self.count("cases closed")
            self.do(self.cases.close("m", page.items[which % len(page.items)].id, "done"))

    @rule(fault=st.sampled_from(FAULTS), point=st.sampled_from(["before", "after"]), times=st.integers(1, 3))
    def stripe_fails(self, fault: str, point: str, times: int) -> None:
        where = "" if fault == "truncated" else f"; point={point}"
        self.sandbox.faults.add(Rule(fault=parse_fault(fault + where), times=times))
        self.count("faults of calls", times)

    @rule(fault=st.sampled_from(["500", "reset"]), seconds=st.sampled_from([30, 90]))
    def stripe_refunds_later(self, fault: str, seconds: int) -> None:
        """It answers with an error, and makes the refund a moment later all the same."""
        later = parse_fault(f"{fault}; point=later; seconds={seconds}")
        self.sandbox.faults.add(Rule(fault=later, method="POST", path="/v1/refunds"))
        self.count("refunds made after an error")

    @rule(moment=st.sampled_from(["before", "after"]))
    def the_power_fails_at_the_next_call(self, moment: str) -> None:
        self.gateway.crash = moment

    @rule()
    def stripe_is_well_again(self) -> None:
        self.sandbox.faults.clear()
        self.sandbox.permissions.clear()
        self.gateway.delays = []

    @invariant()
    def it_holds_always(self) -> None:
        self.steps += 1
        self.runner.run(check_always(self.world))
        assert not self.gateway.called_while_held, "I5"
        assert not self.endpoint.called_while_held, "I5, of the shop's endpoint"


@pytest.mark.long
@pytest.mark.timeout(600 + 10 * RUNS)
def test_money_is_neither_lost_nor_taken_twice(postgres_url: str, migrated: str) -> None:
    quick = settings(
        max_examples=RUNS,
        stateful_step_count=40,
        deadline=None,
        derandomize=RUNS <= SAME_RUNS,
        suppress_health_check=list(HealthCheck),
        phases=[*PHASES, Phase.shrink] if SHRINKS else PHASES,
        print_blob=True,
    )

    with ground(postgres_url, migrated, Payments):
        run_state_machine_as_test(Payments, settings=quick)

    injected = ", ".join(f"{what}: {number}" for what, number in sorted(Payments.injected.items()))
    print(f"{Payments.runs} runs without a violation; {injected}")  # noqa: T201
