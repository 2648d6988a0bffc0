"""Deliberate bugs that show only where currencies, clocks or versions differ, or where answers are mixed up."""

from tests.proof.mutants.files import ABOUT_OTHERS, BACK, GOES_ON, MACHINE, STEPS
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "a total charged that Stripe takes in no such currency",
        (
            Change(
                "models/payments/statements.py",
                "_priced.c.total % _priced.c.step == 0",
                "_priced.c.total % 1 == 0",
            ),
        ),
        (f"{STEPS}::test_a_total_that_is_not_whole_is_told_so",),
    ),
    Mutant(
        "a revision that only newer servers count",
        (
            Change(
                "models/migrations/versions/0023_two_reads_in_order.py",
                "NEW.revision := OLD.revision + 1;",
                "NEW.revision := OLD.revision;",
            ),
        ),
        (f"{MACHINE}::test_money_is_neither_lost_nor_taken_twice",),
    ),
    Mutant(
        "Stripe's lists read by a clock of ours",
        (
            Change(
                "services/reconciliation/sweep.py",
                "            self._stripe_time = await self._gateway.ping()\n",
                "            await self._gateway.ping()\n",
            ),
        ),
        (f"{GOES_ON}::test_what_happened_while_our_clock_was_ahead_is_found",),
    ),
    Mutant(
        "events that wait for a clock that went back",
        (Change("services/reconciliation/sweep.py", "clock.went_back:", "not clock:"),),
        (f"{BACK}::test_an_event_that_waits_is_finished_by_the_next_sweep",),
    ),
    Mutant(
        "a sweep that a clock gave to a server that is gone",
        (
            Change(
                "models/reconciliation/leases.py",
                "            col(Lease.held_until) > _wanted.excluded.held_until + _impossible,\n",
                "",
            ),
        ),
        (f"{BACK}::test_the_sweep_of_a_server_that_is_gone_is_taken_over",),
    ),
    Mutant(
        "the secret of whatever intent was answered",
        (
            Change(
                "services/payments/payment_intents.py",
                "            if intent.payment_id != payment.id:",
                "            if intent.payment_id == payment.intent_id:",
            ),
        ),
        (f"{ABOUT_OTHERS}::test_the_secret_of_another_intent_of_the_same_amount_is_not_released",),
    ),
    Mutant(
        "refunds of other payments in an order's books",
        (
            Change(
                "services/stripe_api/objects.py",
                "        if (found := intent_id_in(data)) not in (None, intent_id):\n",
                "        if (found := intent_id_in(data)) == 0:\n",
            ),
        ),
        (f"{ABOUT_OTHERS}::test_refunds_of_other_payments_are_not_taken_for_an_orders_own",),
    ),
)
