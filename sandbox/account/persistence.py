"""What lets a demo be restarted: one JSON line per saved object, the last line of an id counts."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

Line = dict[str, Any]


class StateFile:
    """An append-only file of `{"kind", "id", "object"}` lines, compacted when it is opened.

    A line is handed to the operating system at once but not forced to the disk: it outlives the process, not a
    power cut. A line torn by a crash is dropped at the next start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._kept = self._read()
        self._compact()
        self._file: TextIO = path.open("a", encoding="utf-8")

    def lines(self) -> Iterator[Line]:
        """What was there at the start, in the order in which it was first saved."""
        return iter(self._kept.values())

    def append(self, kind: str, object_id: str, value: Line) -> None:
        self._file.write(_line({"kind": kind, "id": object_id, "object": value}))
        self._file.flush()

    def clear(self) -> None:
        """Forget everything, for a reset."""
        self._file.seek(0)
        self._file.truncate()

    def close(self) -> None:
        self._file.close()

    def _read(self) -> dict[tuple[str, str], Line]:
        kept: dict[tuple[str, str], Line] = {}
        if not self._path.exists():
            return kept
        with self._path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except json.JSONDecodeError:
                    continue
                kept[line["kind"], line["id"]] = line
        return kept

    def _compact(self) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.touch(mode=0o600)  # it holds client secrets, of test payments only
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(map(_line, self._kept.values()))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _line(value: Line) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
