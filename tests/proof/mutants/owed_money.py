"""Deliberate bugs in what becomes of money that an order has no use for, and of what nobody can pay any more."""

from tests.proof.mutants.files import CLOSING, COPY, FAILED, FOLLOWING, OWED, SHARED
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "an intent called canceled that Stripe did not cancel",
        (
            Change(
                "services/payments/intent_cancellation.py",
                "            if intent.is_payable:\n                raise\n",
                "",
            ),
        ),
        (
            f"{CLOSING}::test_an_intent_that_stripe_does_not_cancel_waits_and_is_told",
            f"{CLOSING}::test_an_intent_of_a_lost_answer_is_canceled_though_the_first_attempt_failed",
        ),
    ),
    Mutant(
        "money refunded that a person gave back in another way",
        (
            Change(
                "models/refunds/attempts.py",
                "    ~is_given_up(Refund),\n    _rest",
                "    _rest",
            ),
            Change(
                "models/refunds/attempts.py",
                "_rest = func.least(left_to_give_back(Payment), col(Payment.owed))",
                "_rest = left_to_give_back(Payment)",
            ),
            Change("models/reconciliation/statements.py", "        ~is_given_up(Refund),\n", ""),
        ),
        (f"{OWED}::test_what_a_person_gave_back_in_another_way_is_not_refunded_again",),
    ),
    Mutant(
        "a second case of a refund that a person gave up",
        (
            Change(
                "models/attention/facts.py",
                "        ~is_given_up(Refund),\n        _is_last_failure,\n",
                "        _is_last_failure,\n",
            ),
            Change("models/migrations/versions/0036_debts_of_payments.py", "NOT is_dropped AND ", ""),
        ),
        (f"{OWED}::test_a_refund_that_a_person_gave_up_opens_no_other_case",),
    ),
    Mutant(
        "a refund that fails twice told twice",
        (Change("models/attention/facts.py", "        _is_last_failure,\n", ""),),
        (f"{FAILED}::test_a_refund_that_fails_twice_is_told_once",),
    ),
    Mutant(
        "a failed refund told in full though a part went back since",
        (
            Change(
                "models/attention/facts.py",
                "func.least(col(Payment.owed), still_here(Payment))",
                "col(Refund.amount)",
            ),
        ),
        (f"{FAILED}::test_a_case_says_what_is_still_missing",),
    ),
    Mutant(
        "money given back again that went back in another way",
        (
            Change(
                "services/payments/refund_wishes.py",
                "rest = row.amount - row.given_up if wanted is None",
                "rest = row.amount if wanted is None",
            ),
        ),
        (f"{FAILED}::test_all_that_is_left_is_without_what_went_back_in_another_way",),
    ),
    Mutant(
        "good money refunded in the place of owed money",
        (
            Change(
                "models/refunds/statements.py",
                "left_to_give_back(Payment) > col(Payment.given_up)",
                "left_to_give_back(Payment) < col(Payment.given_up)",
            ),
        ),
        (f"{OWED}::test_refund_order_gives_back_the_money_whose_refund_failed",),
    ),
    Mutant(
        "a refund that is tried in vain for ever and told to nobody",
        (
            Change(
                "models/attention/facts.py",
                "col(Refund.tries) >= TOLD_AFTER_TRIES",
                "col(Refund.tries) < 0",
            ),
        ),
        (f"{OWED}::test_an_owed_refund_that_is_never_made_is_told_after_about_an_hour",),
    ),
    Mutant(
        "a refund without a status that blocks all others of its intent",
        (
            Change(
                "services/stripe_api/objects.py",
                ' if fields.has("status") else RefundState.PENDING  # not decided yet',
                "",
            ),
        ),
        (f"{OWED}::test_a_refund_that_is_not_decided_yet_holds_up_no_other",),
    ),
    Mutant(
        "a refusal that Stripe repeats after its reason is gone",
        (
            Change(
                "services/payments/refunds.py",
                "                await self._renew(refund, attempt)\n            raise\n",
                "                pass\n            raise\n",
            ),
        ),
        (f"{OWED}::test_a_refund_is_made_by_the_next_try_after_the_balance_was_filled",),
    ),
    Mutant(
        "two refunds of one wish in one row",
        (
            Change(
                "services/payments/refund_records.py",
                "        ours.remove(known)  # Stripe may have made two of one wish: each has a row\n",
                "",
            ),
        ),
        (f"{OWED}::test_two_refunds_that_stripe_made_of_one_wish_are_both_in_the_books",),
    ),
    Mutant(
        "a try of a refund that outlives its lease",
        (
            Change(
                "services/payments/refunds.py",
                "asyncio.timeout(self._patience)",
                "asyncio.timeout(None)",
            ),
        ),
        (f"{OWED}::test_a_try_ends_before_its_lease_and_the_next_one_finds_what_it_made",),
    ),
    Mutant(
        "a canceled order that news of its money makes paid",
        (
            Change(
                "services/payments/state_machine.py",
                "    return order.status if order.was_closed_by_hand else OrderStatus.REVIEW\n",
                "    return OrderStatus.REVIEW\n",
            ),
        ),
        (f"{FOLLOWING}::test_a_canceled_order_is_not_made_paid_by_two_events_of_one_refund",),
    ),
    Mutant(
        "a review without a way out after a bank took its money",
        (
            Change(
                "services/payments/disputes.py",
                '            await follow_the_money(transaction, payment.order_id, order, cause="dispute")\n',
                "            assert order\n",
            ),
        ),
        (f"{FOLLOWING}::test_a_review_ends_when_a_bank_took_its_money",),
    ),
    Mutant(
        "a dispute that waits for another server's clock",
        (
            Change(
                "models/refunds/statements.py",
                "    col(Dispute.asked_at) <= func.clock_timestamp(),\n",
                "",
            ),
        ),
        (f"{FOLLOWING}::test_a_dispute_moves_on_after_a_failover_to_a_clock_that_is_behind",),
    ),
    Mutant(
        "a copied database that calls somebody for the original's refunds",
        (
            Change(
                "models/attention/facts.py",
                "        is_recorded_here,\n        ~is_given_up(Refund),\n",
                "        ~is_given_up(Refund),\n",
            ),
        ),
        (f"{COPY}::test_a_copy_leaves_the_originals_cases_and_refunds_to_the_original",),
    ),
    Mutant(
        "a copied database that refunds the original's money",
        (
            Change(
                "services/payments/refund_wishes.py",
                "    payments = [payment for payment in payments if payment.is_ours]\n",
                "",
            ),
            Change(
                "models/refunds/attempts.py",
                "        col(Payment.id) == col(Refund.payment_id),\n        is_recorded_here,\n    )\n"
                "    .values(\n        lease_until",
                "        col(Payment.id) == col(Refund.payment_id),\n    )\n    .values(\n        lease_until",
            ),
        ),
        (f"{SHARED}::test_a_copy_gives_back_no_money_that_the_original_received",),
    ),
)
