"""What the README says is true: its lines run as they stand, its links lead somewhere, its promises have tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import ExecutableDefinitionNode, build_schema, parse, validate

from graph.schema import sdl
from runtime.database.database import Database
from services.stripe_api.gateway import API_VERSION
from tests.client import Client
from tests.e2e.processes import MAIN, PATIENCE, ROOT, shell
from tests.ports import free_ports

README = (ROOT / "README.md").read_text()
PAGES = sorted(
    page
    for folder, pattern in ((".", "*.md"), ("docs", "**/*.md"), ("examples", "*/*.md"), ("web", "*.md"))
    for page in (ROOT / folder).glob(pattern)
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def lines_for_the_shell(data: Path) -> str:
    """The README's own, with this checkout's Python and a folder of the test's."""
    lines: str
    [lines] = re.findall(r"```sh\n(.+?)```", README, re.DOTALL)
    for there, here in {".data/": f"{data}/", ".venv/bin/python main.py": f"{sys.executable} {MAIN}"}.items():
        assert there in lines
        lines = lines.replace(there, here)
    return lines


def pasted(lines: str, port: int, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  the README's own words
        ["/bin/bash", "-uo", "pipefail", "-c", lines],
        cwd=folder,
        env={**os.environ, "PORT": str(port), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_the_shell_take_an_order_to_paid_on_any_port(tmp_path: Path) -> None:
    port = free_ports(2)
    with shell(tmp_path) as sh:
        demo = sh.start("demo", PORT=str(port), DATA_DIR=str(tmp_path / "data"))
        demo.answers(f"http://127.0.0.1:{port}/readyz")
        done = pasted(lines_for_the_shell(tmp_path / "data"), port, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(
        '{"data":{"order":{"status":"PAID","total":{"amount":"39.98","currency":"USD"}}}}'
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_the_shell_say_so_where_no_demo_answers(tmp_path: Path) -> None:
    port = free_ports(2)
    beginning = lines_for_the_shell(tmp_path / "data").partition("TOKEN=")[0]
    assert f"No demo answers on port {port}" in pasted(beginning, port, tmp_path).stderr


def test_every_page_of_the_documentation_is_listed() -> None:
    listed = set(re.findall(r"^\| \[docs/([\w.]+)\]", README, re.MULTILINE))
    assert listed == {page.name for page in (ROOT / "docs").glob("*.md")} | {"operations"}


def test_each_promise_is_printed_with_a_test_that_exists() -> None:
    promises = re.findall(
        r"^\| (P\d+) \| .+ \| \[`(test_\w+)`\]\((tests/\S+\.py)\) \|$", README, re.MULTILINE
    )
    assert [number for number, _, _ in promises] == [f"P{n}" for n in range(1, 12)]
    for _, test, file in promises:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (
            f"{file}::{test}"
        )


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        there = page.parent / target if target else page
        assert there.exists(), f"{page.name} → {target}"
        assert not anchor or anchor in anchors(there), f"{page.name} → {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_command_and_target_that_is_named_exists() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"[`$] ?make ([a-z-]+)", text)) <= targets
    named = set(re.findall(r"main\.py ([a-z-]+)\b(?!\.)", text))
    known = subprocess.run(  # noqa: S603  the program's own help
        [sys.executable, str(MAIN), "--help"], capture_output=True, text=True, timeout=PATIENCE, check=True
    ).stdout
    assert named <= set(re.findall(r"^ {4}([a-z-]+)", known, re.MULTILINE))
    assert {"serve", "migrate", "reconcile"} <= named


def test_the_version_of_stripes_api_is_the_one_that_calls_carry() -> None:
    assert f"`{API_VERSION}`" in README


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_each_example_in_graphql_fits_the_schema(page: Path) -> None:
    schema = build_schema(sdl())
    for example in re.findall(r"```graphql\n(.+?)```", page.read_text(), re.DOTALL):
        document = parse(example)
        if all(isinstance(each, ExecutableDefinitionNode) for each in document.definitions):
            assert not validate(schema, document), example


async def test_the_example_of_an_import_places_the_order(client: Client, database: Database) -> None:
    [example] = re.findall(r"```graphql\n(.+?)```", README, re.DOTALL)

    placed = (await client.data(example, user="shop", role="merchant"))["importOrder"]
    again = (await client.data(example, user="shop", role="merchant"))["importOrder"]

    assert placed["__typename"] == "Order"
    assert again == placed
    assert (await client.pay(placed["id"], user="ada"))["amount"]["minorUnits"] == 9_912
