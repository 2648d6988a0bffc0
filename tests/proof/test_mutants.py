"""The tests bite: each deliberate bug is found by the tests that are there for it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.mutants import MUTANTS
from tests.proof.mutants.mutant import Mutant

ROOT = Path(__file__).parent.parent.parent
PARTS = (
    "graph",
    "models",
    "runtime",
    "services",
    "sandbox",
    "tests",
    "main.py",
    "settings.py",
    "pyproject.toml",
    "schema.graphql",
)
# What the attackers and the clients have installed beside them would fill a disk, copied for each bug.
LEFT_OUT = shutil.ignore_patterns(".venv", "node_modules", "__pycache__")
SECONDS = 180


def copy_of_the_house(place: Path) -> Path:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, place / part, ignore=LEFT_OUT)
        else:
            shutil.copy(source, place / part)
    return place


def apply(mutant: Mutant, house: Path) -> None:
    for change in mutant.changes:
        file = house / change.file
        source = file.read_text()
        assert source.count(change.old) == 1, f"{mutant.name}: look for {change.old!r} in {change.file} again"
        file.write_text(source.replace(change.old, change.new))


def run(tests: tuple[str, ...], house: Path) -> subprocess.CompletedProcess[str]:
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *tests,
    ]
    return subprocess.run(  # noqa: S603  our own tests
        words, cwd=house, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_each_deliberate_bug_can_still_be_made() -> None:
    for mutant in MUTANTS:
        for change in mutant.changes:
            count = (ROOT / change.file).read_text().count(change.old)
            assert count == 1, f"{mutant.name}: look for {change.old!r} in {change.file} again"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_deliberate_bug_is_found(mutant: Mutant, tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    apply(mutant, house)

    done = run(mutant.tests, house)

    assert done.returncode == 1, (
        f"it survived, or the tests could not run:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    )
    assert re.search(r"\b\d+ failed", done.stdout), done.stdout[-3000:]


def test_without_a_bug_the_same_tests_pass(tmp_path: Path) -> None:
    tests = tuple(sorted({test for mutant in MUTANTS for test in mutant.tests}))

    done = run(tests, copy_of_the_house(tmp_path))

    assert done.returncode == 0, done.stdout[-3000:]
