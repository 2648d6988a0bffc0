"""What a migration of a live shop is made of: steps that are committed one by one.

    def upgrade() -> None:
        in_steps(
            revision,
            add_expiry,  # a function: one transaction, and at most one table that customers use
            create_index("orders_expiring", "orders", ["expires_at"], where="status = 'pending'"),
        )

`migrate` runs a migration again when a lock was not granted in time, and when it was killed: then the steps that are
done are left out. How many are done stands in the comment of `alembic_version`, written by each step's transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

Step = Callable[[], None]

_DONE = text("SELECT obj_description('alembic_version'::regclass)")
_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


class UnfinishedMigration(Exception):
    """Another migration than this one was begun and not finished."""


def in_steps(name: str, *steps: Step) -> None:
    """Run what is not done yet of `steps`. `name` is the revision; on the way down, `f"{revision} down"`."""
    done = _steps_done(name)
    for number, step in enumerate(steps, start=1):
        if number <= done:
            continue
        step()
        op.execute(f"COMMENT ON TABLE alembic_version IS '{name}: {number} steps done'")
        _commit()
    op.execute("COMMENT ON TABLE alembic_version IS NULL")  # committed together with the new revision


def create_index(
    name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None
) -> Step:
    """An index that is built while the table is read and written. What an interrupted attempt left is built anew."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    rule = f" WHERE {where}" if where else ""

    def create() -> None:
        is_valid = op.get_bind().execute(_IS_VALID, {"name": name}).scalar()
        if is_valid:
            return
        with outside_of_transactions():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {table} ({', '.join(columns)}){rule}")

    return create


def drop_index(name: str) -> Step:
    """An index is dropped while its table is read and written."""

    def drop() -> None:
        with outside_of_transactions():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")

    return drop


def add_constraint(table: str, name: str, rule: str) -> Step:
    """A rule for rows from now on (`CHECK (…)`, `FOREIGN KEY …`): no row is read. `validate` it in a later step."""
    return lambda: op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")


def validate(table: str, name: str) -> Step:
    """The rows that are there already are held against a constraint, while the table is read and written."""
    return lambda: op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def repeat(statement: str) -> Step:
    """A statement that changes some thousand rows, again until it changes none; each time in its own transaction.

    `UPDATE orders SET … WHERE id IN (SELECT id FROM orders WHERE … LIMIT 5000)`
    """

    def run() -> None:
        while op.get_bind().execute(text(statement)).rowcount:
            _commit()

    return run


@contextmanager
def outside_of_transactions() -> Iterator[None]:
    """A block for CONCURRENTLY. What it waits for, older transactions, does not block other sessions: no time limit."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute("RESET lock_timeout")


def _commit() -> None:
    with op.get_context().autocommit_block():  # it commits what was begun, and begins anew behind it
        pass


def _steps_done(name: str) -> int:
    comment: str | None = op.get_bind().execute(_DONE).scalar()
    if comment is None:
        return 0
    begun, _, done = comment.partition(": ")
    if begun != name:
        raise UnfinishedMigration(f"migration {begun} was begun and not finished: finish it before {name}")
    return int(done.split()[0])
