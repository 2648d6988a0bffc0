"""Deliberate bugs in what makes an order payable."""

from tests.proof.mutants.files import AGAIN, CANCEL, CREATE, FAULTS, RATE, RELEASE, TOLD
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "a random idempotency key",
        (
            Change(
                "services/payments/intents.py",
                'f"pi:{self.payment_id}"',
                "f\"pi:{__import__('uuid').uuid4()}\"",
            ),
        ),
        (f"{FAULTS}::test_an_unknown_outcome_keeps_the_payment_and_the_next_call_replays_its_key",),
    ),
    Mutant(
        "a reprice key made of the amount",
        (
            Change(
                "services/payments/payment_intents.py",
                "amt:{payment.id}:{claim.version}",
                "amt:{payment.id}:{claim.total}",
            ),
        ),
        (f"{CREATE}::test_a_new_price_reaches_the_intent_that_was_released",),
    ),
    Mutant(
        "a refused repricing is sent again under the key that keeps the refusal",
        (Change("services/payments/payment_intents.py", 'set_under(f"{key}:{uuid4()}")', "set_under(key)"),),
        (f"{AGAIN}::test_a_debit_that_fails_after_the_price_changed_leaves_the_order_payable",),
    ),
    Mutant(
        "no compare-and-set at the second record",
        (
            Change(
                "models/payments/statements.py",
                ".where(_this_payment, _from_state, col(Payment.order_id) == _ordered.c.id)",
                ".where(_this_payment, col(Payment.order_id) == _ordered.c.id)",
            ),
        ),
        (f"{CANCEL}::test_a_cancel_during_the_create_call_keeps_the_secret_back",),
    ),
    Mutant(
        "a secret released without the release check",
        (
            Change(
                "services/payments/payment_intents.py",
                "return intent if opened and opened.releasable and claim.recorded else None",
                "return intent",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_is_not_released_when_the_order_was_closed_during_the_call",
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "a release check that takes any version of the items for the one that was added up",
        (
            Change(
                "models/payments/statements.py",
                "            _ordered.c.version == _opened.c.order_version,\n",
                "",
            ),
        ),
        (
            f"{RELEASE}::test_a_secret_of_the_old_amount_is_not_released_when_the_total_changed_during_the_call",
        ),
    ),
    Mutant(
        "a release check that reads the order before it has waited for it",
        (
            Change(
                "models/payments/statements.py",
                "    .with_for_update(read=True, of=Order)\n",
                "",
            ),
        ),
        (f"{RELEASE}::test_a_change_that_is_committed_while_the_release_check_waits_for_it_is_seen",),
    ),
    Mutant(
        "no lease",
        (
            Change(
                "services/payments/payment_intents.py", "        if payment.leased:\n", "        if False:\n"
            ),
            Change(
                "models/payments/statements.py",
                "        func.coalesce(col(Payment.lease_until), func.now()) <= func.now(),\n",
                "",
            ),
        ),
        (f"{CREATE}::test_24_parallel_calls_end_in_one_intent_and_24_equal_answers",),
    ),
    Mutant(
        "an old key replayed for ever",
        (
            Change(
                "services/payments/payment_intents.py", "        if payment.key_expired:", "        if False:"
            ),
        ),
        (f"{FAULTS}::test_a_key_that_stripe_may_have_forgotten_is_given_up",),
    ),
    Mutant(
        "an order found without its owner",
        (
            Change(
                "models/payments/statements.py",
                'or_(col(Order.user_id) == bindparam("user_id", type_=Text), bindparam("may_any", type_=Boolean)),',
                'bindparam("may_any", type_=Boolean).is_not(None),',
            ),
        ),
        (f"{CREATE}::test_a_missing_or_malformed_order_looks_like_a_foreign_one",),
    ),
    Mutant(
        "a payment recorded before its turn",
        (
            Change(
                "services/payments/payment_intents.py",
                "                await attempt.wait_for(turn)\n",
                "",
            ),
            Change(
                "services/payments/payment_intents.py",
                "                claim = await self._claim(asked, attempt, may_record=True)\n",
                "                claim = await self._claim(asked, attempt, may_record=True)\n"
                "                await attempt.wait_for(turn)\n",
            ),
        ),
        (
            f"{RATE}::test_a_payment_whose_call_was_never_sent_was_never_recorded",
            f"{RATE}::test_a_refusal_costs_no_statement",
        ),
    ),
    Mutant(
        "parameters taken anew at a replay",
        (
            Change(
                "models/payments/statements.py",
                'col(_live.stripe_parameters).label("payment_parameters"),',
                'stripe_parameters(_order, col(_live.id)).label("payment_parameters"),',
            ),
        ),
        (f"{TOLD}::test_a_replay_sends_the_same_whatever_changed_meanwhile",),
    ),
    Mutant(
        "the shop's metadata wins over ours",
        (
            Change("models/payments/stripe_parameters.py", "            entry.c.key.not_in(_ours),\n", ""),
            Change(
                "models/payments/stripe_parameters.py",
                'shops.op("||", return_type=JSONB())(ours)',
                'ours.op("||", return_type=JSONB())(shops)',
            ),
        ),
        (f"{TOLD}::test_where_both_have_a_key_ours_wins",),
    ),
)
