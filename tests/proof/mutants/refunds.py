"""Deliberate bugs in refunds and disputes."""

from tests.proof.mutants.files import DISPUTES, ONCE, REFUND, STEPS, TRUE_REFUNDS
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "a refund under a new key without a look at Stripe's list",
        (
            Change(
                "services/payments/refunds.py",
                "    return any(refund.refund_id == refund_id for refund in listed)",
                "    return False",
            ),
        ),
        (f"{REFUND}::test_a_refund_of_unknown_outcome_is_recorded_and_made_once",),
    ),
    Mutant(
        "another key for a refund while Stripe may still make it under the one before",
        (
            Change(
                "models/refunds/attempts.py",
                '(_next_key_at <= func.now()).label("may_renew")',
                '(col(Refund.key_until) <= func.now()).label("may_renew")',
            ),
        ),
        (
            f"{ONCE}::test_what_stripe_makes_after_it_answered_500_is_made_once",
            f"{ONCE}::test_a_key_that_stripe_may_forget_is_followed_by_another_after_a_pause",
        ),
    ),
    Mutant(
        "a refund's key as old as the refund",
        (
            Change(
                "models/refunds/attempts.py",
                "key_until=func.coalesce(col(Refund.key_until), _until_known)",
                "key_until=col(Refund.created_at) + KEY_LIFETIME",
            ),
        ),
        (f"{ONCE}::test_a_refund_that_waited_a_day_for_the_balance_is_made_once_though_stripe_is_slow",),
    ),
    Mutant(
        "refunds not bounded by what was received",
        (Change("services/payments/refund_wishes.py", "if 1 <= amount <= rest and", "if amount > 0 and"),),
        (f"{REFUND}::test_parts_add_up_and_no_more_than_was_received_goes_back",),
    ),
    Mutant(
        "a refund of an amount that Stripe does not take in its currency",
        (
            Change(
                "services/payments/refund_wishes.py",
                " and amount == in_whole_steps(amount, payment.currency):",
                ":",
            ),
        ),
        (f"{STEPS}::test_a_refund_that_stripe_cannot_make_is_refused_before_any_call",),
    ),
    Mutant(
        "refunds that race without a lock",
        (
            Change(
                "models/refunds/statements.py",
                ".order_by(col(Payment.disposition), col(Payment.created_at))\n    .with_for_update()",
                ".order_by(col(Payment.disposition), col(Payment.created_at))",
            ),
            Change(
                "models/payments/settlement_statements.py",
                "        col(Order.refunded_by_hand),\n    )\n    .where(_this_order)\n    .with_for_update(),",
                "        col(Order.refunded_by_hand)).where(_this_order),",
            ),
        ),
        (f"{REFUND}::test_refunds_that_race_for_more_than_was_paid_get_what_there_is",),
    ),
    Mutant(
        "a refund's id at random",
        (
            Change(
                "services/payments/refund_ids.py",
                'return uuid5(_NAMESPACE, f"{intent_id} merchant {client_key}")',
                'return __import__("uuid").uuid4()',
            ),
        ),
        (f"{TRUE_REFUNDS}::test_the_same_key_after_a_restored_backup_takes_over_what_stripe_has",),
    ),
    Mutant(
        "a refund whose payment is not known yet forgotten",
        (
            Change(
                "services/payments/refunds.py",
                "        if not await self._write(intent_id, listed):\n",
                "        if await self._write(intent_id, listed) is None:\n",
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_refund_heard_of_before_its_payment_counts",),
    ),
    Mutant(
        "a forbidden refund that fails for good",
        (
            Change(
                "services/payments/refunds.py",
                "            await self._postpone(refund, error, FORBIDDEN)\n",
                '            await self._end(refund, FAIL_REFUND, error, "refused")\n',
            ),
        ),
        (f"{TRUE_REFUNDS}::test_a_forbidden_refund_calls_with_stripes_sentence_and_is_made_once_it_may_be",),
    ),
    Mutant(
        "a dispute that an older answer overwrites",
        (
            Change(
                "models/refunds/statements.py",
                "        and_(~_is_decided, or_(_decides, ~_was_asked_later)),\n",
                "        ~_is_decided,\n",
            ),
        ),
        (f"{DISPUTES}::test_a_dispute_never_goes_back_in_time",),
    ),
    Mutant(
        "a decided dispute opened again",
        (
            Change(
                "models/refunds/statements.py",
                "        and_(_decides, ~_was_asked_later),\n",
                "        ~_was_asked_later,\n",
            ),
        ),
        (f"{DISPUTES}::test_what_is_decided_is_not_reopened_by_a_newer_wrong_answer",),
    ),
)
