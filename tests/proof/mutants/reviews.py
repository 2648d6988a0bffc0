"""Deliberate bugs about what a person decided, and what a bank took."""

from tests.proof.mutants.files import COME_BACK, REJECTED
from tests.proof.mutants.mutant import Change, Mutant

FACTS = "models/attention/dispute_facts.py"
STATES = "services/payments/state_machine.py"

MUTANTS = (
    Mutant(
        "the second of two payments that go back pays the order",
        (Change(STATES, " and not order.is_rejected:\n", ":\n"),),
        (f"{REJECTED}::test_what_is_given_back_of_two_payments_leaves_none_that_pays_the_order",),
    ),
    Mutant(
        "money on its way back settles its order",
        (
            Change(
                "services/payments/reviews.py",
                "        await set_disposition(transaction, each.payment_id, Disposition.MISMATCH, cause=CAUSE)\n",
                "",
            ),
        ),
        (
            f"{REJECTED}::test_what_is_given_back_of_an_order_that_was_set_to_another_status_does_not_pay_it"
            "_on_its_way",
        ),
    ),
    Mutant(
        "what a bank took counts towards the total",
        (
            Change(
                STATES,
                "(first.not_refunded, first.taken, first.currency) == (order.total, 0, order.currency)",
                "(first.not_refunded, 0, first.currency) == (order.total, 0, order.currency)",
            ),
        ),
        (f"{REJECTED}::test_what_is_left_after_a_bank_took_its_part_is_not_the_total_because_what_came_was",),
    ),
    Mutant(
        "a payment that a bank took pays the order again",
        (
            Change(
                STATES,
                "(money.not_refunded if order.is_in_order else money.here) > 0",
                "money.not_refunded > 0",
            ),
            Change(STATES, "if order.is_in_order or not money.taken else OrderStatus.REVIEW", ""),
        ),
        (f"{REJECTED}::test_news_of_another_payment_pays_no_order_with_what_a_bank_took",),
    ),
    Mutant(
        "an inquiry that becomes a dispute is told as the inquiry was",
        (Change(FACTS, 'col(Dispute.id) + "/inquiry"', "col(Dispute.id)"),),
        (f"{COME_BACK}::test_an_inquiry_that_becomes_a_dispute_calls_again",),
    ),
    Mutant(
        "a closed inquiry stays closed whatever the bank does",
        (
            Change(
                "models/refunds/statements.py",
                "and_(_is_closed_inquiry, ~_is_inquiry",
                "and_(col(Dispute.status).is_(None)",
            ),
        ),
        (f"{COME_BACK}::test_an_inquiry_that_becomes_a_dispute_calls_again",),
    ),
    Mutant(
        "a dispute that is lost at once is told to nobody",
        (Change(FACTS, "        _first_heard_of,\n", ""),),
        (f"{COME_BACK}::test_a_dispute_that_was_lost_when_it_was_first_heard_of_waits_for_a_person",),
    ),
    Mutant(
        "money that is won back is told to nobody",
        (Change("services/payments/disputes.py", "    elif before == LOST:\n", "    elif False:\n"),),
        (f"{COME_BACK}::test_money_that_is_won_back_after_its_order_went_on_without_it_waits_for_a_person",),
    ),
    Mutant(
        "a person's word about one review counts for the next",
        (
            Change(
                "services/payments/attention.py",
                "        await self._database.rows(REVIEWS_THAT_ENDED)\n",
                "",
            ),
        ),
        (f"{COME_BACK}::test_what_a_person_said_of_a_review_says_nothing_of_the_next_one",),
    ),
)
