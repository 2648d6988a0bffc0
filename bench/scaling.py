"""What a second worker adds, on a machine that has no core to spare for it.

Each worker is held to a fifth of a core by a cgroup's CPU quota, so that two of them, the load and the database fit on
the machine's cores. Whether the second brings as much as the first then tells whether they stand in each other's way.
https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench.machine import Process, family
from bench.stage import Stage, stage

PART = 0.2  # of a core, for each worker
PERIOD = 20_000  # µs
ROUNDS = 3
SECONDS = 6.0
V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


class QuotasUnavailable(Exception):
    """This user, or this system, has no CPU quotas to give."""


def two_workers_to_one() -> float | None:
    """Requests a second of two workers, as a ratio to those of one; None where quotas can't be set."""
    most = int(2_000 * PART * SECONDS)
    with (
        stage((ROUNDS + 1) * 3 * most) as on,
        on.server(core=None) as one,
        on.server(WORKERS="2", core=None) as two,
    ):
        try:
            rounds = [(rate(on, one, 1, most), rate(on, two, 2, most)) for _ in range(ROUNDS + 1)]
        except QuotasUnavailable:
            return None
    return median(of_two / of_one for of_one, of_two in rounds[1:])  # the first warms up


def rate(on: Stage, server: Process, workers: int, most: int) -> float:
    pids = [server.pid] if workers == 1 else workers_of(server)
    with held(pids):
        outcome = on.pay(server, SECONDS, count=workers * most, connections=32)
    if outcome.good != outcome.done:
        raise RuntimeError(f"{outcome.done - outcome.good} bad answers: {outcome.other[0]}")
    return outcome.done / outcome.seconds


def workers_of(server: Process) -> list[int]:
    return [pid for pid in family(server.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]


@contextmanager
def held(pids: Sequence[int]) -> Iterator[None]:
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(held_to_quota(pid))
        yield


@contextmanager
def held_to_quota(pid: int) -> Iterator[None]:
    is_v2 = (V2 / "cgroup.controllers").exists()
    root = V2 if is_v2 else V1
    group, quota = root / f"paygraph-bench-{pid}", int(PERIOD * PART)
    limits = (
        {"cpu.max": f"{quota} {PERIOD}"}
        if is_v2
        else {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota}
    )
    try:
        if is_v2:
            (root / "cgroup.subtree_control").write_text("+cpu")
        group.mkdir()
        for name, value in limits.items():
            (group / name).write_text(str(value))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        remove(group)
        raise QuotasUnavailable from error
    try:
        yield
    finally:
        (root / "cgroup.procs").write_text(str(pid))
        remove(group)


def remove(group: Path, tries: int = 50) -> None:
    """A group is busy for a moment after its last process left."""
    for _ in range(tries):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return
