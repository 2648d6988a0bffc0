"""What workers count together, in files of one folder: each has its own, and those of dead workers become one.

prometheus_client reads the folder's name when it is imported, so the folder is there before the workers are started.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import multiprocess
from prometheus_client.mmap_dict import MmapedDict

from runtime.metrics import WORKERS_REPLACED
from runtime.processes import is_alive

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name for it
OF_THE_DEAD = 0  # in the place of a process id
SUMMED = ("counter", "histogram")


@contextmanager
def shared_by_workers(workers: int) -> Iterator[None]:
    """Let that many worker processes, started inside the block, count together; the folder goes with the block.

    A folder that the environment names already is used as it is, and left.
    """
    if workers == 1 or FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="paygraph-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def count_if_replacement(workers: int) -> None:
    """Called by each worker as it starts: those beyond the first `workers` take the place of one that died."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        WORKERS_REPLACED.inc(0)
        return
    with alone_in(Path(folder)):
        started = len(list(Path(folder).glob("*.started")))
        (Path(folder) / f"{os.getpid()}.started").touch()
    WORKERS_REPLACED.inc(1 if started >= workers else 0)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One process at a time reads or rewrites the files: a sum that misses one of them would look like a restart."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add_up_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that have ended, and put what they counted into one file for all of them."""
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
