"""What the state machine stands on: the real services, our books and Stripe's, and the check at the end."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import text

from sandbox.app import SandboxConfig
from sandbox.core import Sandbox
from sandbox.errors import StripeError
from services.database import build_database
from services.payment_intents import PaymentIntents
from services.reconcile import Sweep
from services.refunds import Refunds
from services.refusals import Refusal
from services.stripe_gateway import StripeSignatureCheck
from services.webhooks import Inbox
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import Crash, SandboxGateway
from tests.proof.invariants import World, check_at_the_end

TIME_PASSES = (
    "UPDATE payments SET lease_until = NULL, looked_at = looked_at - interval '2 hours'",
    "UPDATE refunds SET lease_until = NULL",
    "UPDATE stripe_events SET due_at = now() - interval '1 second'",
)


class Machine(RuleBasedStateMachine):
    """One world a run, on an event loop of its own."""

    postgres_url: ClassVar[str]
    faults_injected: ClassVar[int] = 0
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = build_database(self.postgres_url, pool_size=4)
        self.sandbox = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
        self.gateway = SandboxGateway(self.sandbox, self.database)
        self.shop = Shop(self.database)
        self.world = World(self.database, self.sandbox)
        self.payments = PaymentIntents(self.database, self.gateway, deadline=0.1)
        self.refunds = Refunds(self.database, self.gateway)
        check = StripeSignatureCheck((WEBHOOK_SECRET,))
        self.inbox = Inbox(self.database, self.gateway, check, livemode=False)
        self.sweep = Sweep(self.database, self.gateway, self.inbox, pause=0)
        self.keys = self.placed = 0
        type(self).runs += 1

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let it happen; a refusal or a crash is an answer like any other."""
        with suppress(Refusal, Crash, StripeError):
            return self.runner.run(work)
        return None

    async def _at_once(self, *work: Coroutine[Any, Any, Any]) -> None:
        self.gateway.alone = False
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        self.gateway.alone = True
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, Refusal | Crash):
                raise outcome

    def teardown(self) -> None:
        try:
            self.sandbox.faults.clear()
            self.gateway.crash = None
            for intent in list(self.sandbox.state.payment_intents):
                if intent["status"] == "processing":
                    self.sandbox.complete(intent["id"])
            self.runner.run(self._until_nothing_changes())
            self.runner.run(check_at_the_end(self.world))
        finally:
            self.runner.run(self.database.close())
            self.runner.close()

    async def _until_nothing_changes(self) -> None:
        """E6: sweep until a fixpoint, which must come soon."""
        for _ in range(6):
            for statement in TIME_PASSES:
                await self.database.rows(text(statement))
            before = await self._books()
            await self.sweep.run()
            if await self._books() == before:
                return
        raise AssertionError("E6: the sweep finds no end")

    async def _books(self) -> list[Any]:
        statements = (
            "SELECT id, state, disposition, intent_id FROM payments ORDER BY id",
            "SELECT id, status FROM orders ORDER BY id",
            "SELECT id, state FROM refunds ORDER BY id",
        )
        return [await self.database.rows(text(statement)) for statement in statements]
