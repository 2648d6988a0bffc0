"""What each decision about an order in review would do. Pure: no database, no Stripe.

`resolveReview` carries out what stands here, and `Order.openReview` shows it to the person who decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.base import LARGEST_AMOUNT
from models.currencies.currencies import in_whole_steps
from models.payments.tables import Disposition
from models.reviews.tables import ReviewDecision
from services.payments.refusals import RECEIVED_ELSEWHERE, OrderNotInReview, PaymentProviderUnavailable
from services.payments.state_machine import Money, OrderFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyInReview(Money):
    """`asked` is what refunds asked for, those included that wait for Stripe's answer. `is_ours`: it was recorded
    here, and not in the database that this one is a copy of.
    """

    asked: int
    is_ours: bool

    @property
    def is_decidable(self) -> bool:
        """It is here, by a person's word too, and neither late nor a duplicate, which go back by themselves."""
        return self.left > 0 and self.disposition in (Disposition.MISMATCH, Disposition.SETTLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """A refund of a payment: minor units of `currency`."""

    payment_id: UUID
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`total` is what the order's becomes, `accepted` the payment that settles it then; `kept` is what stays here."""

    total: int
    given_back: tuple[GivenBack, ...]
    kept: tuple[MoneyInReview, ...]
    accepted: UUID | None = None


def money_to_decide_about(order: OrderFacts, money: Sequence[MoneyInReview]) -> list[MoneyInReview]:
    """Raises `OrderNotInReview` when there is none."""
    if order.is_in_order and not any(m.is_waiting for m in money):
        raise OrderNotInReview(order.status)
    here = [m for m in money if m.is_decidable]
    if not here:
        raise OrderNotInReview(order.status, "No money of this order is here.")
    return here


def outcome_of(decision: ReviewDecision, order: OrderFacts, money: Sequence[MoneyInReview]) -> Outcome:
    """Raises `OrderNotInReview`, or `PaymentProviderUnavailable` while a refund waits for Stripe's answer: what is
    here is not known then.
    """
    here = money_to_decide_about(order, money)
    if any(m.asked != m.refunded for m in here):
        raise PaymentProviderUnavailable
    decide = _accept if decision is ReviewDecision.ACCEPT else _give_back
    outcome = decide(order, here)
    # In a copied database nothing is given back that the original received; keeping it is only a row here.
    if outcome.given_back and not all(m.is_ours for m in here):
        raise OrderNotInReview(order.status, RECEIVED_ELSEWHERE)
    return outcome


def _accept(order: OrderFacts, here: Sequence[MoneyInReview]) -> Outcome:
    """The payment that comes closest to the total settles it; what else is here goes back as a duplicate."""
    of_its_currency = [m for m in here if m.currency == order.currency]
    if not of_its_currency:
        raise OrderNotInReview(order.status, "The money is of another currency: it can only be refunded.")
    accepted = min(of_its_currency, key=lambda m: abs(m.not_refunded - order.total))
    if abs(accepted.not_refunded - order.total) > LARGEST_AMOUNT:
        raise OrderNotInReview(order.status, "The total is too far from what was received.")
    return Outcome(
        total=accepted.not_refunded,
        given_back=tuple(_refund_of(m) for m in here if m is not accepted),
        kept=(accepted,),
        accepted=accepted.payment_id,
    )


def _give_back(order: OrderFacts, here: Sequence[MoneyInReview]) -> Outcome:
    """All that is here, but what settled an order that is in order."""
    kept = tuple(m for m in here if order.is_in_order and not m.is_waiting)
    return Outcome(
        total=order.total, given_back=tuple(_refund_of(m) for m in here if m not in kept), kept=kept
    )


def _refund_of(money: MoneyInReview) -> GivenBack:
    """As much as Stripe takes; of a rest that is less than that, Stripe has the last word."""
    rest = money.left
    amount = in_whole_steps(rest, money.currency) or rest
    return GivenBack(payment_id=money.payment_id, amount=amount, currency=money.currency)
