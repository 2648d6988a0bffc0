"""A copy of this project in which a deliberate bug is made, looked for, and taken back."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from tests.proof.mutants import fork_server
from tests.proof.mutants.mutant import Mutant

ROOT = Path(__file__).parents[3]
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
# What the attackers and the clients have installed beside them would fill a disk.
LEFT_OUT = shutil.ignore_patterns(".venv", "node_modules", "__pycache__")


@dataclass(frozen=True)
class Done:
    """`returncode` is that of pytest, or a signal's number below zero."""

    returncode: int
    output: str


class House:
    """One copy for all bugs, one after the other: what a bug does not change stays compiled."""

    def __init__(self, place: Path, server: subprocess.Popen[str]) -> None:
        self._place = place
        self._server = server

    @contextmanager
    def with_bug(self, mutant: Mutant) -> Iterator[None]:
        """Nothing of a bug is left for the next one: its text, what was compiled of it, what hypothesis found."""
        files = {self._place / change.file for change in mutant.changes}
        before = {file: (file.read_bytes(), file.stat()) for file in files}
        try:
            for change in mutant.changes:
                file = self._place / change.file
                source = file.read_text()
                assert source.count(change.old) == 1, f"look for {change.old!r} in {change.file} again"
                file.write_text(source.replace(change.old, change.new))
                _forget_compiled(file)
            yield
        finally:
            for file, (content, stat) in before.items():
                file.write_bytes(content)
                os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
                _forget_compiled(file)
            shutil.rmtree(self._place / ".hypothesis", ignore_errors=True)

    def run(self, tests: tuple[str, ...], environment: Mapping[str, str], *, seconds: int) -> Done:
        output = self._place.with_name("output.txt")
        order: fork_server.Order = {
            "house": str(self._place),
            "node_ids": list(tests),
            "environment": dict(environment),
            "seconds": seconds,
            "output": str(output),
        }
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(f"{json.dumps(order)}\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "what runs the tests has ended"
        return Done(int(answer), output.read_text(errors="replace"))


def _forget_compiled(file: Path) -> None:
    Path(cache_from_source(str(file))).unlink(missing_ok=True)


@contextmanager
def house_in(place: Path) -> Iterator[House]:
    """A copy under `place`, and the process that runs its tests."""
    copy = place / "house"
    copy.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, copy / part)
    words = [sys.executable, "-P", fork_server.__file__]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  ours
        try:
            yield House(copy, server)
        finally:
            assert server.stdin
            server.stdin.close()
