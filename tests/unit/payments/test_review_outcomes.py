"""What a decision about a review would do, as a function of the order and its money."""

from uuid import uuid4

import pytest

from models.orders.tables import OrderStatus
from models.payments.tables import Disposition
from models.reviews.tables import ReviewDecision
from services.payments.refusals import OrderNotInReview
from services.payments.review_outcomes import MoneyInReview, outcome_of
from services.payments.state_machine import OrderFacts


def order(status: OrderStatus = OrderStatus.REVIEW, *, currency: str = "USD") -> OrderFacts:
    return OrderFacts(status=status, total=1_000, currency=currency)


def money(
    received: int,
    disposition: Disposition = Disposition.MISMATCH,
    *,
    currency: str = "USD",
    refunded: int = 0,
    taken: int = 0,
    given_up: int = 0,
) -> MoneyInReview:
    return MoneyInReview(
        payment_id=uuid4(),
        disposition=disposition,
        currency=currency,
        received=received,
        refunded=refunded,
        taken=taken,
        asked=refunded,
        given_up=given_up,
        is_ours=True,
    )


def test_of_a_paid_order_only_what_waits_goes_back() -> None:
    settled, waiting = money(1_000, Disposition.SETTLED), money(700)
    outcome = outcome_of(ReviewDecision.REFUND, order(OrderStatus.PAID), [settled, waiting])
    assert [(each.payment_id, each.amount) for each in outcome.given_back] == [(waiting.payment_id, 700)]
    assert (outcome.kept, outcome.total, outcome.accepted) == ((settled,), 1_000, None)


def test_the_payment_closest_to_the_total_is_accepted_and_all_others_go_back() -> None:
    far, near, foreign = money(1_300), money(1_100), money(1_000, currency="EUR")
    outcome = outcome_of(ReviewDecision.ACCEPT, order(), [far, near, foreign])
    assert (outcome.accepted, outcome.total, outcome.kept) == (near.payment_id, 1_100, (near,))
    assert [(each.amount, each.currency) for each in outcome.given_back] == [(1_300, "USD"), (1_000, "EUR")]


@pytest.mark.parametrize("disposition", [Disposition.LATE, Disposition.DUPLICATE])
def test_money_that_goes_back_by_itself_is_in_no_decision(disposition: Disposition) -> None:
    outcome = outcome_of(ReviewDecision.REFUND, order(), [money(1_000, disposition), money(700)])
    assert [each.amount for each in outcome.given_back] == [700]


def test_what_a_bank_took_counts_as_received_and_does_not_go_back() -> None:
    taken = [money(1_000, taken=300, refunded=200)]
    assert outcome_of(ReviewDecision.ACCEPT, order(), taken).total == 800
    assert [each.amount for each in outcome_of(ReviewDecision.REFUND, order(), taken).given_back] == [500]


@pytest.mark.parametrize("decision", ReviewDecision)
@pytest.mark.parametrize("taken", [0, 1_000])
def test_without_money_there_is_nothing_to_decide(decision: ReviewDecision, taken: int) -> None:
    gone = [money(1_000, taken=taken)] if taken else []
    with pytest.raises(OrderNotInReview):
        outcome_of(decision, order(), gone)


def test_a_refund_is_of_an_amount_that_stripe_takes() -> None:
    dinars = [money(1_235, currency="KWD")]
    outcome = outcome_of(ReviewDecision.REFUND, order(currency="KWD"), dinars)
    assert [each.amount for each in outcome.given_back] == [1_230]


def test_what_went_back_in_another_way_goes_back_no_second_time() -> None:
    waiting = [money(1_300, given_up=300), money(500, given_up=500)]

    outcome = outcome_of(ReviewDecision.REFUND, order(), waiting)

    assert [each.amount for each in outcome.given_back] == [1_000]
