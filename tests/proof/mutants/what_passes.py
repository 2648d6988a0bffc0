"""Deliberate bugs in what is done once the reason passes that kept it undone."""

from tests.proof.mutants.files import BACK, LISTS, PASSES
from tests.proof.mutants.mutant import Change, Mutant

MUTANTS = (
    Mutant(
        "money whose order is brought back, and is never looked for",
        (
            Change(
                "services/reconciliation/list_steps.py",
                "dict.fromkeys([*brought_back, *(",
                "dict.fromkeys([*(",
            ),
        ),
        (f"{PASSES}::test_the_money_of_an_order_that_is_brought_back_finds_it",),
    ),
    Mutant(
        "another id for an order that the shop sends again",
        (
            Change(
                "services/orders/imports.py",
                "uuid5(row.installation_id, order.reference)",
                "uuid4()",
            ),
        ),
        (f"{PASSES}::test_an_order_that_the_shop_sends_again_has_the_id_that_its_money_names",),
    ),
    Mutant(
        "an event that rests for ever",
        (
            Change(
                "services/reconciliation/sweep.py",
                "        await self._inbox.finish_taken(resting)\n",
                "",
            ),
        ),
        (f"{PASSES}::test_an_event_that_was_given_up_is_finished_once_stripe_reads_again",),
    ),
    Mutant(
        "the first of the events that rest, again and again",
        (
            Change(
                "services/reconciliation/sweep.py",
                "await self._inbox.take_resting(run.cursor)",
                "await self._inbox.take_resting(None)",
            ),
        ),
        (f"{PASSES}::test_events_that_can_not_be_finished_keep_no_other_from_its_turn",),
    ),
    Mutant(
        "a case that goes with its unfinished event",
        (
            Change(
                "models/attention/facts.py",
                "    _closing(_is_unfinished, _is_of_event, _event_is_finished),\n"
                "    _closing(_is_unfinished, ~_is_of_event, ~_item_waits),\n",
                "    _closing(_is_unfinished, _is_of_event, _event_is_finished),\n"
                "    _closing(_is_unfinished, _is_of_event, ~exists().where(\n"
                "        col(StripeEvent.id) == col(AttentionCase.subject_id))),\n"
                "    _closing(_is_unfinished, ~_is_of_event, ~_item_waits),\n",
            ),
        ),
        (f"{PASSES}::test_a_case_about_an_event_outlives_it",),
    ),
    Mutant(
        "what a group of events was begun with told by its last one alone",
        (
            Change(
                "services/reconciliation/inbox.py",
                "any(event.attempts > 1 for event in events)",
                "events[-1].attempts > 1",
            ),
        ),
        (f"{LISTS}::test_an_event_that_comes_beside_one_that_was_begun_does_not_hide_that_it_was",),
    ),
    Mutant(
        "a window for each minute in which a list can't be read",
        (
            Change(
                "services/reconciliation/list_steps.py",
                "if unbegun := await transaction.row(TAKE_BACK_UNBEGUN, last):",
                "if unbegun := None:",
            ),
        ),
        (f"{PASSES}::test_a_list_that_can_not_be_read_for_hours_is_one_case_and_no_end_of_the_sweep",),
    ),
    Mutant(
        "a list that is not read for a minute since it could not be a minute ago",
        (
            Change(
                "services/reconciliation/list_steps.py",
                "            step.never_waits(self._name_of(windows[0]))\n",
                "            pass\n",
            ),
        ),
        (f"{PASSES}::test_what_happened_meanwhile_is_read_at_once_when_a_list_can_be_read_again",),
    ),
    Mutant(
        "a list that is called read though nothing new of it is",
        (
            Change(
                "services/reconciliation/list_steps.py", "        if not is_opened or any(", "        if any("
            ),
        ),
        (f"{PASSES}::test_a_list_of_which_too_many_parts_are_unread_is_not_whole",),
    ),
    Mutant(
        "a permission that counts as given once something was done without a call",
        (
            Change(
                "services/reconciliation/sweep.py",
                "in findings.permitted - findings.forbidden - REPORTED:",
                "in findings.permitted:",
            ),
        ),
        (
            f"{PASSES}::test_a_permission_that_is_missing_is_told_once_whatever_needs_no_call",
            f"{PASSES}::test_a_permission_to_read_refunds_is_not_given_by_looking_at_what_can_not_be_refunded",
        ),
    ),
    Mutant(
        "an intent that is not looked at until the clock is where it was",
        (
            Change(
                "models/reconciliation/clock.py",
                "        looked_at=func.to_timestamp(0),",
                "        looked_at=col(Payment.looked_at),",
            ),
        ),
        (f"{BACK}::test_an_intent_that_was_looked_at_by_the_old_clock_is_looked_at",),
    ),
)
