"""What the README says is true: its lines run as they stand, its links lead somewhere, its promises have tests."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.stripe_api.gateway import API_VERSION
from tests.e2e.processes import MAIN, PATIENCE, ROOT, free_ports, shell

README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_the_shell_take_an_order_to_paid(tmp_path: Path) -> None:
    [lines] = re.findall(r"```sh\n(.+?)```", README, re.DOTALL)
    port = free_ports(2)
    for there, here in {
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "127.0.0.1:8001": f"127.0.0.1:{port + 1}",
        ".data/": f"{tmp_path}/data/",
        ".venv/bin/python main.py": f"{sys.executable} {MAIN}",
    }.items():
        assert there in lines
        lines = lines.replace(there, here)
    with shell(tmp_path) as sh:
        demo = sh.start("demo", PORT=str(port), DATA_DIR=str(tmp_path / "data"))
        demo.answers(f"http://127.0.0.1:{port}/readyz")
        done = subprocess.run(  # noqa: S603  the README's own words
            ["/bin/bash", "-euo", "pipefail", "-c", lines],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(
        '{"data":{"order":{"status":"PAID","total":{"amount":"39.98","currency":"USD"}}}}'
    )


def test_each_promise_is_printed_with_a_test_that_exists() -> None:
    promises = re.findall(
        r"^\| (P\d+) \| .+ \| \[`(test_\w+)`\]\((tests/\S+\.py)\) \|$", README, re.MULTILINE
    )
    assert [number for number, _, _ in promises] == [f"P{n}" for n in range(1, 11)]
    for _, test, file in promises:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (
            f"{file}::{test}"
        )


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_a_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} → {target}"


def test_every_command_and_target_that_is_named_exists() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"[`$] ?make ([a-z-]+)", text)) <= targets
    named = set(re.findall(r"main\.py ([a-z-]+)", text))
    known = subprocess.run(  # noqa: S603  the program's own help
        [sys.executable, str(MAIN), "--help"], capture_output=True, text=True, timeout=PATIENCE, check=True
    ).stdout
    assert named <= set(re.findall(r"^ {4}([a-z-]+)", known, re.MULTILINE))
    assert {"serve", "migrate", "reconcile"} <= named


def test_the_version_of_stripes_api_is_the_one_that_calls_carry() -> None:
    assert f"`{API_VERSION}`" in README
