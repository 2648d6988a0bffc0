"""Against card testing: declined cards are counted, and after about ten an order's intent is closed for a while.

Counted in PostgreSQL, so it holds across workers and machines. Whoever has the client secret tries cards at Stripe
directly, past this server: only canceling the intent ends that. `createPaymentIntent` then answers RateLimited until
the last ten declines are no longer within an hour. An address from which too many cards were declined waits likewise.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from models.declines.statements import (
    ADD_DECLINES,
    FORGET_OLD_DECLINES,
    NOTE_PAYER,
    PAYMENTS_TO_CLOSE,
    PaymentToClose,
)
from models.payments.statements import MOVE_PAYMENT
from models.payments.tables import PaymentState
from runtime.database.database import Database
from runtime.metrics import COUNTS
from services.identity.refusals import RateLimited
from services.payments.intent_cancellation import CancellationGateway, IntentCancellation

DECLINED = "payment_intent.payment_failed"  # an event's type
CAUSE = "too many declined cards"
KEPT = timedelta(days=1)
MOST_FORGOTTEN_AT_ONCE = 100
CLOSED_AT_ONCE = 5  # intents of one user, by one event
PAYER_FRESH_FOR = timedelta(minutes=10)

DECLINES = Counter("paygraph_card_declines", "Declined attempts to pay, of all orders.", registry=COUNTS)
CLOSED = Counter(
    "paygraph_intents_closed_after_declines",
    "Intents that were canceled since too many cards were declined.",
    registry=COUNTS,
)
REFUSED_ADDRESSES = Counter(
    "paygraph_payments_refused_by_address",
    "createPaymentIntent from an address with too many declined cards.",
    registry=COUNTS,
)

log = structlog.get_logger(__name__)


class Declines:
    def __init__(self, database: Database, gateway: CancellationGateway) -> None:
        self._database = database
        self._cancellation = IntentCancellation(database, gateway)

    async def count(self, intent_id: str, event_ids: Sequence[str]) -> None:
        """Count these events of declines, and close what has too many. Counting an event twice changes nothing.

        Raises a `GatewayError` when Stripe can't be asked to cancel; counting the events again goes on from there.
        """
        added = await self._database.rows(
            ADD_DECLINES, {"intent_id": intent_id, "event_ids": list(event_ids)}
        )
        DECLINES.inc(len(added))
        await self._close_all(await self._database.rows(PAYMENTS_TO_CLOSE, {"intent_id": intent_id}))
        if added:
            await self._database.rows(FORGET_OLD_DECLINES, {"age": KEPT, "most": MOST_FORGOTTEN_AT_ONCE})

    async def _close_all(self, payments: Sequence[PaymentToClose]) -> None:
        """A few at once, since cards are tried meanwhile, and one that can't be closed keeps no other open. Raises what
        kept one open."""
        places = asyncio.Semaphore(CLOSED_AT_ONCE)

        async def close(payment: PaymentToClose) -> None:
            async with places:
                await self._close(payment)

        for problem in await asyncio.gather(*map(close, payments), return_exceptions=True):
            if problem is not None:
                raise problem

    async def _close(self, payment: PaymentToClose) -> None:
        log.warning("intent closed after declines", intent=payment.intent_id, payment=str(payment.id))
        await self._database.rows(
            MOVE_PAYMENT,
            {
                "payment_id": payment.id,
                "from_state": payment.state,
                "to_state": PaymentState.CANCELING,
                "failure_code": None,
                "cause": CAUSE,
            },
        )
        await self._cancellation.cancel(payment.intent_id, cause=CAUSE)
        CLOSED.inc()


class PayerAddresses:
    """From where orders are paid, as far as a trusted proxy says so.

    Stripe's events name no address, so a decline counts for the address that the order's last intent was made for. Many
    honest customers may stand behind one: what was given to them stays payable, and only new intents have to wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, address: str, order_id: UUID, user_id: str | None, *, may_any: bool) -> None:
        """Remember whom an intent is made for; `RateLimited` for an address with too many declines in an hour.

        It writes, so it comes behind the turn at Stripe.
        """
        row = await self._database.row(
            NOTE_PAYER,
            {
                "address": address,
                "payer_order_id": order_id,
                "user_id": user_id,
                "may_any": may_any,
                "fresh_for": PAYER_FRESH_FOR,
                "age": KEPT,
                "most": 2,  # more than one call adds, so that the table does not grow
            },
        )
        if row is not None and row.seconds is not None and row.seconds > 0:
            REFUSED_ADDRESSES.inc()
            log.warning("payment refused to an address", order=str(order_id), seconds=row.seconds)
            raise RateLimited(retry_after=row.seconds)
