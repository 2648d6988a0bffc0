"""A deliberate bug: a textual change of one place or two, and the tests that must fail for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """In `file`, `old` stands exactly once and becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """`tests` are the node ids that must kill it."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]

    @property
    def is_in_a_migration(self) -> bool:
        """It shows only in a database that was made with it."""
        return any(change.file.startswith("models/migrations/") for change in self.changes)
