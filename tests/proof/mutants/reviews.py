"""Deliberate bugs about what a person decided, and what a bank took."""

from tests.proof.mutants.files import REJECTED
from tests.proof.mutants.mutant import Change, Mutant

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
                "            await set_disposition(transaction, each.payment_id, Disposition.MISMATCH, cause=CAUSE)\n",
                "            pass\n",
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
                "(first.kept, first.taken, first.currency) == (order.total, 0, order.currency)",
                "(first.kept, 0, first.currency) == (order.total, 0, order.currency)",
            ),
        ),
        (f"{REJECTED}::test_what_is_left_after_a_bank_took_its_part_is_not_the_total_because_what_came_was",),
    ),
    Mutant(
        "a payment that a bank took pays the order again",
        (
            Change(STATES, "(money.kept if order.is_in_order else money.here) > 0", "money.kept > 0"),
            Change(STATES, "if order.is_in_order or not money.taken else OrderStatus.REVIEW", ""),
        ),
        (f"{REJECTED}::test_news_of_another_payment_pays_no_order_with_what_a_bank_took",),
    ),
)
