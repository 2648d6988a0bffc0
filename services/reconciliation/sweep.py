"""The sweep: whatever crashes, lost webhooks, outages and restored backups left behind is brought to its end.

Its steps are independent. Each has a budget, isolates its items and goes on where it was interrupted; together they
fit a minute. What is ours and due decides what a sweep costs, not what else happens on the Stripe account. Every step
may be repeated, also by two processes at once; a sweep that finds everything in place changes nothing.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from models.attention.statements import DELETE_OLD_CASES, OPEN_CASES
from models.attention.tables import AttentionKind
from models.reconciliation.clock import ALL_DUE_NOW, CLOCK_WENT_BACK, SEE_CLOCK
from models.reconciliation.leases import SET_DONE_SINCE
from models.reconciliation.sweep_state import (
    FORGET_OLD_FAILURES,
    KEEP_CURSOR,
    RETRY_ALL_NOW,
    STEP_CURSOR,
    STRIPE,
    STRIPE_ANSWERED,
)
from models.stripe_events.tables import DELETE_FINISHED_EVENTS, DELETE_RESTING_EVENTS
from runtime.database.database import Database
from services.payments.attention import Attention, close_case
from services.payments.call_priority import Rank, asking_as
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import AccessDenied, GatewayError, PermissionMissing, Refused, TooManyRequests
from services.payments.order_changes import OrderChanges
from services.payments.order_expiry import OrderExpiry
from services.payments.payment_intents import IntentGateway, PaymentIntents
from services.payments.permissions import READ_REFUNDS, REPORTED
from services.payments.refunds import Refunds
from services.reconciliation.findings import Findings
from services.reconciliation.inbox import Inbox, WebhookGateway
from services.reconciliation.list_steps import ListGateway, MissedEvents, UnknownIntents
from services.reconciliation.payment_steps import (
    ChangedOrders,
    ClosedOrders,
    ExpiredOrders,
    PayableIntents,
    UnansweredPayments,
    UnfinishedRefunds,
)
from services.reconciliation.recovery import Recovery
from services.reconciliation.stripe_account import StripeAccount
from services.reconciliation.sweep_step import Budget, StepRun

SWEEP = "sweep"
AWAY = "away"  # the cursor of STRIPE when Stripe did not answer the last time
EVENTS_ARE_KEPT = timedelta(days=30)
CLOSED_CASES_ARE_KEPT = timedelta(days=365)  # a bank may dispute a payment for months
DELETED_AT_ONCE = 500
DUE_AT_ONCE = 1_000  # rows of one statement
TOGETHER = 130.0  # seconds after which no step begins that asks Stripe, so that a sweep fits its lease
MOST_TOLD = 100  # cases that a sweep by hand prints

log = structlog.get_logger(__name__)


class SweepGateway(IntentGateway, WebhookGateway, ListGateway, Protocol):
    async def ping(self) -> datetime | None: ...


class ClosableGateway(SweepGateway, Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`permission` is what the API key needs for it, as a person is told when it lacks it; empty asks nothing.

    `memory`: the step whose failed items this one knows as its own. `own_account`: left out with another account's
    key, since what it finds or makes there would be taken for ours.
    """

    name: str
    budget: Budget
    permission: str
    run: Callable[[StepRun], Awaitable[None]]
    memory: str | None = None
    own_account: bool = False


class Sweep:
    def __init__(
        self,
        database: Database,
        gateway: SweepGateway,
        inbox: Inbox,
        *,
        share: float = 1.0,
        most_items: int | None = None,
        statement_suffix: str | None = None,
    ) -> None:
        """`share` of the steps' budgets, and `most_items` of each: less for a sweep that must be short, since the next
        one goes on; more for one that is waited for.
        """
        self._database = database
        self._gateway = gateway
        self._inbox = inbox
        self._attention = Attention(database)
        self._account = StripeAccount(database, gateway)
        self._stripe_time: datetime | None = None
        self._together = TOGETHER * max(1.0, share)
        steps = self._usual_steps(database, gateway, inbox, statement_suffix)
        self._steps = [replace(each, budget=each.budget.part(share, most_items)) for each in steps]

    def _usual_steps(
        self, database: Database, gateway: SweepGateway, inbox: Inbox, statement_suffix: str | None
    ) -> tuple[Step, ...]:
        refunds = Refunds(database, gateway)
        cancellation = IntentCancellation(database, gateway)
        closed = ClosedOrders(database, cancellation, refunds)
        expired = ExpiredOrders(database, OrderExpiry(database, gateway))
        payments = PaymentIntents(database, gateway, statement_suffix=statement_suffix)
        unanswered = UnansweredPayments(database, payments)
        unfinished = UnfinishedRefunds(database, refunds)
        changes = ChangedOrders(OrderChanges(database, gateway))
        payable = PayableIntents(database, gateway, refunds)
        events = MissedEvents(database, gateway, inbox)
        intents = UnknownIntents(database, gateway, Recovery(database, gateway))
        # What costs a customer the most when it waits comes first; Stripe's lists come after our own tables.
        return (
            step("clock", 10, 500, "", self._follow_the_clock),
            step("closed orders", 15, 300, "cancel payment intents", closed.run),
            step("expired orders", 10, 300, "cancel payment intents", expired.run),
            step("unanswered payments", 10, 200, "write payment intents", unanswered.run, own_account=True),
            step("changes of orders", 10, 200, "write payment intents", changes.run),
            step("refunds", 15, 300, READ_REFUNDS, unfinished.run, own_account=True),
            step("resting events", 15, 10, "read payment intents", self._try_resting_events),
            step("events", 15, 300, "read payment intents", self._finish_events),
            step("payable intents", 15, 400, "read payment intents", payable.run),
            step("list of events", 10, 300, "read events", events.run, own_account=True),
            step("events of the list", 10, 300, "read payment intents", self._finish_events),
            step("list of intents", 10, 300, "read payment intents", intents.run, own_account=True),
            step(
                "closed orders again", 10, 300, "cancel payment intents", closed.run, memory="closed orders"
            ),
            step("old events", 5, 100, "", self._delete_what_is_old),
        )

    async def run(self, findings: Findings | None = None) -> Findings:
        """One sweep over everything that is due, as far as the budgets go; `findings` is filled meanwhile."""
        findings, began = findings or Findings(), time.monotonic()
        deadline = began + self._together
        with asking_as(Rank.REPAIR):
            if not await self._stripe_answers(findings):
                findings.unreachable = True
            for each in self._steps:
                if each.permission and findings.unreachable:
                    continue
                if each.permission and time.monotonic() > deadline:
                    findings.unfinished.append(each.name)
                    continue
                await self._run_step(each, findings)
        await self._call_for_persons(findings)
        if findings.is_whole:
            since = timedelta(seconds=time.monotonic() - began)
            await self._database.rows(SET_DONE_SINCE, {"lease_name": SWEEP, "since": since})
        return findings

    async def _run_step(self, each: Step, findings: Findings) -> None:
        findings.step = each.name
        run = StepRun(
            each.name,
            self._database,
            each.budget,
            findings,
            permission=each.permission,
            memory=each.memory,
            stripe_time=self._stripe_time,
        )
        async with run.running():
            if each.own_account and await self._account.is_another():
                run.stop("the key is another account's")
            if run.may_go_on:
                await each.run(run)

    async def _stripe_answers(self, findings: Findings) -> bool:
        """One call tells an outage from sick objects: no item is blamed for it, and afterwards none waits longer."""
        self._stripe_time = None
        try:
            self._stripe_time = await self._gateway.ping()
        except (PermissionMissing, Refused) as error:  # an answer
            self._stripe_time = error.answered_at
        except GatewayError as error:
            self._stripe_time = error.answered_at
            if await self._answers_another_question(error):
                return await self._go_on()
            what = "refuses the key" if isinstance(error, AccessDenied) else "could not be asked"
            findings.for_a_person.append(f"Stripe {what} ({type(error).__name__}): sweep again")
            log.warning("sweep interrupted", outcome=type(error).__name__, code=error.code, said=str(error))
            await self._database.rows(KEEP_CURSOR, {"step": STRIPE, "cursor": AWAY})
            return False
        return await self._go_on()

    async def _answers_another_question(self, error: GatewayError) -> bool:
        """One part of Stripe may be sick alone. A refused key and a limit of calls hold for all of it."""
        if isinstance(error, AccessDenied | TooManyRequests):
            return False
        try:
            page = await self._gateway.list_intents(datetime.now(UTC))
        except (PermissionMissing, Refused) as refusal:
            self._stripe_time = self._stripe_time or refusal.answered_at
            return True
        except GatewayError:
            return False
        self._stripe_time = self._stripe_time or page.answered_at
        return True

    async def _go_on(self) -> bool:
        await self._welcome_back()
        await self._database.rows(STRIPE_ANSWERED)
        await self._account.ask_again()
        await self._account.check()
        await self._inbox.try_forbidden_ones()
        return True

    async def _welcome_back(self) -> None:
        last = await self._database.row(STEP_CURSOR, {"step": STRIPE})
        if last is None or last.cursor != AWAY:
            return
        await self._inbox.try_all_again()
        await self._database.rows(RETRY_ALL_NOW)

    async def _follow_the_clock(self, run: StepRun) -> None:
        """Where the database's clock went back, nothing waits until it shows again what it showed before."""
        clock = await self._database.row(CLOCK_WENT_BACK)
        if clock is not None and clock.went_back:
            log.warning("the database's clock went back; all that is due later is due now")
            for statement in ALL_DUE_NOW:
                while run.may_go_on and await self._database.rows(statement, {"limit": DUE_AT_ONCE}):
                    run.spend()
            run.count("clock went back")
        run.is_whole = run.may_go_on
        if run.is_whole:  # otherwise the next sweep goes on
            await self._database.rows(SEE_CLOCK)

    async def _finish_events(self, run: StepRun) -> None:
        while run.may_go_on and (finished := await self._inbox.finish_due()):
            run.count("events finished", finished)
            for _ in range(finished):
                run.spend()
        run.is_whole = run.may_go_on
        await self._inbox.let_tried_ones_rest()

    async def _try_resting_events(self, run: StepRun) -> None:
        """A few in each sweep, all in turn. Where to go on is kept before: one of them may end this process."""
        resting = await self._inbox.take_resting(run.cursor)
        await run.keep(max((event.id for event in resting), default=None))
        await self._inbox.finish_taken(resting)

    async def _delete_what_is_old(self, run: StepRun) -> None:
        """In small steps, so that no lock and no transaction is long."""
        for statement, age, finding in (
            (DELETE_FINISHED_EVENTS, EVENTS_ARE_KEPT, "old events deleted"),
            (DELETE_RESTING_EVENTS, EVENTS_ARE_KEPT, "old events deleted"),
            (DELETE_OLD_CASES, CLOSED_CASES_ARE_KEPT, "old cases deleted"),
        ):
            values = {"age": age, "limit": DELETED_AT_ONCE}
            while run.may_go_on and (deleted := await self._database.rows(statement, values)):
                run.spend()
                run.count(finding, len(deleted))
        await self._database.rows(FORGET_OLD_FAILURES)

    async def _call_for_persons(self, findings: Findings) -> None:
        await self._account.close_case_if_known()
        # An item may be done without a call, so only a sweep in which none was forbidden tells that none is.
        for permission in findings.permitted - findings.forbidden - REPORTED:
            await close_case(self._database, AttentionKind.KEY_LACKS_PERMISSION, permission)
        opened, closed = await self._attention.derive()
        findings.done["cases opened"] += opened
        findings.done["cases closed"] += closed
        cases = await self._database.rows(OPEN_CASES, {"limit": MOST_TOLD})
        findings.for_a_person += [case.message for case in cases]
        findings.cases = len(cases)


def step(
    name: str,
    seconds: float,
    items: int,
    permission: str,
    run: Callable[[StepRun], Awaitable[None]],
    *,
    memory: str | None = None,
    own_account: bool = False,
) -> Step:
    budget = Budget(seconds=seconds, items=items)
    return Step(
        name=name, budget=budget, permission=permission, run=run, memory=memory, own_account=own_account
    )


async def sweep_once(
    database: Database, gateway: ClosableGateway, *, livemode: bool, statement_suffix: str | None = None
) -> Findings:
    """One sweep by hand, with parts of its own that are closed behind it."""
    try:
        inbox = Inbox(database, gateway, None, livemode=livemode)
        return await Sweep(database, gateway, inbox, statement_suffix=statement_suffix).run()
    finally:
        await gateway.close()
        await database.close()
