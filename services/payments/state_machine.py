"""What becomes of a payment and its order when Stripe says how an intent stands. Pure: no database, no Stripe."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.orders.tables import OrderStatus
from models.payments.tables import Disposition, PaymentState
from services.payments.intents import Intent, IntentStatus

_creating, _open, _processing, _canceling = (
    PaymentState.CREATING,
    PaymentState.OPEN,
    PaymentState.PROCESSING,
    PaymentState.CANCELING,
)
_succeeded, _canceled, _failed, _abandoned = (
    PaymentState.SUCCEEDED,
    PaymentState.CANCELED,
    PaymentState.FAILED,
    PaymentState.ABANDONED,
)

# The whole state machine: where a payment goes (rows: where it is) when its intent is found payable, processing,
# succeeded or canceled. `succeeded` and `canceled` absorb, so a stale answer can't take them back; a payment
# that was given up still hears of money that arrived.
# fmt: off
NEXT_STATE: dict[PaymentState, tuple[PaymentState, PaymentState, PaymentState, PaymentState]] = {
    #             payable      processing   succeeded   canceled
    _creating:   (_open,       _processing, _succeeded, _canceled),
    _open:       (_open,       _processing, _succeeded, _canceled),
    _processing: (_open,       _processing, _succeeded, _canceled),
    _canceling:  (_canceling,  _processing, _succeeded, _canceled),
    _failed:     (_failed,     _failed,     _succeeded, _canceled),
    _abandoned:  (_abandoned,  _abandoned,  _succeeded, _canceled),
    _succeeded:  (_succeeded,  _succeeded,  _succeeded, _succeeded),
    _canceled:   (_canceled,   _canceled,   _canceled,  _canceled),
}
# fmt: on

_COLUMN = {
    IntentStatus.REQUIRES_PAYMENT_METHOD: 0,
    IntentStatus.REQUIRES_CONFIRMATION: 0,
    IntentStatus.REQUIRES_ACTION: 0,
    IntentStatus.REQUIRES_CAPTURE: 1,
    IntentStatus.PROCESSING: 1,
    IntentStatus.SUCCEEDED: 2,
    IntentStatus.CANCELED: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order under its lock. `total` is in minor units of `currency`; so is `settled`, what is still here of the
    payment that settled it before. `refunded_by_hand`: its status says that money went back which is here.
    `has_cancel_reason`: when it was canceled, no money was here. `is_rejected`: a person decided last that its money
    goes back.
    """

    status: OrderStatus
    total: int
    currency: str
    settled: int = 0
    refunded_by_hand: bool = False
    has_cancel_reason: bool = False
    is_rejected: bool = False

    @property
    def was_closed_by_hand(self) -> bool:
        """Somebody set it so although its money is here. Such an order stays as it is beside its case: news of its
        money must not make it PAID, and handed over.
        """
        return self.status is OrderStatus.CANCELED or self.refunded_by_hand

    @property
    def is_in_order(self) -> bool:
        """Whether settled money has its place: not when somebody set the status to another one by hand."""
        return not self.was_closed_by_hand and self.status not in (OrderStatus.REVIEW, OrderStatus.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to write: the payment's state and disposition, and the order's status."""

    state: PaymentState
    disposition: Disposition | None
    order_status: OrderStatus


def state_of(intent: Intent) -> PaymentState:
    """The state of a payment whose intent is like this, and about which we know nothing else."""
    return NEXT_STATE[PaymentState.OPEN][_COLUMN[intent.status]]


def decide_transition(state: PaymentState, order: OrderFacts, intent: Intent) -> Verdict:
    """What becomes of a payment now that Stripe has spoken. (Its first answer opens it: `OPEN_PAYMENT`.)"""
    new_state = NEXT_STATE[state][_COLUMN[intent.status]]
    if new_state is not PaymentState.SUCCEEDED or state is PaymentState.SUCCEEDED:
        return Verdict(state=new_state, disposition=None, order_status=order.status)
    disposition = disposition_of(order, intent)
    return Verdict(
        state=new_state, disposition=disposition, order_status=status_after(disposition, order.status)
    )


def disposition_of(order: OrderFacts, intent: Intent) -> Disposition:
    """What money that arrived is to its order."""
    if order.status is OrderStatus.CANCELED:
        return Disposition.LATE
    if order.settled or order.status in (
        OrderStatus.PAID,
        OrderStatus.PARTIALLY_REFUNDED,
        OrderStatus.REFUNDED,
    ):
        return Disposition.DUPLICATE
    exact = (intent.amount_received, intent.currency) == (order.total, order.currency)
    if exact and order.status is OrderStatus.PENDING:
        return Disposition.SETTLED
    return Disposition.MISMATCH


def status_after(disposition: Disposition, status: OrderStatus) -> OrderStatus:
    if disposition is Disposition.SETTLED:
        return OrderStatus.PAID
    return OrderStatus.REVIEW if disposition is Disposition.MISMATCH else status


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a succeeded payment brought, minor units: `refunded` went back, `taken` was lost in disputes, `given_up`
    went back in another way, by a person's word.
    """

    payment_id: UUID
    disposition: Disposition
    currency: str
    received: int
    refunded: int
    taken: int
    given_up: int

    @property
    def not_refunded(self) -> int:
        return self.received - self.refunded

    @property
    def here(self) -> int:
        """What neither went back nor was taken. (A bank may take what was given back before.)"""
        return max(0, self.not_refunded - self.taken)

    @property
    def left(self) -> int:
        """What of it went back in no way at all."""
        return max(0, self.here - self.given_up)

    @property
    def is_waiting(self) -> bool:
        """Neither settled nor returned: a person decides."""
        return self.disposition is Disposition.MISMATCH and self.left > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVerdict:
    """What becomes of an order. `settles` is a payment that settles it from now on, `unsettles` one that doesn't any
    more.
    """

    status: OrderStatus
    settles: UUID | None = None
    unsettles: UUID | None = None


def decide_order(order: OrderFacts, money: Sequence[Money]) -> OrderVerdict:
    """An order's status by its money: PAID only while the settled money that was not given back equals the total.

    It becomes PAID only by money of which a bank took nothing, and not by what a person gives back.
    """
    if order.status is OrderStatus.PENDING and not any(m.left for m in money):
        return OrderVerdict(status=order.status)  # reopened after its money was gone, to be paid again
    settled = next((m for m in money if _settles(m, order)), None)
    if settled is not None and order.status is OrderStatus.PENDING:
        return OrderVerdict(status=order.status)  # set back by hand, or its refund failed: a case tells of it
    if settled is not None:
        status = _status_of_settled(settled, order)
        if status is OrderStatus.REVIEW:
            return OrderVerdict(status=_left_to_a_person(order), unsettles=settled.payment_id)
        return OrderVerdict(status=order.status if order.was_closed_by_hand else status)
    waiting = [m for m in money if m.is_waiting]
    if waiting:
        [first, *others] = waiting
        is_the_total = (first.not_refunded, first.taken, first.currency) == (order.total, 0, order.currency)
        if is_the_total and not others and not order.was_closed_by_hand and not order.is_rejected:
            return OrderVerdict(status=OrderStatus.PAID, settles=first.payment_id)
        return OrderVerdict(status=_left_to_a_person(order))
    was_canceled_without = order.status is OrderStatus.CANCELED and order.has_cancel_reason
    if (
        any(m.disposition in (Disposition.SETTLED, Disposition.MISMATCH) for m in money)
        and not was_canceled_without
    ):
        return OrderVerdict(status=OrderStatus.REFUNDED)
    return OrderVerdict(status=order.status)


def _settles(money: Money, order: OrderFacts) -> bool:
    """A paid order stays so when a bank takes its money; another one does not become so by what is gone."""
    return (
        money.disposition is Disposition.SETTLED
        and (money.not_refunded if order.is_in_order else money.here) > 0
    )


def _left_to_a_person(order: OrderFacts) -> OrderStatus:
    """In REVIEW the next news of its money might make it PAID."""
    return order.status if order.was_closed_by_hand else OrderStatus.REVIEW


def _status_of_settled(money: Money, order: OrderFacts) -> OrderStatus:
    if money.currency != order.currency:  # somebody changed it by SQL
        return OrderStatus.REVIEW
    if money.not_refunded == order.total:
        return OrderStatus.PAID if order.is_in_order or not money.taken else OrderStatus.REVIEW
    if money.not_refunded < order.total and money.refunded > 0:
        return OrderStatus.PARTIALLY_REFUNDED
    return OrderStatus.REVIEW
