"""The house keeps its shape: imports run one way, and each thing lives in its one place."""

import ast
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOMS = ("main", "graph", "services", "models", "runtime")  # each may use itself and those to its right
# Inside services: each room may use itself and those before it.
SERVICES = ("identity", "orders", "payments", "reconciliation", "notifications", "stripe_api", "operations")
OUTSIDE = ("sandbox", "settings")
TOP_LEVEL = {
    "graph", "models", "services", "runtime", "tests", "web", "sandbox", "bench", "docs", "examples",
    "main.py", "settings.py", "schema.graphql", "pyproject.toml", "Makefile",
    "requirements.txt", "requirements-demo.txt", "requirements-dev.txt", "requirements-otel.txt",
    "requirements-openapi.txt", "requirements-installer.txt",
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
}  # fmt: skip
STATEMENTS = {"select", "insert", "update", "delete", "text"}
STATEMENT_MODULES = ("sqlalchemy", "sqlmodel")
# Put together here, so that this file does not name them itself.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
        ("npmmirror", "com"), ("debian", "org"), ("ubuntu", "com"), ("alpinelinux", "org"), ("anaconda", "org"),
        ("jsr", "io"),
    )
]  # fmt: skip
SKIPPED = {".git", ".venv", ".data", "node_modules", "__pycache__", "dist"}


@cache
def all_files() -> tuple[Path, ...]:
    """The project's own files, without what is installed, built or kept for a run."""
    found: list[Path] = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = sorted(name for name in inner if name not in SKIPPED and not name.endswith("_cache"))
        found += [Path(folder, name) for name in sorted(names)]
    return tuple(found)


def files(*patterns: str) -> Iterator[Path]:
    return (file for file in all_files() if any(file.match(pattern) for pattern in patterns))


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def sources(*rooms: str) -> list[Path]:
    """Python files by room: a folder or a module at the top; all of them for none."""
    wanted = rooms or (
        "main",
        "settings",
        "graph",
        "services",
        "models",
        "runtime",
        "sandbox",
        "bench",
        "tests",
    )
    return [file for file in files("*.py") if room_of(file) in wanted]


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    """Full names of what a file imports, wherever in it the import stands."""
    return imported_by(tree_of(file))


def imported_by(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"an import names its module in full: {ast.unparse(node)}"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported_as_types(file: Path) -> set[str]:
    """What is imported for the type checker alone, which binds nothing at run time."""
    blocks = [
        node
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return set().union(*(imported_by(statement) for block in blocks for statement in block.body))


def importers(package: str) -> set[str]:
    """Where a package is imported, the tests and the sandbox apart."""
    return {
        str(file.relative_to(ROOT))
        for file in sources()
        if room_of(file) not in ("tests", "sandbox", "bench")
        and any(name.split(".")[0] == package for name in imported(file) - imported_as_types(file))
    }


def calls_from(tree: ast.AST, modules: Iterable[str], names: set[str]) -> set[str]:
    """Which of `names`, imported from `modules`, are called, also as an attribute of such a module."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in modules:
            known |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            known |= {a.asname or a.name: "" for a in node.names if a.name.split(".")[0] in modules}
    called = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and known.get(function.id) in names:
            called.add(known[function.id])
        elif isinstance(function, ast.Attribute) and function.attr in names:
            owner = ast.unparse(function.value)
            called |= {function.attr} if owner.split(".")[0] in known else set()
    return called


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_from_main_to_graph_to_services_to_models_to_runtime(room: str) -> None:
    above = {*ROOMS[: ROOMS.index(room)], *(OUTSIDE if room != "main" else ())}
    for file in sources(room):
        upward = {name for name in imported(file) if name.split(".")[0] in above}
        assert not upward, f"{file.relative_to(ROOT)} imports {upward}"


def test_rooms_of_services_import_only_earlier_rooms() -> None:
    for file in sources("services"):
        room = file.relative_to(ROOT / "services").parts[0]
        if room == "__init__.py":
            continue
        assert room in SERVICES, f"services/{room} is no room of the house"
        later = {f"services.{other}" for other in SERVICES[SERVICES.index(room) + 1 :]}
        upward = {name for name in imported(file) if ".".join(name.split(".")[:2]) in later}
        assert not upward, f"{file.relative_to(ROOT)} imports {upward}"


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_tests_are_divided_as_the_house_is(kind: str) -> None:
    rooms = {"house", "graph", "models", "runtime", *SERVICES}
    tests = [file.relative_to(ROOT / "tests" / kind) for file in (ROOT / "tests" / kind).rglob("test_*.py")]
    assert {file.parts[0] for file in tests if "node_modules" not in file.parts} <= rooms


def test_settings_use_services_alone_and_the_tests_are_imported_by_nobody() -> None:
    assert {name.split(".")[0] for name in imported(ROOT / "settings.py")} & {*ROOMS, *OUTSIDE} == {
        "services",
        "runtime",
    }
    assert all(
        name.split(".")[0] != "tests"
        for file in sources()
        if room_of(file) != "tests"
        for name in imported(file)
    )


@pytest.mark.parametrize(
    ("package", "places"),
    [
        ("jwt", {"services/identity/tokens.py"}),
        ("uvicorn", {"main.py", "runtime/http_edge.py", "runtime/socket_edge.py", "runtime/supervisor.py"}),
    ],
)
def test_a_library_is_imported_in_its_one_place(package: str, places: set[str]) -> None:
    assert importers(package) == places


@pytest.mark.parametrize(
    ("package", "room"),
    [("strawberry", "graph"), ("stripe", "services/stripe_api")],
)
def test_a_library_is_imported_in_its_one_room(package: str, room: str) -> None:
    assert {place for place in importers(package) if not place.startswith(f"{room}/")} == set()


def test_statements_are_built_in_models_alone() -> None:
    for file in sources("main", "settings", "graph", "services", "sandbox"):
        called = calls_from(tree_of(file), STATEMENT_MODULES, STATEMENTS)
        assert not called, f"{file.relative_to(ROOT)} builds {called}"


def test_transactions_begin_and_end_in_services_alone() -> None:
    for file in sources("main", "settings", "graph", "models"):
        used = {
            node.attr
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.Attribute)
            and node.attr in ("begin", "begin_nested", "commit", "rollback")
        }
        assert not used, f"{file.relative_to(ROOT)} uses {used}"


MOST_LINES = 400
LONGER = {
    "settings.py": 480,  # one list: every setting, and when it is unsafe
    "main.py": 460,  # every command, and what is built of the settings: the one place to see both
}


def test_files_have_at_most_400_lines_but_for_two_lists() -> None:
    for file in sources():
        name = str(file.relative_to(ROOT))
        lines = len(file.read_text().splitlines())
        assert lines <= LONGER.get(name, MOST_LINES), f"{name} has {lines} lines: is it one concept?"


def test_functions_have_at_most_40_lines() -> None:
    for file in sources():
        if "migrations" in file.parts:
            continue  # a migration is one list of tables
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= 40, f"{file.relative_to(ROOT)}: {node.name} has {lines} lines; 40 are enough"


def test_the_top_level_holds_what_belongs_there() -> None:
    visible = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")} - {"__pycache__"}
    assert visible <= TOP_LEVEL


def test_no_folder_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc"}
    assert not {str(file) for file in sources() if drawers & {*file.with_suffix("").relative_to(ROOT).parts}}


def test_no_lock_or_text_names_a_registry() -> None:
    kinds = ("txt", "toml", "json", "yaml", "yml", "md", "py", "cfg", "lock", "npmrc", "example")
    patterns = (*(f"*.{kind}" for kind in kinds), "Makefile", "run")
    for file in files(*patterns):
        named = [host for host in HOSTS if host in file.read_text(errors="replace")]
        assert not named, f"{file.relative_to(ROOT)} names {named}"


LOCKS = sorted(name for name in TOP_LEVEL if name.startswith("requirements"))
APART = [f"tests/{place}/requirements.txt" for place in ("attackers", "integration/graph/python_client")]


@pytest.mark.parametrize("lock", [*LOCKS, *APART])
def test_every_package_of_a_lock_has_an_exact_version_and_a_hash(lock: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text())
    packages = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert packages
    for line in packages:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line), line
        assert "--hash=sha256:" in line, line


def test_every_package_of_a_node_lock_has_a_hash_and_no_address() -> None:
    locks = list(files("package-lock.json"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert text.count('"integrity": "sha512-') == text.count('"node_modules/')
        assert '"resolved": "http' not in text


def test_test_ids_are_alike_in_every_worker() -> None:
    """Tests run side by side, and the workers must agree on which there are."""
    for file in sources("tests"):
        for node in ast.walk(tree_of(file)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            called = {name for decorator in node.decorator_list for name in names_called(decorator)}
            assert not called & {"uuid4", "token_hex", "random", "now"}, (
                f"{file.relative_to(ROOT)}: {node.name}"
            )


def names_called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2]
