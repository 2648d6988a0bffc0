"""Service keys and checkout tokens alone, in a shop without disasters: many more of their calls in a run."""

import os
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import Bundle, initialize, precondition, rule, run_state_machine_as_test

from sandbox.http.errors import StripeError
from tests.proof.keys_and_tokens import KeysAndTokens
from tests.proof.machine import AN_HOUR, ground

MOST_ORDERS = 3
SHRINKS = os.environ.get("PROOF_SHRINKS") != "no"
PHASES = [Phase.explicit, Phase.generate, *([Phase.shrink] if SHRINKS else [])]


class AtTheDoors(KeysAndTokens):
    orders: Bundle[UUID] = Bundle("orders")
    backup_made: timedelta | None = None  # how much time had passed

    @initialize(target=orders)
    def the_shop_opens(self) -> UUID:
        self.runner.run(self.tables.empty())
        self.runner.run(self.warehouse.open())
        return self._placed()

    @precondition(lambda self: self.placed < MOST_ORDERS)
    @rule(target=orders)
    def an_order_is_placed(self) -> UUID:
        return self._placed()

    def _placed(self) -> UUID:
        self.placed += 1
        return self.runner.run(self.shop.order(items=[(1_000, 1)]))

    @rule(order_id=orders)
    def the_customer_pays(self, order_id: UUID) -> None:
        self.do(self._pay(order_id))
        for intent_id in sorted(self.world.released):
            with suppress(StripeError):
                self.sandbox.pay(intent_id)
        self.do(self.sweep.run())

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


def test_whose_key_or_token_has_ended_changes_nothing(postgres_url: str, migrated: str) -> None:
    quick = settings(
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
    )

    with ground(postgres_url, migrated, AtTheDoors):
        run_state_machine_as_test(AtTheDoors, settings=quick)
