"""The sweep: whatever crashes, lost webhooks, outages and restored backups left behind is brought to its end.

It asks Stripe for everything that happened since the last sweep, and the database for everything unfinished.
Every step may be repeated, also by two processes at once; a second sweep in a row changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from models.orders.tables import OrderStatus
from models.payments.statements import MOVE_PAYMENT
from models.payments.tables import PaymentState
from models.reconciliation.leases import DONE_UNTIL, SET_DONE_UNTIL
from models.reconciliation.statements import (
    LOOK_AT_PAYMENT,
    ORDERS_IN_REVIEW,
    PAYMENT_TO_BE_CLOSED,
    REFUNDS_THAT_FAILED,
    TO_BE_CLOSED,
    UNANSWERED_PAYMENTS,
    UNWATCHED_PAYMENTS,
)
from models.refunds.statements import UNFINISHED_REFUNDS
from models.refunds.tables import RefundState
from runtime.database.database import Database, Row
from services.identity.refusals import Refusal
from services.payments.call_priority import Rank, asking_as
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import GatewayError, IntentSeen, Refused, StripeEventSeen, StripePage
from services.payments.payment_intents import IntentGateway, PaymentIntents
from services.payments.refunds import Refunds
from services.payments.refusals import AmountNotChargeable
from services.payments.settlement import Settlement
from services.reconciliation.inbox import Inbox, WebhookGateway
from services.reconciliation.ownership import Ownership
from services.reconciliation.recovery import Recovery, expected_states

SWEEP = "sweep"
FIRST_LOOK_BACK = timedelta(days=30)  # Stripe keeps events for 30 days
OVERLAP = timedelta(
    minutes=10
)  # what Stripe was still making while we looked: 300 pages at 25 orders a second
WATCH_AFTER = timedelta(hours=1)  # a payable intent is asked about again, however quiet it is
BATCH = 100
MOST_WATCHED = 1_000  # payable intents looked at in one sweep
PAUSE = 0.1  # seconds for each call: ten a second, of the 25 that Stripe allows; the rest is for customers

IN_ANOTHER_WAY = "give the money back in another way"
WHAT_TO_DO = {"charge_disputed": "accept the dispute at Stripe, or refund there once it is won"}

T = TypeVar("T")
Listing = Callable[[datetime, str | None], Awaitable[StripePage[T]]]

log = structlog.get_logger(__name__)


class SweepGateway(IntentGateway, WebhookGateway, Protocol):
    async def list_intents(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[IntentSeen]: ...
    async def list_events(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[StripeEventSeen]: ...


class ClosableGateway(SweepGateway, Protocol):
    async def close(self) -> None: ...


@dataclass
class Findings:
    """What a sweep did, by name, and what it can't do: each of `for_a_person` is a sentence."""

    done: Counter[str] = field(default_factory=Counter)
    for_a_person: list[str] = field(default_factory=list)
    unreachable: bool = False

    def __str__(self) -> str:
        done = [f"{name}: {count}" for name, count in sorted(self.done.items()) if count]
        return "\n".join([*(done or ["nothing to do"]), *self.for_a_person])


class Sweep:
    def __init__(
        self, database: Database, gateway: SweepGateway, inbox: Inbox, *, pause: float = PAUSE
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._inbox = inbox
        self._pause = pause
        self._payments = PaymentIntents(database, gateway)
        self._closing = IntentCancellation(database, gateway)
        self._settlement = Settlement(database)
        self._refunds = Refunds(database, gateway)
        self._recovery = Recovery(database, gateway)
        self._ownership = Ownership(database)

    async def run(self) -> Findings:
        """One sweep over everything that is due."""
        findings, began = Findings(), datetime.now(UTC)
        row = await self._database.row(DONE_UNTIL, {"lease_name": SWEEP})
        known_until = row.done_until if row and row.done_until else began - FIRST_LOOK_BACK
        since = known_until - OVERLAP
        with asking_as(Rank.REPAIR):
            heard = await self._step(lambda found: self._hear_missed_events(since, found), findings)
            await self._step(self._answer_unanswered, findings)
            recovered = await self._step(lambda found: self._recover_intents(since, found), findings)
            await self._step(self._close_what_must_not_be_paid, findings)
            await self._step(lambda found: self._watch(began - WATCH_AFTER, found), findings)
            await self._step(self._finish_refunds, findings)
        await self._call_for_a_person(findings)
        if heard and recovered:  # the others ask the database what is due, however old it is
            await self._database.rows(SET_DONE_UNTIL, {"lease_name": SWEEP, "moment": began})
        return findings

    async def _step(self, step: Callable[[Findings], Awaitable[None]], findings: Findings) -> bool:
        """Whether it came to its end. What interrupts one step keeps the next from nothing."""
        try:
            await step(findings)
        except GatewayError as error:
            findings.unreachable = True
            findings.for_a_person.append(f"Stripe could not be asked ({type(error).__name__}): sweep again")
            log.warning("sweep interrupted", outcome=type(error).__name__, code=error.code)
            return False
        return True

    async def _hear_missed_events(self, since: datetime, findings: Findings) -> None:
        async for page in self._pages(self._gateway.list_events, since):
            ours = await self._ownership.ours([(event.intent_id, event.marks) for event in page])
            missed = [event for event in page if event.intent_id in ours]
            findings.done["events never received"] += await self._inbox.take_missed(missed)
        findings.done["events finished"] += await self._inbox.finish_all()

    async def _answer_unanswered(self, findings: Findings) -> None:
        """Replay what nobody is waiting for any more, or give it up when its order is closed."""
        seen: set[UUID] = set()
        while True:
            due = await self._database.rows(UNANSWERED_PAYMENTS, {"limit": BATCH})
            fresh = [payment for payment in due if payment.id not in seen]
            if not fresh:
                return
            for payment in fresh:
                seen.add(payment.id)
                await self._answer(payment.id, payment.order_id, payment.user_id, payment.status)
                findings.done["payments answered"] += 1

    async def _answer(self, payment_id: UUID, order_id: UUID, user_id: str, status: str) -> None:
        await asyncio.sleep(self._pause)
        if status != OrderStatus.PENDING:
            await self._move(payment_id, PaymentState.CREATING, PaymentState.ABANDONED)
            return
        try:
            await self._payments.create(user_id, order_id)
        except AmountNotChargeable:  # nobody will ask for it again, and its secret never left
            await self._move(payment_id, PaymentState.CREATING, PaymentState.ABANDONED)
        except Refusal as refusal:
            log.info("payment not answered", payment=str(payment_id), refusal=type(refusal).__name__)

    async def _recover_intents(self, since: datetime, findings: Findings) -> None:
        async for page in self._pages(self._gateway.list_intents, since):
            for intent in await self._recovery.unexpected(page):
                await asyncio.sleep(self._pause)
                name, sentence = await self._recovery.put_in_place(intent)
                findings.done[name] += 1
                findings.for_a_person += [sentence] if sentence else []

    async def _close_what_must_not_be_paid(self, findings: Findings) -> None:
        after = UUID(int=0)
        while due := await self._database.rows(TO_BE_CLOSED, {"limit": BATCH, "after_id": after}):
            for order in due:
                await asyncio.sleep(self._pause)
                payment = await self._database.row(PAYMENT_TO_BE_CLOSED, {"order_id": order.order_id})
                if payment is not None:
                    await self._close_payment(payment, findings)
            after = due[-1].order_id

    async def _close_payment(self, payment: Row, findings: Findings) -> None:
        if payment.state == PaymentState.OPEN:
            await self._move(payment.id, PaymentState.OPEN, PaymentState.CANCELING)
        with one_of_many(payment.intent_id, findings):
            intent = await self._closing.close(payment.intent_id, cause="reconcile")
            await self._refunds.carry_out_owed(payment.intent_id)
            findings.done[f"intents of closed orders now {intent.status}"] += 1

    async def _watch(self, since: datetime, findings: Findings) -> None:
        due = await self._database.rows(UNWATCHED_PAYMENTS, {"limit": MOST_WATCHED, "since": since})
        for payment in due:
            await asyncio.sleep(self._pause)
            known = await self._database.row(LOOK_AT_PAYMENT, {"payment_id": payment.id})
            with one_of_many(payment.intent_id, findings):
                intent = await self._gateway.retrieve_intent(payment.intent_id)
                # Mostly it is as we knew before we asked: no news, and nothing that needs the order's lock.
                if known is None or known.state not in expected_states(intent):
                    await self._settlement.apply(intent, cause="reconcile")
                    await self._refunds.carry_out_owed(payment.intent_id)
                findings.done["payable intents looked at"] += 1

    async def _finish_refunds(self, findings: Findings) -> None:
        due = await self._database.rows(UNFINISHED_REFUNDS, {"limit": MOST_WATCHED})
        for refund in due:
            await asyncio.sleep(self._pause)
            with one_of_many(refund.intent_id, findings):
                if refund.state == RefundState.CREATING:
                    await self._refunds.carry_out(refund.id)
                else:
                    await self._refunds.hear(refund.intent_id)
                findings.done["refunds looked at"] += 1
        for refund in await self._database.rows(REFUNDS_THAT_FAILED, {"limit": BATCH}):
            await self._refunds.try_the_rest(refund.id)

    async def _call_for_a_person(self, findings: Findings) -> None:
        for order in await self._database.rows(ORDERS_IN_REVIEW, {"limit": BATCH}):
            findings.for_a_person.append(f"order {order.id} is in REVIEW: its money is not its total")
        for refund in await self._database.rows(REFUNDS_THAT_FAILED, {"limit": BATCH}):
            advice = WHAT_TO_DO.get(refund.failure_code or "", IN_ANOTHER_WAY)
            findings.for_a_person.append(f"refund {refund.id} failed: {advice}")

    async def _move(self, payment_id: UUID, from_state: PaymentState, to_state: PaymentState) -> None:
        parameters = {
            "payment_id": payment_id,
            "from_state": from_state,
            "to_state": to_state,
            "failure_code": None,
            "cause": "reconcile",
        }
        await self._database.rows(MOVE_PAYMENT, parameters)

    async def _pages(self, listing: Listing[T], since: datetime) -> AsyncIterator[tuple[T, ...]]:
        after: str | None = None
        while True:
            await asyncio.sleep(self._pause)
            page = await listing(since, after)
            yield page.items
            after = page.next
            if after is None:
                return


@contextmanager
def one_of_many(intent_id: str, findings: Findings) -> Iterator[None]:
    """What Stripe refuses to tell of one intent holds up no other."""
    try:
        yield
    except Refused as error:
        findings.for_a_person.append(
            f"Stripe has no answer about {intent_id} ({error.code}): is STRIPE_SECRET_KEY of its account?"
        )


async def sweep_once(database: Database, gateway: ClosableGateway, *, livemode: bool) -> Findings:
    """One sweep by hand, with parts of its own that are closed behind it."""
    try:
        inbox = Inbox(database, gateway, None, livemode=livemode)
        return await Sweep(database, gateway, inbox).run()
    finally:
        await gateway.close()
        await database.close()
