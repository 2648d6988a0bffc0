"""What workers count together, in files of one folder: each has its own, and those of dead workers become one.

prometheus_client reads the folder's name when it is imported, so the folder is there before the workers are started.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import multiprocess
from prometheus_client.mmap_dict import MmapedDict

from runtime.logs import WORKER_DIED
from runtime.metrics import WORKERS_REPLACED
from runtime.processes import is_alive

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name for it
OF_THE_DEAD = 0  # in the place of a process id
SUMMED = ("counter", "histogram")


@contextmanager
def shared_by_workers(workers: int) -> Iterator[None]:
    """Let that many worker processes, started inside the block, count together; the folder goes with the block."""
    if workers == 1:
        yield
        return
    with (
        tempfile.TemporaryDirectory(prefix="paygraph-metrics-", ignore_cleanup_errors=True) as folder,
        _deaths_noted(Path(folder)),
    ):
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


@contextmanager
def _deaths_noted(folder: Path) -> Iterator[None]:
    """A mark for each worker that uvicorn starts anew. Who starts them knows it also of one that died while it started,
    and has no counts of its own: it imported prometheus_client before the folder was there."""
    logger, deaths = logging.getLogger("uvicorn.error"), _Deaths(folder)
    logger.addFilter(deaths)
    try:
        yield
    finally:
        logger.removeFilter(deaths)


class _Deaths(logging.Filter):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def filter(self, record: logging.LogRecord) -> bool:
        if died := WORKER_DIED.fullmatch(record.getMessage()):
            (self._folder / f"{died[1]}.died").touch()
        return True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One process at a time reads or rewrites the files: a sum that misses one of them would look like a restart."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add_up_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that have ended, put what they counted into one file for all of them, and count who
    was started anew."""
    for mark in folder.glob("*.died"):
        mark.unlink()
        WORKERS_REPLACED.inc()
    for file in folder.glob("*_*.db"):
        kind, _, pid = file.stem.rpartition("_")
        if not pid.isdigit() or int(pid) == OF_THE_DEAD or is_alive(int(pid)):
            continue
        if kind in SUMMED:
            _add(file, folder / f"{kind}_{OF_THE_DEAD}.db")
        else:
            multiprocess.mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]


def _add(file: Path, sums: Path) -> None:
    taken = file.rename(file.with_suffix(".taken"))  # a scrape that is interrupted here does not add it twice
    total = MmapedDict(str(sums))  # type: ignore[no-untyped-call]
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(taken)):  # type: ignore[no-untyped-call]
            before, _ = total.read_value(key)  # type: ignore[no-untyped-call]
            total.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        total.close()  # type: ignore[no-untyped-call]
    taken.unlink()
