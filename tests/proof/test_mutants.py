"""The tests bite: each deliberate bug is found by the tests that are there for it."""

import re
from collections.abc import Iterator

import pytest

from services.operations import migrations
from tests.conftest import GIVEN_DATABASE, GIVEN_TEMPLATE
from tests.e2e.databases import own_database
from tests.proof.mutants import MUTANTS
from tests.proof.mutants.house import ROOT, House, house_in
from tests.proof.mutants.mutant import Mutant

SECONDS = 180
A_SHORT_PROOF = {"PROOF_RUNS": "20", "PROOF_SHRINKS": "no"}
A_SHORTER_ONE = {"PROOF_RUNS": "3"}  # it only has to run at all


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_in(tmp_path_factory.mktemp("mutants")) as made:
        yield made


@pytest.fixture(scope="module")
def template(postgres_url: str) -> Iterator[str]:
    """What `migrated` is to the tests that look for a bug. Another installation than that of their first database."""
    with own_database(postgres_url) as url:
        migrations.upgrade(url)
        yield url


def test_each_deliberate_bug_can_still_be_made() -> None:
    for mutant in MUTANTS:
        for change in mutant.changes:
            count = (ROOT / change.file).read_text().count(change.old)
            assert count == 1, f"{mutant.name}: look for {change.old!r} in {change.file} again"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_deliberate_bug_is_found(
    mutant: Mutant, house: House, postgres_url: str, migrated: str, template: str
) -> None:
    made = not mutant.is_in_a_migration
    with house.with_bug(mutant), own_database(postgres_url, like=migrated if made else None) as url:
        given = {GIVEN_DATABASE: url, **({GIVEN_TEMPLATE: template} if made else {})}
        done = house.run(mutant.tests, {**given, **A_SHORT_PROOF}, seconds=SECONDS)

    assert done.returncode == 1, f"it survived, or the tests could not run:\n{done.output[-5000:]}"
    assert re.search(r"\b\d+ failed", done.output), done.output[-3000:]


def test_without_a_bug_tests_pass_there(
    house: House, postgres_url: str, migrated: str, template: str
) -> None:
    """The first of each file that a bug is looked for in; in this project itself, all of them pass or the run fails."""
    first = {test.partition("::")[0]: test for mutant in reversed(MUTANTS) for test in reversed(mutant.tests)}
    tests = tuple(first[file] for file in sorted(first))

    with own_database(postgres_url, like=migrated) as url:
        given = {GIVEN_DATABASE: url, GIVEN_TEMPLATE: template}
        done = house.run(tests, {**given, **A_SHORTER_ONE}, seconds=len(tests) * SECONDS)

    assert done.returncode == 0, done.output[-3000:]
