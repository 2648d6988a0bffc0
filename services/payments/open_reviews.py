"""What a person who decides about an order in review is shown before: the outcomes that `resolveReview` carries out."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.payments.tables import Disposition, PaymentState
from models.refunds.sums import LOST, MADE, RESERVED
from models.reviews.tables import ReviewDecision
from services.orders.views import PaymentView, PlacedOrder
from services.payments.refusals import OrderNotInReview, PaymentProviderUnavailable
from services.payments.review_outcomes import (
    GivenBack,
    MoneyInReview,
    money_to_decide_about,
    outcome_of,
)
from services.payments.state_machine import OrderFacts

NOT_SURE = (
    "A refund of this order is on its way to Stripe, which is asked again by itself. Decide when it answered."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a decision would do; `total` is the order's afterwards, `kept` what stays here. `refusal` says why it would
    be refused, in a sentence for a person.
    """

    total: int
    kept: tuple[MoneyInReview, ...]
    given_back: tuple[GivenBack, ...] = ()
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReview:
    """`here` is the money to decide about, oldest first. Amounts of the order are in its `currency`."""

    currency: str
    here: tuple[MoneyInReview, ...]
    accept: Choice
    refund: Choice


def open_review_of(placed: PlacedOrder) -> OpenReview | None:
    """Of an order that was read with its payments, refunds and disputes; None when there is nothing to decide."""
    order = OrderFacts(
        status=placed.status,
        total=placed.total,
        currency=placed.currency,
        refunded_by_hand=placed.refunded_by_hand,
    )
    money = [
        _money_of(payment, payment.disposition)
        for payment in placed.payments
        if payment.state is PaymentState.SUCCEEDED and payment.disposition is not None
    ]
    try:
        here = tuple(money_to_decide_about(order, money))
    except OrderNotInReview:
        return None
    return OpenReview(
        currency=order.currency,
        here=here,
        accept=_choice(ReviewDecision.ACCEPT, order, money, here),
        refund=_choice(ReviewDecision.REFUND, order, money, here),
    )


def _choice(
    decision: ReviewDecision,
    order: OrderFacts,
    money: Sequence[MoneyInReview],
    here: tuple[MoneyInReview, ...],
) -> Choice:
    try:
        outcome = outcome_of(decision, order, money)
    except OrderNotInReview as refusal:
        return Choice(total=order.total, kept=here, refusal=refusal.reason)
    except PaymentProviderUnavailable:
        return Choice(total=order.total, kept=here, refusal=NOT_SURE)
    return Choice(total=outcome.total, kept=outcome.kept, given_back=outcome.given_back)


def _money_of(payment: PaymentView, disposition: Disposition) -> MoneyInReview:
    return MoneyInReview(
        payment_id=payment.id,
        disposition=disposition,
        currency=payment.currency,
        received=payment.amount_received,
        refunded=sum(refund.amount for refund in payment.refunds if refund.state in MADE),
        taken=sum(dispute.amount for dispute in payment.disputes if dispute.status == LOST),
        asked=sum(refund.amount for refund in payment.refunds if refund.state in RESERVED),
        given_up=payment.given_up,
        is_ours=payment.is_ours,
    )
