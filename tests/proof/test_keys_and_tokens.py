"""Service keys and checkout tokens alone, in a shop without disasters: many more of their calls in a run."""

import os
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import Bundle, initialize, precondition, rule, run_state_machine_as_test

from sandbox.http.errors import StripeError
from services.identity.principal import Scope
from services.identity.service_keys import FRESH_SECONDS
from services.payments.refund_wishes import RefundWish
from tests.proof.graphql_callers import Server
from tests.proof.keys_and_tokens import NEEDS, SCOPES, SERVERS, SLACK, KeysAndTokens
from tests.proof.machine import AN_HOUR, ground

MOST_ORDERS = 3  # besides those of new keys and guests
RUNS = min(40, int(os.environ.get("PROOF_RUNS", "40")))
SHRINKS = os.environ.get("PROOF_SHRINKS") != "no"
PHASES = [Phase.explicit, Phase.generate, *([Phase.shrink] if SHRINKS else [])]


class AtTheDoors(KeysAndTokens):
    orders: Bundle[UUID] = Bundle("orders")
    backup_made: timedelta | None = None  # how much time had passed

    @initialize(target=orders)
    def the_shop_opens(self) -> UUID:
        self.runner.run(self.tables.empty())
        self.runner.run(self.endpoint.open())
        return self._placed()

    @precondition(lambda self: self.placed < MOST_ORDERS)
    @rule(target=orders)
    def an_order_is_placed(self) -> UUID:
        return self._placed()

    def _placed(self) -> UUID:
        self.placed += 1
        return self._new_order()

    def _new_order(self) -> UUID:
        return self.runner.run(self.shop.order(items=[(1_000, 1)]))

    @rule(order_id=orders)
    def the_customer_pays(self, order_id: UUID) -> None:
        self.do(self._pay(order_id))
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id)
        self.do(self.sweep.run())

    @rule(scopes=SCOPES, server=SERVERS, first=st.sampled_from([*NEEDS]))
    def a_new_key_tries_everything(self, scopes: frozenset[Scope], server: Server, first: str) -> None:
        order_id, number = self._new_order(), len(self.service_keys)
        self._make_key(scopes, False)
        self.seconds_pass(FRESH_SECONDS + 0.1)
        for deed in from_there_on(first):
            self.a_key_is_used(order_id, number, deed, server)

    @rule(other=orders, server=SERVERS, first=st.sampled_from([*NEEDS]))
    def a_new_guest_tries_everything(self, other: UUID, server: Server, first: str) -> None:
        order_id, number = self._new_order(), len(self.checkout_tokens)
        self.a_token_is_made(order_id, 90)
        if len(self.checkout_tokens) > number:
            for deed in from_there_on(first):
                self.a_token_is_used(order_id, number, True, deed, server)
                self.a_token_is_used(other, number, False, deed, server)

    @rule(order_id=orders, server=SERVERS)
    def a_key_gives_back_what_a_customer_paid(self, order_id: UUID, server: Server) -> None:
        self.the_customer_pays(order_id)
        refunding = [n for n, key in enumerate(self.service_keys) if Scope.REFUNDS_WRITE in key.scopes]
        if refunding:
            self.a_key_is_used(order_id, refunding[-1], "refund", server)

    @rule(order_id=orders, server=SERVERS, minutes=st.sampled_from([1, 90]))
    def a_token_is_used_before_and_after_its_time(self, order_id: UUID, server: Server, minutes: int) -> None:
        self._use_twice(order_id, server, minutes, timedelta(minutes=minutes, seconds=2 * SLACK))

    @rule(order_id=orders, server=SERVERS)
    def a_token_is_used_before_and_after_its_orders_end(self, order_id: UUID, server: Server) -> None:
        self.the_customer_pays(order_id)
        self._use_twice(order_id, server, 90, timedelta(minutes=61, seconds=2 * SLACK))

    @rule(server=SERVERS)
    def an_order_is_refunded_whose_token_has_ended(self, server: Server) -> None:
        order_id, number = self._new_order(), len(self.checkout_tokens)
        self.the_customer_pays(order_id)
        self.a_token_is_made(order_id, 90)
        if len(self.checkout_tokens) > number:
            self.pass_time(timedelta(minutes=61, seconds=2 * SLACK))
            self.keys += 1
            wish = RefundWish(
                order_id=order_id, amount=300, reason=None, idempotency_key=str(self.keys), requested_by="m"
            )
            assert self.do(self.refunds.request(wish)) is not None
            self.a_token_is_used(order_id, number, True, "read", server)

    def _use_twice(self, order_id: UUID, server: Server, minutes: int, pause: timedelta) -> None:
        number = len(self.checkout_tokens)
        self.a_token_is_made(order_id, minutes)
        if len(self.checkout_tokens) > number:
            self.a_token_is_used(order_id, number, True, "read", server)
            self.pass_time(pause)
            self.a_token_is_used(order_id, number, True, "read", server)

    @rule(time=st.sampled_from([timedelta(minutes=2), AN_HOUR, AN_HOUR * 3]))
    def time_passes(self, time: timedelta) -> None:
        self.pass_time(time)

    @rule()
    def a_server_starts_anew(self) -> None:
        self.start()

    @rule(comes_back=st.booleans())
    def a_backup_is_made_or_restored(self, comes_back: bool) -> None:
        if not comes_back:
            self.runner.run(self.tables.back_up())
            self.keep_credentials()
            self.backup_made = self.gateway.ahead
        elif self.backup_made is not None:
            self.runner.run(self.tables.restore(self.gateway.ahead - self.backup_made))
            self.restore_credentials()
            self.start()

    def teardown(self) -> None:
        self.exit.close()


def from_there_on(first: str) -> list[str]:
    """Every deed, in a round that begins with this one."""
    deeds = [*NEEDS]
    start = deeds.index(first)
    return deeds[start:] + deeds[:start]


@pytest.mark.long
def test_whose_key_or_token_has_ended_changes_nothing(postgres_url: str, migrated: str) -> None:
    quick = settings(
        max_examples=RUNS,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
    )

    with ground(postgres_url, migrated, AtTheDoors):
        run_state_machine_as_test(AtTheDoors, settings=quick)
