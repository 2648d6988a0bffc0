"""Deliberate bugs in what a person said of money, and in what of other money is told beside it."""

from tests.proof.mutants.files import BESIDE, LOST_REPRICING, OUTCOMES, REJECTED, WORD
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "all that is left given back where less is owed",
        (
            Change(
                "models/refunds/attempts.py",
                "_rest = func.least(left_to_give_back(Payment), col(Payment.owed))",
                "_rest = left_to_give_back(Payment)",
            ),
        ),
        (f"{WORD}::test_what_failed_after_a_persons_word_brings_back_no_more_than_that",),
    ),
    Mutant(
        "a rest that is given back while a person says that it went back",
        (
            Change(
                "services/payments/refunds.py",
                "        await self.refresh(payment.intent_id)  #",
                "        #",
            ),
            Change(
                "services/payments/refunds.py",
                '            await transaction.rows(LOCK_ORDER, {"order_id": payment.order_id})\n'
                "            return await transaction.row(TRY_THE_REST",
                "            return await transaction.row(TRY_THE_REST",
            ),
        ),
        (f"{WORD}::test_a_persons_word_at_the_same_moment_stops_the_rest",),
    ),
    Mutant(
        "a refund given up that Stripe may still make",
        (Change("models/refunds/attempts.py", "        ~_may_be_made,\n", ""),),
        (f"{WORD}::test_a_refund_that_was_given_up_and_is_made_all_the_same_is_told",),
    ),
    Mutant(
        "a refund given up and made all the same that nobody is told of",
        (
            Change(
                "services/payments/refund_records.py",
                "    elif known.state in ENDED:",
                "    elif known.state not in (*ENDED, known.state):",
            ),
        ),
        (f"{WORD}::test_a_refund_that_was_given_up_and_is_made_all_the_same_is_told",),
    ),
    Mutant(
        "a refund that is made beside the dashboard's for it",
        (
            Change(
                "services/payments/refunds.py",
                "if refund.was_told and await",
                "if not refund.id and await",
            ),
        ),
        (f"{WORD}::test_a_refund_by_dashboard_instead_of_a_forbidden_one_is_not_followed_by_it",),
    ),
    Mutant(
        "a word about a case that the facts closed stops its refund",
        (
            Change(
                "services/reconciliation/attention_cases.py",
                "return is_open and case.kind",
                "return case.kind",
            ),
        ),
        (f"{WORD}::test_closing_a_case_that_the_facts_closed_stops_no_refund",),
    ),
    Mutant(
        "a decision that gives back what went back in another way",
        (
            Change(
                "services/payments/review_outcomes.py",
                "rest = money.left",
                "rest = money.here",
            ),
        ),
        (f"{OUTCOMES}::test_what_went_back_in_another_way_goes_back_no_second_time",),
    ),
    Mutant(
        "money owed that a person accepted",
        (
            Change(
                "models/migrations/versions/0036_debts_of_payments.py",
                "decision = 'accept' AND disposition NOT IN",
                "false AND disposition NOT IN",
            ),
        ),
        (f"{WORD}::test_what_a_person_accepts_is_not_told_as_owed",),
    ),
    Mutant(
        "money called missing that a bank gave to the customer",
        (Change("models/attention/facts.py", "    taken_by_banks(Payment.id) > 0,\n", ""),),
        (f"{BESIDE}::test_what_a_bank_took_for_a_failed_refund_is_owed_no_more",),
    ),
    Mutant(
        "money called missing that was asked for again before its failure was heard of",
        (
            Change(
                "models/attention/facts.py",
                "col(_later.created_at).between(col(Refund.created_at), col(Refund.updated_at))",
                "col(_later.created_at) == col(Refund.updated_at)",
            ),
        ),
        (f"{BESIDE}::test_a_refund_that_was_asked_for_again_before_its_failure_was_heard_of_is_not_owed",),
    ),
    Mutant(
        "an inquiry that ends as a lost dispute, told to nobody",
        (Change("services/payments/disputes.py", "before is None or is_inquiry(before)", "before is None"),),
        (f"{BESIDE}::test_an_inquiry_that_is_heard_of_next_as_a_lost_dispute_is_told",),
    ),
    Mutant(
        "an order that was set back is paid by a refund that fails",
        (
            Change(
                "services/payments/state_machine.py",
                "    if settled is not None and order.status is OrderStatus.PENDING:",
                "    if settled is not None and not order.status:",
            ),
        ),
        (f"{BESIDE}::test_a_refund_that_fails_after_its_order_was_reopened_does_not_pay_it",),
    ),
    Mutant(
        "a decision about money that went back, held against the next payment",
        (
            Change(
                "models/payments/settlement_statements.py",
                "            col(PaymentTransition.at) > col(Review.decided_at),",
                "            col(PaymentTransition.at) < col(PaymentTransition.at),",
            ),
        ),
        (f"{BESIDE}::test_a_decision_about_money_that_went_back_says_nothing_of_the_next_payment",),
    ),
    Mutant(
        "a decision that ends with anybody's next payment",
        (
            Change(
                "models/payments/settlement_statements.py",
                "            col(_paid_later.order_id) == col(Review.order_id),\n",
                "",
            ),
        ),
        (f"{REJECTED}::test_what_others_pay_changes_no_decision_about_an_order",),
    ),
    Mutant(
        "two refunds that give way to one of the dashboard's",
        (
            Change(
                "services/payments/refunds.py",
                "            await transaction.rows(FAIL_REFUND, why)\n            return True",
                "            return bool(why)",
            ),
        ),
        (f"{WORD}::test_one_refund_by_dashboard_stands_for_one_of_ours",),
    ),
    Mutant(
        "a duplicate that failed to go back, owed no more once other money is accepted",
        (
            Change(
                "models/migrations/versions/0036_debts_of_payments.py",
                " AND disposition NOT IN ('duplicate', 'late')",
                "",
            ),
        ),
        (f"{WORD}::test_a_duplicate_that_failed_to_go_back_is_owed_whatever_is_accepted",),
    ),
    Mutant(
        "an order that waits for money which went back by a person's word",
        (
            Change(
                "services/payments/state_machine.py",
                "return self.disposition is Disposition.MISMATCH and self.left > 0",
                "return self.disposition is Disposition.MISMATCH and self.here > 0",
            ),
        ),
        (f"{WORD}::test_a_review_gives_back_without_what_went_back_in_another_way",),
    ),
    Mutant(
        "an order that a person's word leaves in review",
        (
            Change(
                "services/reconciliation/attention_cases.py",
                "            if stops and case.order_id is not None and",
                "            if stops and case.order_id is None and",
            ),
        ),
        (f"{WORD}::test_an_order_whose_money_went_back_in_another_way_is_refunded",),
    ),
    Mutant(
        "a word of ours that counts as set by hand",
        (
            Change(
                "services/payments/order_money.py",
                "        if verdict.status is OrderStatus.REFUNDED:\n",
                "        if not verdict.status:\n",
            ),
        ),
        (f"{WORD}::test_an_order_whose_money_went_back_in_another_way_is_refunded",),
    ),
    Mutant(
        "a change that trusts an amount which a lost repricing may have changed",
        (Change("services/payments/order_changes.py", "payment.order_version == order.version and ", ""),),
        (f"{LOST_REPRICING}::test_a_change_back_after_a_lost_repricing_by_another_ask",),
    ),
)
