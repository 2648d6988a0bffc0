"""What the state machine stands on: the real services, our books and Stripe's, time, and the check at the end."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import cycle
from typing import Any, ClassVar
from uuid import UUID

import hypothesis.strategies as st
import uvloop
from hypothesis.stateful import Bundle, RuleBasedStateMachine
from sqlalchemy import text

from runtime.database.database import Database, build_database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.errors import StripeError
from services.identity.refusals import Refusal
from services.orders.imports import OrderImports
from services.payments import failpoints
from services.payments.intents import Intent
from services.payments.order_changes import OrderChanges
from services.payments.payment_intents import PaymentIntents
from services.payments.refunds import Refunds
from services.payments.reviews import Reviews
from services.reconciliation.attention_cases import AttentionCases
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.signatures import StripeSignatureCheck
from tests.e2e.databases import own_database
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import Crash, SandboxGateway
from tests.proof.invariants import World, check_always, check_at_the_end
from tests.proof.one_moment import at_one_moment
from tests.proof.payable import each_pending_order_can_be_paid
from tests.proof.shop_endpoint import (
    NOTE_CHANGES,
    ShopEndpoint,
    e8_each_change_is_one_event_and_the_shop_hears_it,
)
from tests.proof.tables import Tables
from tests.proof.watched import WatchedDatabase

A_MINUTE, AN_HOUR, A_DAY = timedelta(minutes=1), timedelta(seconds=3_700), timedelta(seconds=90_000)
ROUNDS = (AN_HOUR, AN_HOUR, *(A_DAY,) * 6)  # until nothing changes any more
ORDERS: Bundle[UUID] = Bundle("orders")
WHICH = st.integers(0, 11)  # of what there is: how much that is must not change what is drawn


class Machine(RuleBasedStateMachine):
    """One world a run. Loop and database are shared by all, since runs come one after the other."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    tables: ClassVar[Tables]
    injected: ClassVar[Counter[str]] = Counter()
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
        self.gateway = SandboxGateway(self.sandbox)
        self.shop = Shop(self.database)
        self.world = World(self.database, self.sandbox)
        self.neighbours = self.world.neighbours
        self.skew = timedelta()  # how far our clocks are before Stripe's
        self.has_jumped_back = False
        self.keys = self.placed = self.starts = 0
        self.endpoint = ShopEndpoint(self.database)
        self.start()
        self.failpoint: str | None = None
        self.exit = ExitStack()
        self.exit.enter_context(failpoints.reaching(self._reach))
        type(self).runs += 1

    def start(self) -> None:
        """The server's process begins, with another setting: what it remembered is gone."""
        self.starts += 1
        suffix = f"SHOP {self.starts}"
        self.payments = PaymentIntents(self.database, self.gateway, deadline=0.1, statement_suffix=suffix)
        self.refunds = Refunds(self.database, self.gateway)
        self.reviews = Reviews(self.database, self.refunds)
        self.changes = OrderChanges(self.database, self.gateway)
        self.cases = AttentionCases(self.database)
        self.imports = OrderImports(self.database)
        check = StripeSignatureCheck((WEBHOOK_SECRET,))
        self.inbox = Inbox(self.database, self.gateway, check, livemode=False)
        self.sweep = Sweep(self.database, self.gateway, self.inbox, statement_suffix=suffix)
        self.short_sweep = Sweep(
            self.database, self.gateway, self.inbox, most_items=1, statement_suffix=suffix
        )

    def count(self, what: str, number: int = 1) -> None:
        type(self).injected[what] += number

    def pass_time(self, time: timedelta) -> None:
        """For our tables and for Stripe alike."""
        self.gateway.ahead += time
        self.sandbox.pass_time(time.total_seconds())
        self.endpoint.pass_time(time)
        self.runner.run(self.tables.make_older(time))

    @property
    def passed(self) -> timedelta:
        """Since the run began, whatever the clocks say."""
        return self.gateway.ahead - self.skew

    def jump(self, time: timedelta) -> None:
        """Our clocks go on, or back, by so much, and Stripe's does not."""
        self.skew += time
        self.has_jumped_back |= time < timedelta()
        self.gateway.ahead += time
        self.endpoint.pass_time(time)
        self.runner.run(self.tables.make_older(time))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let it happen; a refusal or a crash is an answer like any other."""
        with suppress(Refusal, StripeError):
            return self.runner.run(_while_there_is_power(work))
        return None

    async def _at_once(self, *work: Coroutine[Any, Any, Any]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for each in work:
                    group.create_task(_whatever_it_says(each))
        except* Crash:
            pass

    def _reach(self, name: str) -> None:
        if name == self.failpoint:
            self.failpoint = None
            self.count("crashes at a failpoint")
            raise Crash

    async def _pay(self, order_id: UUID) -> Intent:
        intent = await self.payments.create("ada", order_id)
        self.world.released.add(intent.id)
        return intent

    def teardown(self) -> None:
        try:
            self.world_is_well()
            self.runner.run(check_always(self.world))
            self._each_pending_order_can_be_paid()
            self._until_nothing_changes()
            self.runner.run(check_at_the_end(self.world))
            self.runner.run(e8_each_change_is_one_event_and_the_shop_hears_it(self.database, self.endpoint))
        finally:
            self.count("crashes at a call", self.gateway.crashes)
            self.exit.close()

    def world_is_well(self) -> None:
        """Stripe fails no more, the key may do everything, banks have answered."""
        self.sandbox.faults.clear()
        self.sandbox.permissions.clear()
        self.sandbox.state.dashboard.set(balance_insufficient=False, capture_method="automatic_async")
        self.sandbox.state.dashboard.refunds.clear()
        self.gateway.crash = self.failpoint = None
        self.gateway.delays = []
        self.endpoint.moods = cycle(["take"])
        for intent in self.world.intents():
            if intent["status"] == "processing":
                self.sandbox.complete(intent["id"])
            if intent["status"] == "requires_capture":
                self.sandbox.call("POST", f"/v1/payment_intents/{intent['id']}/capture")

    def _each_pending_order_can_be_paid(self) -> None:
        """Soon, long before Stripe forgets what it keeps under our keys."""
        self.runner.run(self.sweep.run())  # which sees that our clock went back
        self.pass_time(3 * A_MINUTE)  # the leases of calls that died end
        patient = PaymentIntents(self.database, self.gateway, deadline=10)
        self.runner.run(each_pending_order_can_be_paid(self.database, patient))
        self.runner.run(check_always(self.world))

    def _until_nothing_changes(self) -> None:
        """E6: sweep, with real pauses between, until a sweep changes nothing; that must come soon."""
        changes: list[str] = []
        for time in ROUNDS:
            self.pass_time(time)
            self.runner.run(self.endpoint.dispatcher.deliver_due())
            before = self.runner.run(self._books())
            self.runner.run(self.sweep.run())
            after = self.runner.run(self._books())
            changes = [name for name in before if before[name] != after[name]]
            if time is A_DAY and not changes:
                return
        raise AssertionError(f"E6: the sweep finds no end: {changes}")

    async def _books(self) -> dict[str, Any]:
        books = await self.database.row(BOOKS)
        assert books is not None
        written = [entry["path"] for entry in self.sandbox.journal.calls("POST")]
        return {**books._asdict(), "calls that write": written}


BOOKS = at_one_moment(
    {
        "payments": "SELECT id, state, disposition, intent_id FROM payments ORDER BY id",
        "orders": "SELECT id, status, version FROM orders ORDER BY id",
        # An older server's, whose key is old, begins to wait for another one when it is first looked at.
        "refunds": "SELECT id, state, amount, attempt, key_until IS NULL AS is_untried FROM refunds ORDER BY id",
        "disputes": "SELECT id, status, amount FROM disputes ORDER BY id",
        "changes": "SELECT order_id, id FROM order_changes ORDER BY id",
        "cases": "SELECT kind, subject_id FROM attention WHERE closed_at IS NULL ORDER BY kind, subject_id",
    }
)


@contextmanager
def ground(server_url: str, migrated: str, machine: type[Machine]) -> Iterator[None]:
    """A database for `machine` alone, a copy of `migrated`, whose commits wait for no disk."""
    with (
        own_database(server_url, like=migrated) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        machine.runner, machine.database = runner, WatchedDatabase(build_database(url, pool_size=6).pool)
        # A session of their own: one that works without triggers forgets the plans of all its statements.
        beside = build_database(url, pool_size=1)
        machine.tables = Tables(beside)
        runner.run(_prepare(machine.database, machine.tables))
        try:
            yield
        finally:
            runner.run(machine.database.close())
            runner.run(beside.close())


async def _prepare(database: Database, tables: Tables) -> None:
    row = await database.row(text("SELECT current_database() AS name"))
    assert row is not None
    await database.rows(text(f"ALTER DATABASE {row.name} SET synchronous_commit = off"))
    for statement in NOTE_CHANGES:
        await database.rows(text(statement))
    await tables.prepare()
    await database.close()


async def _while_there_is_power(work: Coroutine[Any, Any, Any]) -> Any:
    """A crash ends everything that the process was doing."""
    try:
        return await work
    except Crash:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _whatever_it_says(work: Coroutine[Any, Any, Any]) -> None:
    with suppress(Refusal):
        await work
