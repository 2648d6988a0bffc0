"""How a file of settings is read: `--env-file`."""

from pathlib import Path

import pytest

from runtime.environment import UnreadableEnvironment, load_env_file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=postgresql://u:p@h/d?a=1&b=2", "postgresql://u:p@h/d?a=1&b=2"),
        ("A=pa$$word${HOME}$HOME`id`", "pa$$word${HOME}$HOME`id`"),
        ("A=a#b", "a#b"),
        ('A="a # b"', "a # b"),
        ("A='it is'", "it is"),
        ("export A = b ", "b"),
        ("A=back\\slash\\n", "back\\slash\\n"),
        ("A=", ""),
        ("\ufeffA=b", "b"),
    ],
)
def test_a_value_in_a_file_is_taken_as_it_is_written(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / "file").write_text(f"{line}\n# A=comment\n\n", encoding="utf-8")
    environment: dict[str, str] = {}
    load_env_file(tmp_path / "file", environment)
    assert environment == {"A": value}


@pytest.mark.parametrize(
    ("line", "name"), [("nonsense", "--env-file"), ("A=b # a comment", "A"), ("A=b\0c", "--env-file")]
)
def test_a_line_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "file").write_text(f"B=1\n{line}\n")
    with pytest.raises(UnreadableEnvironment, match=f"^{name}: line 2"):
        load_env_file(tmp_path / "file", {})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("A=file\nB=file\n")
    environment = {"A": "environment"}
    load_env_file(tmp_path / "file", environment)
    assert environment == {"A": "environment", "B": "file"}
