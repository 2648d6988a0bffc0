"""CPU quotas by cgroup: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PERIOD = 20_000  # µs
V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


class QuotasUnavailable(Exception):
    """This user, or this system, has no CPU quotas to give."""


@contextmanager
def held(pids: Sequence[int], part: float) -> Iterator[None]:
    """Let each of the processes have `part` of a core; `QuotasUnavailable` where that can't be."""
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(_held(pid, int(PERIOD * part)))
        yield


@contextmanager
def _held(pid: int, quota: int) -> Iterator[None]:
    is_v2 = (V2 / "cgroup.controllers").exists()
    root = V2 if is_v2 else V1
    group = root / f"paygraph-bench-{pid}"
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
        _remove(group)
        raise QuotasUnavailable from error
    try:
        yield
    finally:
        (root / "cgroup.procs").write_text(str(pid))
        _remove(group)


def _remove(group: Path, tries: int = 50) -> None:
    """A group is busy for a moment after its last process left."""
    for _ in range(tries):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return
