"""The PostgreSQL of the demo and the tests starts wherever it is told to, whatever the terminal's variables are."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.embedded_postgres import EmbeddedPostgresFailed, embedded_postgres, let_others_read

# Each would lead to another database, or end initdb or a connection.
OTHERS = {
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "6543",
    "PGSERVICE": "none-of-this-name",
    "PGTZ": "Mars/Olympus",
    "PGDATA": "/nonexistent",
    "PGOPTIONS": "--no_such_setting=1",
    "LC_ALL": "xx_YY.UTF-8",
    "LANG": "xx_YY.UTF-8",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    yield
    assert {name: os.environ.get(name) for name in OTHERS} == OTHERS


@pytest.mark.usefixtures("variables")
def test_variables_of_another_database_or_of_an_unknown_language_change_nothing(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "pg") as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW data_directory").fetchone() == (str(tmp_path / "pg"),)


@pytest.mark.parametrize("name", ["Mein Läden", "100% $HOME, it's ? & #1", "x" * 150])
def test_a_folder_of_any_name_holds_a_database_that_is_found_again(tmp_path: Path, name: str) -> None:
    place = tmp_path / name / "pg"
    with embedded_postgres(place) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert (place / "PG_VERSION").exists()
    with embedded_postgres(place) as again, psycopg.connect(url) as connection:
        assert again == url
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_start_that_fails_says_where_and_what_postgresql_said(tmp_path: Path) -> None:
    place = tmp_path / "pg"
    with embedded_postgres(place):
        pass
    (place / "PG_VERSION").write_text("12\n")
    with (
        pytest.raises(EmbeddedPostgresFailed, match="FATAL: ") as failed,
        embedded_postgres(place),
    ):
        pass
    assert str(place) in str(failed.value)


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "letter.txt").write_text("Dear Ada")
    for _ in range(2):
        with pytest.raises(EmbeddedPostgresFailed, match="not empty"), embedded_postgres(tmp_path / "pg"):
            pass
    assert (tmp_path / "pg" / "letter.txt").read_text() == "Dear Ada"


def test_what_was_installed_for_one_user_alone_is_readable_for_the_user_that_postgresql_runs_as(
    tmp_path: Path,
) -> None:
    """As by root under umask 077: PostgreSQL runs as another user, and did not find its own libraries."""
    package = tmp_path / "package"
    (package / "lib").mkdir(parents=True, mode=0o700)
    program, library = package / "program", package / "lib" / "library.so"
    for file, mode in ((program, 0o700), (library, 0o600)):
        file.touch(mode=mode)
    package.chmod(0o700)
    let_others_read(package)
    let_others_read(tmp_path / "none")
    modes = [path.stat().st_mode & 0o777 for path in (package, package / "lib", program, library)]
    assert modes == [0o755, 0o755, 0o755, 0o644]
