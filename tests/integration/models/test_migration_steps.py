"""Migrations of a live shop: steps that are done once, indexes beside writers, and locks that nobody waits long for."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from services.operations import migrations
from services.operations.migrations import MigrationBlocked
from tests.e2e.databases import own_database
from tests.integration.models.migration_locks import locks_at_commit
from tests.integration.models.test_migrations import eventually, rows

HEAD = """
from alembic import op
from models.migrations.steps import *

revision = {revision!r}
down_revision = {before!r}
branch_labels = None
depends_on = None
"""
TWO_STEPS = """
def add_column():
    op.execute("ALTER TABLE cups ADD COLUMN colour text")

def make_colours():
    op.execute("CREATE TABLE colours (name text PRIMARY KEY)")

def upgrade():
    in_steps(revision, add_column, make_colours, create_index("cups_colour", "cups", ["colour"]))

def downgrade():
    in_steps(
        f"{revision} down",
        drop_index("cups_colour"),
        lambda: op.execute("DROP TABLE colours"),
        lambda: op.execute("ALTER TABLE cups DROP COLUMN colour"),
    )
"""
COMMENT = "SELECT obj_description('alembic_version'::regclass)"
CUPS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'cups'"
VALID = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indexrelid = to_regclass('cups_colour')"


class Shelf:
    """A database with one table, and migrations of its own."""

    def __init__(self, url: str, scripts: Path) -> None:
        self.url = url
        self.scripts = scripts
        self.told: list[str] = []
        (scripts / "versions").mkdir(parents=True)
        shutil.copy(migrations.SCRIPTS / "env.py", scripts)
        self.write("a1", None, "def upgrade():\n    op.execute('CREATE TABLE cups (id int PRIMARY KEY)')\n")
        self.migrate()

    def write(self, revision: str, before: str | None, text: str) -> None:
        script = HEAD.format(revision=revision, before=before) + text
        (self.scripts / "versions" / f"{revision}.py").write_text(script)

    def migrate(self, revision: str = "head", patience: float = 30.0) -> None:
        migrations.upgrade(self.url, revision, scripts=self.scripts, patience=patience, tell=self.told.append)

    def version(self) -> object:
        [found] = rows(self.url, "SELECT version_num FROM alembic_version")
        return found[0]


@pytest.fixture
def shelf(postgres_url: str, tmp_path: Path) -> Iterator[Shelf]:
    with own_database(postgres_url) as url:
        yield Shelf(url, tmp_path / "migrations")


def test_a_migration_in_steps_goes_up_and_down(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    shelf.migrate()
    assert rows(shelf.url, CUPS) == {("id",), ("colour",)}
    assert rows(shelf.url, VALID) == {("cups_colour", True)}
    assert (shelf.version(), rows(shelf.url, COMMENT)) == ("a2", {(None,)})

    migrations.downgrade(shelf.url, "a1", scripts=shelf.scripts)
    assert rows(shelf.url, CUPS) == {("id",)}
    assert (shelf.version(), rows(shelf.url, COMMENT)) == ("a1", {(None,)})


def test_what_was_done_of_a_migration_that_failed_is_not_done_again(shelf: Shelf) -> None:
    failing = TWO_STEPS.replace("make_colours,", "lambda: op.execute('SELECT 1 / 0'), make_colours,")
    shelf.write("a2", "a1", failing)
    with pytest.raises(DBAPIError, match="division by zero"):
        shelf.migrate()
    assert rows(shelf.url, CUPS) == {("id",), ("colour",)}
    assert (shelf.version(), rows(shelf.url, COMMENT)) == ("a1", {("a2: 1 steps done",)})

    shelf.write("a2", "a1", TWO_STEPS)
    shelf.migrate()
    assert (shelf.version(), rows(shelf.url, COMMENT)) == ("a2", {(None,)})


def test_another_migration_does_not_begin_on_top_of_half_a_one(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    with psycopg.connect(shelf.url) as connection:
        connection.execute("COMMENT ON TABLE alembic_version IS 'b7: 1 steps done'")
    with pytest.raises(MigrationBlocked, match="b7 was begun and not finished"):
        shelf.migrate()


def test_an_index_that_was_left_half_built_is_built_anew(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    with psycopg.connect(shelf.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE cups ADD COLUMN colour text")
        connection.execute("INSERT INTO cups VALUES (1, 'red'), (2, 'red')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY cups_colour ON cups (colour)")
        assert rows(shelf.url, VALID) == {("cups_colour", False)}
        connection.execute("COMMENT ON TABLE alembic_version IS 'a2: 1 steps done'")

    shelf.migrate()
    assert rows(shelf.url, VALID) == {("cups_colour", True)}


def test_who_holds_a_lock_is_named_and_whoever_reads_meanwhile_is_not_held_up(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    with (
        psycopg.connect(shelf.url, application_name="pg_dump") as reader,
        psycopg.connect(shelf.url, autocommit=True) as customer,
        ThreadPoolExecutor() as deployers,
    ):
        reader.execute("SELECT * FROM cups")
        migrating = deployers.submit(shelf.migrate)
        eventually(lambda: shelf.told)
        for _ in range(20):  # behind a migration that waits for as long as it takes, each of them would fail
            customer.execute("SET statement_timeout = '5s'")
            customer.execute("SELECT * FROM cups")
        assert not migrating.done()
        reader.rollback()
        migrating.result(timeout=30)

    assert shelf.told[0].startswith("waiting for a lock: session ")
    assert "pg_dump, idle in transaction) is in a transaction for" in shelf.told[0]
    assert shelf.version() == "a2"


def test_an_index_waits_for_a_snapshot_and_holds_nobody_up(shelf: Shelf) -> None:
    shelf.write(
        "a2", "a1", "def upgrade():\n    in_steps(revision, create_index('cups_id', 'cups', ['id']))\n"
    )
    with (
        psycopg.connect(shelf.url) as writer,
        psycopg.connect(shelf.url, autocommit=True) as customer,
        ThreadPoolExecutor() as deployers,
    ):
        writer.execute("INSERT INTO cups VALUES (1)")
        migrating = deployers.submit(shelf.migrate)
        eventually(lambda: shelf.told)
        customer.execute("SET statement_timeout = '5s'")
        customer.execute("INSERT INTO cups VALUES (2)")
        writer.rollback()
        migrating.result(timeout=30)
    assert shelf.version() == "a2"


def test_a_lock_that_is_never_given_ends_the_migration_in_words(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    with psycopg.connect(shelf.url) as reader:
        reader.execute("SELECT * FROM cups")
        with pytest.raises(MigrationBlocked, match="gave up after 1 seconds: waiting for a lock: session "):
            shelf.migrate(patience=1)
    shelf.migrate()
    assert shelf.version() == "a2"


def test_rows_are_filled_in_steps_and_a_rule_is_validated_behind_them(shelf: Shelf) -> None:
    text = """
def upgrade():
    in_steps(
        revision,
        lambda: op.execute("ALTER TABLE cups ADD COLUMN size int"),
        add_constraint("cups", "cups_size_given", "CHECK (size IS NOT NULL)"),
        repeat("UPDATE cups SET size = id WHERE id IN (SELECT id FROM cups WHERE size IS NULL LIMIT 3)"),
        validate("cups", "cups_size_given"),
    )
"""
    with psycopg.connect(shelf.url) as connection:
        connection.execute("INSERT INTO cups SELECT generate_series(1, 10)")
    shelf.write("a2", "a1", text)
    shelf.migrate()
    assert rows(shelf.url, "SELECT count(*) FROM cups WHERE size = id") == {(10,)}
    assert rows(
        shelf.url, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'cups_size_given'"
    ) == {("CHECK ((size IS NOT NULL))",)}


def test_a_migration_that_locks_two_tables_in_one_transaction_is_found(shelf: Shelf) -> None:
    both = "op.execute('ALTER TABLE cups ADD COLUMN a int'); op.execute('ALTER TABLE mugs ADD COLUMN a int')"
    shelf.write("a2", "a1", "def upgrade():\n    op.execute('CREATE TABLE mugs (id int)')\n")
    shelf.migrate()
    shelf.write("a3", "a2", f"def upgrade():\n    {both}\n")
    shelf.write("a4", "a3", "def upgrade():\n    op.execute('CREATE INDEX cups_a ON cups (a)')\n")
    with locks_at_commit(shelf.url) as locked:
        shelf.migrate("a3")
    assert {"cups", "mugs"} in locked.tables
    with locks_at_commit(shelf.url) as locked:
        shelf.migrate("a4")
    assert locked.blocking_index_builds == {"cups"}


def test_deployers_at_once_build_an_index_without_waiting_for_each_others_snapshots(shelf: Shelf) -> None:
    shelf.write("a2", "a1", TWO_STEPS)
    with ThreadPoolExecutor(4) as deployers:
        for done in [deployers.submit(shelf.migrate) for _ in range(4)]:
            done.result(timeout=30)
    assert shelf.version() == "a2"
