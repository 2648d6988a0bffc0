"""What lies in the folder or the environment without being meant for this program, and is told or left alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import JWT_SECRET
from tests.e2e.processes import Shell, shell


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[Shell]:
    with shell(tmp_path) as made:
        yield made


def test_a_file_that_was_not_named_is_not_read_and_serve_says_so(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"JWT_SECRET={JWT_SECRET}\n")
    ended = sh.run("token", "--user", "ada")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith("The file .env here was not read: add --env-file .env\n")
    missing = sh.run("token", "--user", "ada", "--env-file", "none.env")
    assert (missing.code, missing.err) == (
        1,
        "--env-file: none.env can't be read: No such file or directory\n",
    )


def test_a_demo_that_is_refused_asks_for_no_file_of_settings(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8000\n")
    ended = sh.run("demo", STRIPE_SECRET_KEY="sk_live_0123456789abcdef")
    assert (ended.code, ".env here" in ended.err) == (1, False)


def test_the_doctor_tells_of_a_file_that_was_not_read_and_is_readable_for_programs_whatever_is_wrong(
    sh: Shell, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"JWT_SECRET={JWT_SECRET}\n")
    told = json.loads(sh.run("doctor", "--json").out)
    assert (told["ok"], told["checks"][-1]["advice"]) == (False, "add --env-file .env")
    for file in ("none.env", str(tmp_path)):
        ended = sh.run("doctor", "--json", "--env-file", file)
        [check] = json.loads(ended.out)["checks"]
        assert (ended.code, check["verdict"], file in check["told"]) == (1, "wrong", True)


def test_a_folder_where_another_program_counts_is_left_alone(sh: Shell, tmp_path: Path) -> None:
    """`PROMETHEUS_MULTIPROC_DIR`, as a shell has it in which another application was started."""
    for folder in (tmp_path, tmp_path / "gone"):
        ended = sh.run("token", "--user", "ada", JWT_SECRET=JWT_SECRET, PROMETHEUS_MULTIPROC_DIR=str(folder))
        assert ended.code == 0, ended.err
    assert not [*tmp_path.glob("*.db")]
