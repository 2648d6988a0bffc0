"""What serves uses its libraries by their public names, so that they can be upgraded without fear."""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.schema import schema
from tests.unit.house.test_house import ROOT, files, tree_of

SERVING = ("graph", "models", "runtime", "services", "main.py", "settings.py")
# Each with its reason where it stands, and with a test below that fails when the library has it no longer.
ALLOWED = {
    "graph/schema.py": {"_schema"},
    "runtime/http_edge.py": {"_should_upgrade_to_ws", "_unset_keepalive_if_required"},
}
DOCUMENTED = {"_asdict", "_fields", "_make", "_replace"}  # of named tuples


def serving_files() -> list[Path]:
    return [file for file in files("*.py") if file.relative_to(ROOT).parts[0] in SERVING]


def is_private(name: str) -> bool:
    is_enums_own = name.endswith("_")
    return name.startswith("_") and not name.startswith("__") and not is_enums_own and name not in DOCUMENTED


def names_defined(tree: ast.AST) -> Iterator[str]:
    """What a file defines itself: functions, classes, variables, attributes of `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and is_set_on_self(node):
            yield node.attr


def is_set_on_self(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in ("self", "cls")


def private_names_used(tree: ast.AST) -> Iterator[str]:
    """Attributes that are read or set, names and modules that are imported, attributes that are asked for by text."""
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Attribute):
            found = [node.attr]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            found = [part for alias in node.names for part in f"{module}.{alias.name}".split(".")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            found = [
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
        yield from filter(is_private, found)


def private_names_of_libraries(tree: ast.AST, ours: set[str]) -> set[str]:
    return {name for name in private_names_used(tree) if name not in ours}


def test_private_names_of_libraries_are_those_that_are_allowed() -> None:
    ours = {name for file in serving_files() for name in names_defined(tree_of(file))}
    libraries = {name for names in ALLOWED.values() for name in names}
    found = {
        str(file.relative_to(ROOT)): names
        for file in serving_files()
        if (names := private_names_of_libraries(tree_of(file), ours - libraries))
    }
    assert found == ALLOWED


def test_a_private_name_is_found_wherever_it_stands() -> None:
    text = """
import library._inside
from library import _thing
from library._inside import thing
class Ours(library.Theirs):
    def _mine(self):
        self._mine()
        return self._theirs, thing._theirs_too, getattr(thing, "_by_text")
"""
    tree = ast.parse(text)
    assert private_names_of_libraries(tree, set(names_defined(tree))) == {
        "_inside", "_thing", "_theirs", "_theirs_too", "_by_text",
    }  # fmt: skip


def serving_modules() -> Iterator[ModuleType]:
    for file in serving_files():
        if "migrations" not in file.parts:  # those run within Alembic
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield importlib.import_module(name)


def methods_of(kind: type) -> Iterator[str]:
    return (name for name, value in vars(kind).items() if inspect.isfunction(value) and is_private(name))


def test_no_private_method_of_a_library_is_overridden() -> None:
    """An attribute of ours that a library's class has too would go unseen by reading the text."""
    overridden = {
        f"{kind.__module__}.{kind.__name__}.{name}"
        for module in serving_modules()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
        for name in methods_of(kind)
        for base in kind.__mro__[1:]
        if name in vars(base) and not is_of_this_house(base)
    }
    assert overridden == set()


def is_of_this_house(kind: type) -> bool:
    file = getattr(sys.modules[kind.__module__], "__file__", None)
    return file is not None and Path(file).is_relative_to(ROOT) and ".venv" not in Path(file).parts


def test_the_modules_that_are_loaded_are_written_by_the_import_system_alone() -> None:
    for file in serving_files():
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                assert ast.unparse(node.value) != "sys.modules", file.relative_to(ROOT)


def test_strawberry_has_the_schema_of_graphql_core_by_the_name_that_we_know() -> None:
    assert schema.core.query_type is not None
    assert set(schema.core.query_type.fields) >= {"order", "orders"}


def test_uvicorn_has_the_methods_that_the_edge_calls() -> None:
    for name in ALLOWED["runtime/http_edge.py"]:
        assert inspect.isfunction(getattr(HttpToolsProtocol, name))
    assert issubclass(httptools.HttpParserUpgrade, Exception)
