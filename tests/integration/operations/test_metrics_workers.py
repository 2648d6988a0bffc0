"""Several processes count as one, also when some of them have died: on processes of their own."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

from runtime import logs
from services.operations.worker_counts import FOLDER, shared_by_workers
from tests.e2e.processes import ROOT
from tests.numbers import Numbers, numbers_of

COUNT_AND_SHOW = """
import sys
from services.operations.metrics_endpoint import counted
from runtime.metrics import POOL_SIZE, REQUESTS
REQUESTS.labels("me", "User").inc(int(sys.argv[1]))
POOL_SIZE.set(10)
sys.stdout.write(counted().decode())
"""


def worker(folder: Path, count: int) -> Numbers:
    """What a worker shows that has counted so much; then it dies."""
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", COUNT_AND_SHOW, str(count)],
        cwd=ROOT,
        env={**os.environ, FOLDER: str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return numbers_of(done.stdout)


def test_what_the_dead_counted_stays_and_their_connections_do_not(tmp_path: Path) -> None:
    counted = [worker(tmp_path, count) for count in (1, 10)]
    requests = [numbers.of("paygraph_requests_total", operation="me", result="User") for numbers in counted]
    assert requests == [1, 11]
    assert [numbers.of("paygraph_pool_size") for numbers in counted] == [10, 10]


def test_workers_that_die_leave_no_files_behind(tmp_path: Path) -> None:
    shown = [worker(tmp_path, 1) for _ in range(6)]

    assert [numbers.of("paygraph_requests_total", operation="me", result="User") for numbers in shown] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip
    # The last one's, which nobody has been asked since, and what all before it counted.
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    assert len(list(tmp_path.glob("gauge_*.db"))) == 1


def test_a_worker_that_is_started_anew_is_counted_once_whoever_is_asked() -> None:
    """Also one that never got so far as to count anything."""
    logs.configure("WARNING", "json", to=io.StringIO())
    try:
        with shared_by_workers(2):
            folder = Path(os.environ[FOLDER])
            shown = [worker(folder, 1)]
            for pid in (101, 102):
                logging.getLogger("uvicorn.error").info("Child process [%d] died", pid)
            shown += [worker(folder, 1), worker(folder, 1)]
    finally:
        logs.configure("INFO", "json")
    assert [numbers.of("paygraph_workers_replaced_total") for numbers in shown] == [0, 2, 2]


def test_the_folder_is_there_for_several_workers_and_goes_with_them() -> None:
    before = os.environ.get(FOLDER)
    assert before is None
    with shared_by_workers(1):
        assert FOLDER not in os.environ
    with shared_by_workers(2):
        folder = Path(os.environ[FOLDER])
        assert folder.is_dir()
    assert not folder.exists()
    assert FOLDER not in os.environ
