"""What a command says of what went wrong outside of it."""

import psycopg
import pytest

from runtime.database.faults import DatabaseUnavailable
from services.operations.command_line import RUN_AS_THE_OWNER, RUN_THE_GRANTS, in_words


@pytest.mark.parametrize(("command", "advice"), [("migrate", RUN_AS_THE_OWNER), ("seed", RUN_THE_GRANTS)])
def test_a_role_that_may_not_is_told_whose_turn_it_is(command: str, advice: str) -> None:
    error = psycopg.errors.InsufficientPrivilege("permission denied for schema public")
    assert in_words(error, command) == f"DATABASE_URL: permission denied for schema public\n{advice}"


@pytest.mark.parametrize("held_up", [psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled])
def test_a_lock_of_another_session_is_not_called_an_unreachable_database(
    held_up: type[psycopg.Error],
) -> None:
    unavailable = DatabaseUnavailable("canceling statement due to lock timeout")
    unavailable.__cause__ = held_up()
    assert in_words(unavailable) == (
        "DATABASE_URL: canceling statement due to lock timeout\n"
        "Another session holds a lock: end it, or try again."
    )
    away = DatabaseUnavailable("connection refused")
    assert in_words(away) == "DATABASE_URL: the database can't be reached: connection refused"


def test_a_file_that_cant_be_written_is_told_without_a_number() -> None:
    told = in_words(FileNotFoundError(2, "No such file or directory", "/none/schema.graphql"))
    assert told == "/none/schema.graphql: No such file or directory"
