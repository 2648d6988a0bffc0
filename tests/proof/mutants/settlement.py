"""Deliberate bugs in deciding what money settles."""

from tests.proof.mutants.files import CANCEL, OPEN_REVIEW, OUTCOMES, RACES, TRUE_REFUNDS, WEBHOOKS
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "no look at the amount at settlement",
        (
            Change(
                "services/payments/state_machine.py",
                "exact = (intent.amount_received, intent.currency) == (order.total, order.currency)",
                "exact = True",
            ),
        ),
        (f"{WEBHOOKS}::test_money_of_another_amount_sends_the_order_to_review",),
    ),
    Mutant(
        "a success that a stale answer takes back",
        (
            Change(
                "services/payments/state_machine.py",
                "_succeeded:  (_succeeded,  _succeeded,  _succeeded, _succeeded),",
                "_succeeded: (_open, _processing, _succeeded, _canceled),",
            ),
            Change(
                "models/migrations/versions/0001_the_first_tables.py",
                "RAISE EXCEPTION 'payment % is %, which never changes', OLD.id, OLD.state\n"
                "        USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_terminal_states_absorb';",
                "RETURN NEW;",
            ),
        ),
        (f"{RACES}::test_a_stale_answer_does_not_take_a_success_back",),
    ),
    Mutant(
        "money that nobody is owed kept",
        (
            Change(
                "models/payments/tables.py",
                "GOES_BACK = (Disposition.DUPLICATE, Disposition.LATE)",
                "GOES_BACK: tuple[Disposition, ...] = ()",
            ),
        ),
        (f"{CANCEL}::test_money_that_arrives_after_the_cancel_is_refunded_once",),
    ),
    Mutant(
        "an order read before its lock",
        (
            Change(
                "models/payments/settlement_statements.py",
                "        col(Order.refunded_by_hand),\n    )\n    .where(_this_order)\n    .with_for_update(),",
                "        col(Order.refunded_by_hand)).where(_this_order),",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_sql_that_is_not_committed_while_a_payment_settles_counts",),
    ),
    Mutant(
        "a total taken in the statement that waits for the lock",
        (
            Change(
                "models/payments/settlement_statements.py",
                "        col(Order.refunded_by_hand),\n    )\n    .where(_this_order)\n    .with_for_update(),",
                '        col(Order.refunded_by_hand), order_total.label("total"))'
                ".where(_this_order).with_for_update(of=Order),",
            ),
            Change(
                "models/payments/settlement_statements.py",
                "    refunded_by_hand: bool\n\n\n# Each locks",
                "    refunded_by_hand: bool\n    total: int\n\n\n# Each locks",
            ),
            Change(
                "services/payments/order_money.py",
                "        total=worth.total,\n",
                "        total=locked.total,\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_sql_that_is_not_committed_while_a_payment_settles_counts",),
    ),
    Mutant(
        "an intent written over another",
        (
            Change(
                "services/payments/settlement.py",
                "if payment.intent_id not in (None, intent.id):",
                "if False:",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_an_intent_is_not_written_over_another_that_was_recorded_meanwhile",),
    ),
    Mutant(
        "a review that the right refund does not settle",
        (
            Change(
                "services/payments/state_machine.py",
                "if is_the_total and not others and",
                "if is_the_total and others and",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_the_part_that_was_too_much_settles_a_review_when_it_is_refunded",),
    ),
    Mutant(
        "an accepted review that calls the sum of two payments the total",
        (
            Change(
                "services/payments/review_outcomes.py",
                "        total=accepted.not_refunded,\n",
                "        total=sum(m.not_refunded for m in of_its_currency),\n",
            ),
        ),
        (
            f"{OUTCOMES}::test_the_payment_closest_to_the_total_is_accepted_and_all_others_go_back",
            f"{OPEN_REVIEW}::test_a_decision_does_what_was_shown_before",
        ),
    ),
    Mutant(
        "a review that is shown without what a bank took of its money",
        (
            Change(
                "services/payments/open_reviews.py",
                "dispute.amount for dispute in payment.disputes if dispute.status == LOST",
                "dispute.amount for dispute in payment.disputes if dispute.status != LOST",
            ),
        ),
        (f"{OPEN_REVIEW}::test_what_a_bank_left_is_shown_whole_as_received_and_in_part_as_here",),
    ),
)
