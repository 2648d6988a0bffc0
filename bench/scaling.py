"""What a second worker adds, on a machine that has no core to spare for it.

Each worker is held to a fifth of a core by a cgroup's CPU quota, so that two of them, the load and the database fit on
the machine's cores. Whether the second brings as much as the first then tells whether they stand in each other's way.
"""

from pathlib import Path
from statistics import median

from bench.machine import Process, family
from bench.quotas import QuotasUnavailable, held
from bench.stage import Stage, stage

PART = 0.2  # of a core, for each worker
ROUNDS = 3
SECONDS = 6.0


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
    with held(pids, PART):
        outcome = on.pay(server, SECONDS, count=workers * most, connections=32)
    if outcome.good != outcome.done:
        raise RuntimeError(f"{outcome.done - outcome.good} bad answers: {outcome.other[0]}")
    return outcome.done / outcome.seconds


def workers_of(server: Process) -> list[int]:
    return [pid for pid in family(server.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
