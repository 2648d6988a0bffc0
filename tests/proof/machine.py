"""What the state machine stands on: the real services, our books and Stripe's, and the check at the end."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, ClassVar
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import text

from runtime.database.database import Database, Transaction, build_database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from sandbox.http.errors import StripeError
from services.identity.refusals import Refusal
from services.operations import migrations
from services.payments import failpoints
from services.payments.payment_intents import PaymentIntents
from services.payments.refunds import Refunds
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeSignatureCheck
from tests.e2e.databases import own_database
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import Crash, SandboxGateway
from tests.proof.invariants import World, check_at_the_end
from tests.proof.watched import WatchedDatabase

TABLES = (
    "orders",
    "order_items",
    "payments",
    "payment_transitions",
    "refunds",
    "disputes",
    "stripe_events",
    "leases",
)
WITHOUT_TRIGGERS = text("SET LOCAL session_replication_role = replica")
TIME_PASSES = (
    "UPDATE payments SET lease_until = NULL, looked_at = looked_at - interval '2 hours'",
    "UPDATE refunds SET lease_until = NULL, due_at = now()",
    "UPDATE stripe_events SET due_at = now() - interval '1 second', attempts = 0",
    "UPDATE sweep_retries SET due_at = now()",
)


class Machine(RuleBasedStateMachine):
    """One world a run. Loop and database are shared by all, since runs come one after the other."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    faults_injected: ClassVar[int] = 0
    crashes: ClassVar[int] = 0
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET))
        self.gateway = SandboxGateway(self.sandbox)
        self.shop = Shop(self.database)
        self.world = World(self.database, self.sandbox)
        self.payments = PaymentIntents(self.database, self.gateway, deadline=0.1)
        self.refunds = Refunds(self.database, self.gateway)
        check = StripeSignatureCheck((WEBHOOK_SECRET,))
        self.inbox = Inbox(self.database, self.gateway, check, livemode=False)
        self.sweep = Sweep(self.database, self.gateway, self.inbox)
        self.keys = self.placed = 0
        self.failpoint: str | None = None
        self.exit = ExitStack()
        self.exit.enter_context(failpoints.reaching(self._reach))
        type(self).runs += 1

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
            type(self).crashes += 1
            raise Crash

    async def _pay(self, order_id: UUID) -> None:
        intent = await self.payments.create("ada", order_id)
        self.world.released.add(intent.id)

    def teardown(self) -> None:
        try:
            self.sandbox.faults.clear()
            self.gateway.crash = self.failpoint = None
            for intent in list(self.sandbox.state.payment_intents):
                if intent["status"] == "processing":
                    self.sandbox.complete(intent["id"])
            self.runner.run(self._until_nothing_changes())
            self.runner.run(check_at_the_end(self.world))
        finally:
            type(self).crashes += self.gateway.crashes
            self.exit.close()

    async def empty(self) -> None:
        """Emptied by DELETE, a hundred times faster than TRUNCATE."""
        await self.database.transaction(_empty)

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


@contextmanager
def ground(server_url: str, machine: type[Machine]) -> Iterator[None]:
    """A database for `machine` alone, whose commits wait for no disk."""
    with own_database(server_url) as url, asyncio.Runner() as runner:
        migrations.upgrade(url)
        machine.runner, machine.database = runner, WatchedDatabase(build_database(url, pool_size=6).pool)
        runner.run(_prepare(machine.database))
        try:
            yield
        finally:
            runner.run(machine.database.close())


async def _prepare(database: Database) -> None:
    row = await database.row(text("SELECT current_database() AS name, current_user AS me"))
    assert row is not None
    await database.rows(text(f"ALTER DATABASE {row.name} SET synchronous_commit = off"))
    await database.rows(text("CREATE SCHEMA backup"))
    for table in TABLES:
        await database.rows(text(f"CREATE TABLE backup.{table} (LIKE {table})"))
    await database.close()


async def _empty(connection: Transaction) -> None:
    await connection.rows(WITHOUT_TRIGGERS)
    for table in (*TABLES, "products", "sweep_steps", "sweep_retries", "sweep_windows"):
        await connection.rows(text(f"DELETE FROM {table}"))  # noqa: S608  our own names


async def backup(connection: Transaction) -> None:
    for table in TABLES:
        await connection.rows(text(f"DELETE FROM backup.{table}"))  # noqa: S608  our own names
        await connection.rows(text(f"INSERT INTO backup.{table} TABLE {table}"))


async def restore(connection: Transaction) -> None:
    await connection.rows(WITHOUT_TRIGGERS)
    for table in TABLES:
        await connection.rows(text(f"DELETE FROM {table}"))  # noqa: S608  our own names
        await connection.rows(text(f"INSERT INTO {table} TABLE backup.{table}"))


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
