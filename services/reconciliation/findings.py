"""What a sweep did and what it could not do."""

from collections import Counter
from dataclasses import dataclass, field

# Exit codes of `reconcile`; 2 is argparse's own, for a command line that can't be read.
A_PERSON_IS_NEEDED, STRIPE_IS_AWAY, DATABASE_IS_AWAY, A_SETTING_IS_WRONG = 1, 3, 4, 5


@dataclass
class Findings:
    """What a sweep did, by name, and what it can't do: each of `for_a_person` is a sentence.

    `unreachable`: Stripe gave no answer, so that only the steps were done that don't need it. `unfinished` are the
    steps that did not come to their end; the next sweep goes on with them. `cases` wait for a person. `permitted` are
    the permissions of the API key whose steps did something, `forbidden` those that it lacked for something.
    """

    done: Counter[str] = field(default_factory=Counter)
    for_a_person: list[str] = field(default_factory=list)
    unreachable: bool = False
    unfinished: list[str] = field(default_factory=list)
    cases: int = 0
    permitted: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    step: str | None = None  # the one that is being done

    @property
    def is_whole(self) -> bool:
        return not self.unreachable and not self.unfinished

    @property
    def exit_code(self) -> int:
        """What `reconcile` ends with."""
        if self.cases:
            return A_PERSON_IS_NEEDED
        return 0 if self.is_whole else STRIPE_IS_AWAY

    @property
    def exit_code_of_whole(self) -> int:
        """What `reconcile --until-whole` ends with: after 0 and 1 a restored shop may open, whatever the cases say."""
        return self.exit_code if self.is_whole else STRIPE_IS_AWAY

    def __str__(self) -> str:
        done = [f"{name}: {count}" for name, count in sorted(self.done.items()) if count]
        return "\n".join([*(done or ["nothing to do"]), *self.for_a_person])
