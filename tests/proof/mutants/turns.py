"""Deliberate bugs in the turns that operations take with one another: who waits for whom, and for how long."""

from tests.proof.mutants.mutant import Change, Mutant

SPENDING = "graph/serving/spending.py"
TEXTS = "tests/unit/graph/test_text_turns.py"
TURNS = "tests/unit/graph/test_turns.py"

MUTANTS = (
    Mutant(
        "a wait for the database booked as work",
        (
            Change(
                "graph/serving/lists.py",
                "        finally:\n            spending.go_on()\n",
                "        finally:\n            pass\n",
            ),
        ),
        (f"{TURNS}::test_a_list_that_waited_for_its_entries_has_not_worked",),
    ),
    Mutant(
        "twenty fields that go on at once have a turn each",
        (Change(SPENDING, "        if self.had_others:\n", "        if True:\n"),),
        (f"{TURNS}::test_what_goes_on_at_once_is_one_turn",),
    ),
    Mutant(
        "customers' new texts wait behind strangers'",
        (
            Change(
                "graph/serving/bounds.py",
                "(queues.callers if context.principal else queues.strangers)",
                "queues.strangers",
            ),
        ),
        (f"{TEXTS}::test_who_has_signed_in_does_not_wait_behind_strangers",),
    ),
    Mutant(
        "a crowd with one text that is refused as though it were many texts",
        (Change("graph/serving/text_turns.py", "self._alike.of(text)", "self._alike.of(object())"),),
        (f"{TEXTS}::test_a_text_that_everybody_sends_at_once_is_checked_until_it_is_remembered",),
    ),
    Mutant(
        "any number of texts waits to be checked",
        (
            Change(
                "graph/serving/text_turns.py",
                "        if self.waiting >= MOST_SENDERS:\n",
                "        if False:\n",
            ),
        ),
        (f"{TEXTS}::test_a_queue_that_is_full_takes_no_more_texts_and_charges_nothing",),
    ),
)
