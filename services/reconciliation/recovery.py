"""Intents that Stripe has and we did not expect: of lost answers, of given-up payments, of a restored backup."""

from collections.abc import Sequence
from itertools import product
from typing import Protocol
from uuid import uuid4

import structlog

from models.attention.tables import AttentionKind, AttentionSubject
from models.currencies.currencies import to_decimal_string
from models.payments.tables import GIVEN_UP, PaymentState
from models.reconciliation.statements import PAYMENTS_OF_INTENTS, RECOVER_PAYMENT
from runtime.database.database import Database
from services.payments.attention import Case, close_case, open_case
from services.payments.disputes import DisputeGateway, Disputes
from services.payments.intent_cancellation import CancellationGateway, IntentCancellation
from services.payments.intents import (
    GatewayError,
    Intent,
    IntentMarks,
    IntentSeen,
    IntentStatus,
    PermissionMissing,
)
from services.payments.refunds import RefundGateway, Refunds
from services.payments.settlement import Settlement
from services.payments.state_machine import state_of
from services.reconciliation.ownership import Ownership

log = structlog.get_logger(__name__)


class RecoveryGateway(CancellationGateway, RefundGateway, DisputeGateway, Protocol):
    """What is asked of Stripe for a payment that we don't have."""


class NotHeard(GatewayError):
    """An intent is in its place, and what became of its money afterwards is not known."""


class Recovery:
    def __init__(self, database: Database, gateway: RecoveryGateway) -> None:
        self._database = database
        self._cancellation = IntentCancellation(database, gateway)
        self._settlement = Settlement(database)
        self._refunds = Refunds(database, gateway)
        self._disputes = Disputes(database, gateway)
        self._ownership = Ownership(database)

    async def unexpected(self, seen: Sequence[IntentSeen]) -> tuple[list[Intent], list[IntentSeen]]:
        """Those of ours that are not as our payments say or belong to no payment, and those that can't be read."""
        states = await self._ownership.states([(each.id, each.marks) for each in seen])
        ours = [each for each in seen if each.id in states]
        unexpected = [
            each.intent
            for each in ours
            if each.intent is not None and states[each.id] not in expected_states(each.intent)
        ]
        return unexpected, [each for each in ours if each.intent is None]

    async def is_ours(self, intent: Intent) -> bool:
        marks = IntentMarks(
            installation_id=intent.installation_id, payment_id=intent.payment_id, order_id=intent.order_id
        )
        return await self._ownership.is_ours(intent.id, marks)

    async def recover(self, intent: Intent, *, cause: str = "reconcile") -> str:
        """What was done, for an intent of ours. Money without an order opens a case.

        It may be repeated, and has to be when it raises: only then are its refunds and disputes known, whose events
        may have come when no payment had this intent.
        """
        known = await self._settlement.apply(intent, cause=cause)
        if not known and not await self._recover(intent):
            return await self._orphan(intent)
        if intent.status is IntentStatus.SUCCEEDED:
            await self._refresh_what_followed(intent.id)
        if await self.close_if_given_up(intent):
            return "unknown intents canceled"
        return "payments brought up to date"

    async def _refresh_what_followed(self, intent_id: str) -> None:
        try:
            await self._refunds.refresh(intent_id)
            await self._disputes.refresh(intent_id)
        except PermissionMissing as error:  # told already; the payments of others are put in their places
            raise NotHeard(f"its refunds or disputes may not be read: {error}") from error

    async def _recover(self, intent: Intent) -> bool:
        """Whether its order is here, and has a payment with this intent now.

        The same may be under way elsewhere, for another event about the intent: then it is known by now.
        """
        # It lives where none does, so that its order gets no second one while money is under way.
        is_under_way = state_of(intent) is PaymentState.PROCESSING
        states = (
            (PaymentState.PROCESSING, PaymentState.ABANDONED) if is_under_way else (PaymentState.ABANDONED,)
        )
        # The payment of a twin has an intent already.
        for state, payment_id in product(states, (intent.payment_id or uuid4(), uuid4())):
            parameters = {
                "payment_id": payment_id,
                "order_id": intent.order_id,
                "state": state,
                "intent_id": intent.id,
                "amount": intent.amount,
                "currency": intent.currency,
            }
            if await self._database.row(RECOVER_PAYMENT, parameters):
                log.warning("payment recovered", intent=intent.id, order=str(intent.order_id), state=state)
                break
        return await self._settlement.apply(intent, cause="reconcile")

    async def _orphan(self, intent: Intent) -> str:
        if intent.is_payable:
            intent = await self._cancellation.cancel(intent.id, cause="reconcile")
        if intent.status is IntentStatus.CANCELED:
            await close_case(self._database, AttentionKind.MONEY_WITHOUT_ORDER, intent.id)
            return "intents without an order canceled"
        # Also money under way is told: nothing of ours would look at it again, until its order is brought back.
        await open_case(self._database, money_without_order(intent))
        return "intents without an order seen"

    async def close_if_given_up(self, intent: Intent) -> bool:
        """A given-up payment's intent must not stay payable; its secret never left, or can't be known to."""
        if not intent.is_payable:
            return False
        rows = await self._database.rows(
            PAYMENTS_OF_INTENTS,
            {
                "intent_ids": [intent.id],
                "payment_ids": [intent.payment_id] if intent.payment_id else [],
            },
        )
        states = {row.state for row in rows if row.intent_id == intent.id or row.id == intent.payment_id}
        if not states & {*GIVEN_UP}:
            return False
        await self._cancellation.cancel(intent.id, cause="reconcile")
        return True


def money_without_order(intent: Intent) -> Case:
    has_arrived = intent.status is IntentStatus.SUCCEEDED
    amount = intent.amount_received if has_arrived else intent.amount
    money = f"{to_decimal_string(amount, intent.currency)} {intent.currency}"
    happened = "arrived" if has_arrived else "is under way"
    return Case(
        kind=AttentionKind.MONEY_WITHOUT_ORDER,
        subject=AttentionSubject.PAYMENT,
        subject_id=intent.id,
        missing_order_id=intent.order_id,
        message=(
            f"{money} {happened} with {intent.id} for order {intent.order_id}, which is not in this database: most "
            "likely an older backup was restored. Bring the order back under its id, from a newer backup or the shop's "
            "own system: this case then closes by itself. Or refund the payment in Stripe's dashboard, and close this "
            "case with a note."
        ),
    )


def expected_states(intent: Intent) -> tuple[str, ...]:
    """The states of a payment that say the same as the intent."""
    state = state_of(intent)
    return (state, PaymentState.CANCELING) if intent.is_payable else (state,)
