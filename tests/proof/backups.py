"""The state machine's backups: made, restored, and completed by people."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from tests.proof.keys_and_tokens import KeysAndTokens
from tests.proof.machine import AN_HOUR

BETWEEN_BACKUPS = 4  # steps


class Backups(KeysAndTokens):
    steps = 0
    backup_made = timedelta()  # how much time had passed; the shop opens with a backup
    backup_step = 0

    @precondition(lambda self: self.steps >= self.backup_step + BETWEEN_BACKUPS)
    @rule()
    def a_backup_is_made(self) -> None:
        self.back_up()

    def back_up(self) -> None:
        self.backup_made, self.backup_step = self.gateway.ahead, self.steps
        self.runner.run(self.tables.back_up())
        self.keep_credentials()

    @rule(complete=st.booleans())
    def the_backup_is_restored(self, complete: bool) -> None:
        """Or a standby that lagged is promoted. By the book: Stripe is well, and sweeps come before the customers.

        Afterwards somebody may complete it with the orders that it lacks.
        """
        self.count("backups restored")
        self.sandbox.faults.clear()
        self.gateway.crash = self.failpoint = None
        self.world.ended.clear()
        self.runner.run(self.tables.restore(self.gateway.ahead - self.backup_made))
        self.restore_credentials()
        self.start()
        for _ in range(2):
            self.pass_time(AN_HOUR)
            self.runner.run(self.sweep.run())
        if complete:
            self._bring_back_orders()

    def _bring_back_orders(self) -> None:
        """Under their ids, as they were when their first intents were made."""
        seen = self.runner.run(self.world.look())
        lost: dict[UUID, dict[str, Any]] = {}
        for intent in self.world.intents():
            order_id = UUID(intent["metadata"]["order_id"])
            if order_id not in seen.orders:
                lost.setdefault(order_id, intent)
        for order_id, intent in lost.items():
            self.count("orders brought back")
            again = self.shop.order(
                items=[(intent["amount"], 1)], currency=intent["currency"].upper(), order_id=order_id
            )
            self.runner.run(again)
