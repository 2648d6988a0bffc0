"""Deliberate bugs in the queue of calls to Stripe and their wire."""

from tests.proof.mutants.files import QUEUE, RATE
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "an unchecked id in a path",
        (
            Change(
                "services/stripe_api/gateway.py",
                "    if kind is None:\n        raise not_an_id(object_id)\n",
                "    if kind is None:\n        kind = INTENT\n",
            ),
        ),
        ("tests/unit/stripe_api/test_stripe_objects.py::test_what_is_no_id_never_becomes_a_path",),
    ),
    Mutant(
        "a locked object taken for the rate",
        (
            Change(
                "services/stripe_api/wire.py",
                'return ObjectLocked if code == "lock_timeout" else TooManyRequests',
                "return TooManyRequests",
            ),
        ),
        (f"{RATE}::test_a_locked_object_is_tried_again_and_slows_nobody_down",),
    ),
    Mutant(
        "a turn left behind by a caller who is gone",
        (
            Change(
                "services/stripe_api/call_queue.py",
                "        if was is _Is.HERE:\n",
                "        if was is _Is.HERE and error is None:\n",
            ),
        ),
        (f"{QUEUE}::test_a_caller_who_is_gone_leaves_no_turn_behind",),
    ),
    Mutant(
        "webhooks that starve behind customers",
        (Change("services/stripe_api/call_queue.py", "Rank.WEBHOOK: 1 / 2,", "Rank.WEBHOOK: 0.0,"),),
        (f"{QUEUE}::test_webhooks_have_every_second_turn_while_customers_wait_and_all_when_they_don_t",),
    ),
    Mutant(
        "a look that goes before customers",
        (
            Change(
                "services/payments/refresh_from_stripe.py",
                "asking_as(Rank.READER)",
                "asking_as(Rank.CUSTOMER)",
            ),
        ),
        (f"{RATE}::test_a_look_for_a_reader_waits_behind_all_others_and_what_is_known_is_shown_at_once",),
    ),
    Mutant(
        "no place kept for who comes back",
        (
            Change(
                "services/stripe_api/call_queue.py",
                "            self._customers.keep(turn.name, turn.about, self._loop.time() + retry_after)\n",
                "            pass\n",
            ),
        ),
        (f"{QUEUE}::test_who_comes_back_as_told_is_served_then",),
    ),
    Mutant(
        "a turn that counts only once its call is sent",
        (
            Change(
                "services/stripe_api/pace.py",
                "places = self._most - self._lent",
                "places = self._most",
            ),
        ),
        (f"{QUEUE}::test_a_turn_whose_call_was_prepared_for_long_still_counts",),
    ),
)
