"""Deliberate bugs in the turns that operations take with one another: who waits for whom, and for how long."""

from tests.proof.mutants.mutant import Change, Mutant

SPENDING = "graph/serving/spending.py"
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
)
