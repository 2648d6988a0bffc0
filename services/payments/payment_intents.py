"""createPaymentIntent: a turn → record → call → record → release.

What is one per order is the released secret of a payable intent. A payment is committed before Stripe is
called, no connection is held during the call, and a secret leaves only after a committed statement proved
that the order is pending, the payment is its live one, and its amount is the order's total now.

No row is locked for it: the unique index `payments_one_live_per_order` lets one caller record the payment, and the
payment's lease lets one server at a time call Stripe. What Stripe is sent (models/payments/stripe_parameters.py) is
recorded with the payment, so that a replay is a replay.
"""

from datetime import timedelta
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

import structlog

from models.payments.statements import (
    CLAIM,
    END_LEASE,
    MOVE_PAYMENT,
    OPEN_PAYMENT,
    REPRICE_PAYMENT,
    TAKE_LEASE,
)
from models.payments.tables import PaymentState
from runtime.database.database import Database
from services.orders.refusals import InvalidOrder, OrderNotFound
from services.payments import failpoints
from services.payments.attempt import RECEIPT, SUFFIX, Attempt
from services.payments.call_priority import Turn, on_behalf_of
from services.payments.claims import Claim, LivePayment, claim_from
from services.payments.declines import PayerAddresses
from services.payments.intent_cancellation import IntentCancellation
from services.payments.intents import (
    AccessDenied,
    GatewayError,
    Intent,
    IntentRequest,
    IntentStatus,
    KeyBurnt,
    Refused,
    UnreadableAnswer,
)
from services.payments.order_changes import OrderChanges
from services.payments.recent_ones import RecentOnes
from services.payments.refusals import PaymentInProgress, PaymentProviderUnavailable, refusal_of
from services.payments.settlement import Settlement

DEADLINE = 9.5  # seconds for one createPaymentIntent, waiting and calling included
LEASE = timedelta(seconds=10)  # outlives the call it covers

CAUSE = "createPaymentIntent"
OVER = (IntentStatus.SUCCEEDED, IntentStatus.CANCELED)
AMOUNT_CODES = frozenset({"amount_too_small", "amount_too_large", "invalid_charge_amount"})

log = structlog.get_logger(__name__)


class IntentGateway(Protocol):
    """What this use case needs of Stripe. Each verb ends with an intent or a `GatewayError`."""

    def turn_to_create(self, order_id: UUID) -> Turn: ...
    def turn_to_reprice(self, intent_id: str) -> Turn: ...
    def turn_to_cancel(self, intent_id: str) -> Turn: ...
    async def create_intent(self, request: IntentRequest) -> Intent: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...
    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent: ...
    async def cancel_intent(self, intent_id: str) -> Intent: ...


class _Asked(NamedTuple):
    """An order, and who asks for it: what is remembered of one caller tells another nothing."""

    order_id: UUID
    user_id: str | None
    may_any: bool


class PaymentIntents:
    """Makes an order payable, however often and from however many places it is asked."""

    def __init__(
        self,
        database: Database,
        gateway: IntentGateway,
        *,
        deadline: float = DEADLINE,
        statement_suffix: str | None = None,
    ) -> None:
        """`deadline` is seconds for one call of `create`, waiting for others and calling Stripe included.

        `statement_suffix` stands on card statements behind the account's own prefix.
        """
        self._deadline = deadline
        self._statement_suffix = statement_suffix
        self._database = database
        self._gateway = gateway
        # Asking again reads, and needs no turn to create.
        self._recently_opened: RecentOnes[_Asked] = RecentOnes()
        self._payers = PayerAddresses(database)
        self._settlement = Settlement(database)
        self._cancellation = IntentCancellation(database, gateway)
        self._changes = OrderChanges(database, gateway)

    async def create(
        self, user_id: str | None, order_id: UUID, *, may_any: bool = False, address: str | None = None
    ) -> Intent:
        """The order's one payable intent, client secret included; raises a `Refusal` otherwise.

        The order is this user's; `may_any` is for who holds a checkout token of this very order. `address` is where
        the caller is, if a trusted proxy vouches for it.
        """
        attempt = Attempt(self._deadline)
        asked = _Asked(order_id, user_id, may_any)
        with on_behalf_of(user_id or str(order_id)):
            while True:
                intent = await self._step(asked, attempt, address)
                if intent is not None:
                    self._recently_opened.add(asked)
                    return intent
                if attempt.is_over:
                    raise PaymentInProgress

    async def _step(self, asked: "_Asked", attempt: Attempt, address: str | None) -> Intent | None:
        """One step towards a payable intent; None when the order has to be looked at again.

        The turn comes before the record: a caller who can't be served in time has written nothing, and who finds an
        unanswered payment knows that Stripe was asked for it.
        """
        with self._gateway.turn_to_create(asked.order_id) as turn:
            claim = None
            if self._may_be_there_already(asked, turn):
                claim = await self._claim(asked, attempt, may_record=False)
            if claim is None or claim.wants_new_intent:
                await attempt.wait_for(turn)
                if address is not None:
                    await self._payers.check(address, asked.order_id, asked.user_id, may_any=asked.may_any)
                claim = await self._claim(asked, attempt, may_record=True)
                if claim.wants_new_intent:
                    return await self._ask_for_intent(asked, claim, attempt)
        return await self._advance(claim, attempt)

    def _may_be_there_already(self, asked: "_Asked", turn: Turn) -> bool:
        """Whether looking at the payment first may spare the wait; a crowd that is turned away costs no statement."""
        return not turn.is_here and (asked in self._recently_opened or not turn.is_refused)

    async def _claim(self, asked: "_Asked", attempt: Attempt, *, may_record: bool) -> Claim:
        parameters = {
            "order_id": asked.order_id,
            "user_id": asked.user_id,
            "may_any": asked.may_any,
            "payment_id": uuid4(),
            "lease": LEASE,
            "may_record": may_record,
            "with_receipt": RECEIPT not in attempt.left_out,
            "statement_suffix": None if SUFFIX in attempt.left_out else self._statement_suffix,
        }
        row = await self._database.row(CLAIM, parameters)
        if row is None:
            raise OrderNotFound
        claim = claim_from(row, asked.order_id)
        claim.refuse_unless_payable()
        return claim

    async def _ask_for_intent(self, asked: "_Asked", claim: Claim, attempt: Attempt) -> Intent | None:
        payment = claim.payment
        if payment is None:  # another caller recorded one after our snapshot was taken
            return None
        if claim.recorded:
            intent = await self._make(claim, payment, attempt)
        else:
            intent = await self._take_over(claim, payment, attempt)
        # Also an answer that is not released needs to be read, not made anew.
        self._recently_opened.add(asked)
        return intent

    async def _advance(self, claim: Claim, attempt: Attempt) -> Intent | None:
        """One step with a payment that needs no new intent; None when the order has to be looked at again."""
        payment = claim.payment
        if payment is None or claim.wants_new_intent:
            return None
        if payment.leased:
            await attempt.pause()
        elif payment.state == PaymentState.CANCELING or payment.currency != claim.currency:
            await self._replace(payment, attempt)
        elif payment.order_version != claim.version:
            await self._reprice(claim, payment, attempt)
        else:
            return await self._reuse(claim, payment, attempt)
        return None

    async def _make(self, claim: Claim, payment: LivePayment, attempt: Attempt) -> Intent | None:
        """The new intent, if its secret may leave now; None when the order has to be looked at again."""
        intent = await self._call_for_new_intent(claim, payment, attempt)
        if intent is None:
            return None
        failpoints.reach(failpoints.STRIPE_ANSWERED)
        parameters = {"payment_id": payment.id, "from_state": payment.state, "intent_id": intent.id}
        opened = await self._database.row(OPEN_PAYMENT, {**parameters, "cause": CAUSE})
        failpoints.reach(failpoints.PAYMENT_OPENED)
        # A replayed answer tells how the intent was, not how it is: after a takeover it is read anew.
        if (intent.amount, intent.currency) != (payment.amount, payment.currency):
            log.error("stripe's amount is not what was asked", payment=str(payment.id), intent=intent.id)
            attempt.count_burnt_key()  # read anew, it is canceled and replaced; twice in one call is an outage
            return None
        if not intent.client_secret:
            return None
        return intent if opened and opened.releasable and claim.recorded else None

    async def _call_for_new_intent(
        self, claim: Claim, payment: LivePayment, attempt: Attempt
    ) -> Intent | None:
        failpoints.reach(failpoints.PAYMENT_RECORDED)
        try:
            intent = await attempt.spend_on(self._gateway.create_intent(claim.request_for(payment)))
            if intent.payment_id != payment.id:  # its secret may be another customer's
                raise UnreadableAnswer(f"payment intent: {intent.id} is not the one that was asked for")
            return intent
        except KeyBurnt as error:
            await self._give_up(payment, PaymentState.ABANDONED, error)
            attempt.count_burnt_key()
            return None
        except Refused as error:
            await self._give_up(payment, PaymentState.FAILED, error)
            if error.code in AMOUNT_CODES:
                raise claim.not_chargeable(error) from error
            if attempt.can_leave_out(error.param):
                return None
            raise PaymentProviderUnavailable(retryable=False) from error
        except GatewayError as error:
            log_gateway_error(error, payment)
            await self._end_lease(payment)
            raise refusal_of(error) from error

    async def _give_up(self, payment: LivePayment, state: PaymentState, error: GatewayError) -> None:
        log_gateway_error(error, payment)
        await self._move(payment, state, failure_code=error.code or type(error).__name__)

    async def _move(
        self, payment: LivePayment, to_state: PaymentState, failure_code: str | None = None
    ) -> None:
        parameters = {
            "payment_id": payment.id,
            "from_state": payment.state,
            "to_state": to_state,
            "failure_code": failure_code,
            "cause": CAUSE,
        }
        await self._database.rows(MOVE_PAYMENT, parameters)

    async def _take_over(self, claim: Claim, payment: LivePayment, attempt: Attempt) -> Intent | None:
        """Go on for a caller who is gone."""
        if payment.key_expired:  # its secret never left, so nobody can pay what Stripe may have made
            await self._move(payment, PaymentState.ABANDONED, failure_code="key_expired")
            return None
        return await self._make(claim, payment, attempt) if await self._lease(payment) else None

    async def _lease(self, payment: LivePayment) -> bool:
        """Whether it is ours to call Stripe for: nobody else does, and the payment is as we saw it."""
        parameters = {
            "payment_id": payment.id,
            "from_state": payment.state,
            "seen_version": payment.order_version,
            "lease": LEASE,
        }
        return await self._database.row(TAKE_LEASE, parameters) is not None

    async def _end_lease(self, payment: LivePayment) -> None:
        await self._database.rows(END_LEASE, {"payment_id": payment.id, "from_state": payment.state})

    async def _reuse(self, claim: Claim, payment: LivePayment, attempt: Attempt) -> Intent | None:
        intent = await self._read(payment, attempt)
        if intent.status in OVER:
            await self._settlement.apply(intent, cause=CAUSE)
            return None
        if (intent.amount, intent.currency) == (claim.total, claim.currency):
            if intent.client_secret:
                return intent
            log.error("stripe tells no client secret", payment=str(payment.id), intent=intent.id)
            raise PaymentProviderUnavailable
        if await self._finish_change(claim.order_id):
            return None
        if await self._lease(payment):  # otherwise somebody repriced it while we looked
            log.error("stripe's amount is not ours", payment=str(payment.id), intent=intent.id)
            await self._replace(payment, attempt)
        return None

    async def _finish_change(self, order_id: UUID) -> bool:
        """Whether the amount differs since a change of the order was begun and not finished."""
        try:
            return await self._changes.finish(order_id)
        except InvalidOrder:  # Stripe won't have that total: the order stays as it is
            return True

    async def _read(self, payment: LivePayment, attempt: Attempt) -> Intent:
        try:
            return await attempt.spend_on(self._gateway.retrieve_intent(payment.intent_id))
        except GatewayError as error:
            log_gateway_error(error, payment)
            raise refusal_of(error) from error

    async def _reprice(self, claim: Claim, payment: LivePayment, attempt: Attempt) -> None:
        """Bring the intent to the order's new total. The key names the version: 100 → 120 → 100 are three calls.

        One caller at a time: an older price that arrived after a newer one would stay.
        """
        with self._gateway.turn_to_reprice(payment.intent_id) as turn:
            await attempt.wait_for(turn)
            if not await self._lease(payment):
                return
            try:
                await self._set_amount(claim, payment, attempt)
            except GatewayError as error:
                await self._end_lease(payment)
                await self._not_repriced(claim, payment, error, attempt)
            else:
                await self._record_price(claim, payment)

    async def _set_amount(self, claim: Claim, payment: LivePayment, attempt: Attempt) -> None:
        """Stripe keeps a refusal under its key: once the intent is payable again, another key is needed."""

        async def set_under(key: str) -> None:
            call = self._gateway.reprice_intent(payment.intent_id, claim.total, idempotency_key=key)
            await attempt.spend_on(call)

        key = f"amt:{payment.id}:{claim.version}"
        try:
            await set_under(key)
        except Refused as error:
            if error.code in AMOUNT_CODES:
                raise
            intent = await attempt.spend_on(self._gateway.retrieve_intent(payment.intent_id))
            if not intent.is_payable:
                raise
            if intent.amount != claim.total:
                await set_under(f"{key}:{uuid4()}")

    async def _record_price(self, claim: Claim, payment: LivePayment) -> None:
        parameters = {
            "payment_id": payment.id,
            "from_state": payment.state,
            "amount": claim.total,
            "order_version": claim.version,
            "cause": "order changed",
        }
        await self._database.rows(REPRICE_PAYMENT, parameters)

    async def _not_repriced(
        self, claim: Claim, payment: LivePayment, error: GatewayError, attempt: Attempt
    ) -> None:
        if isinstance(error, Refused) and error.code in AMOUNT_CODES:
            raise claim.not_chargeable(error) from error
        if isinstance(error, Refused):  # the customer confirmed before the new price arrived
            await self._refresh(payment, attempt)
            return
        log_gateway_error(error, payment)
        if not isinstance(error, KeyBurnt):
            raise refusal_of(error) from error
        await self._replace(payment, attempt)

    async def _replace(self, payment: LivePayment, attempt: Attempt) -> None:
        """Cancel the intent at Stripe, and only then let a new payment begin."""
        if payment.state != PaymentState.CANCELING:
            await self._move(payment, PaymentState.CANCELING)
        try:
            intent = await attempt.spend_on(self._cancellation.cancel(payment.intent_id, cause=CAUSE))
        except GatewayError as error:
            log_gateway_error(error, payment)
            raise refusal_of(error) from error
        if intent.status not in OVER:
            raise PaymentInProgress

    async def _refresh(self, payment: LivePayment, attempt: Attempt) -> None:
        intent = await self._read(payment, attempt)
        await self._settlement.apply(intent, cause=CAUSE)
        if intent.status not in OVER:
            raise PaymentInProgress


def log_gateway_error(error: GatewayError, payment: LivePayment) -> None:
    """One line: what an operator needs to find the call in Stripe's dashboard."""
    needs_a_person = isinstance(error, AccessDenied | Refused)
    write = log.error if needs_a_person else log.warning
    write(
        "stripe call failed",
        outcome=type(error).__name__,
        code=error.code,
        said=str(error),
        stripe_request=error.request_id,
        payment=str(payment.id),
    )
