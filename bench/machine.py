"""Processes on cores of their own, and what they cost: CPU by the scheduler's own books, memory, time to start."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
KEYS = {
    "STRIPE_SECRET_KEY": "sk_test_bench0000000000000000",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_bench0000000000000000",
    "STRIPE_WEBHOOK_SECRET": "whsec_bench000000000000000000000000",
    "JWT_SECRET": "a-secret-for-loopback-tests-only-0123456789",
    "PAYMENTS_PER_MINUTE": "1000000",
    "PAYMENTS_PER_MINUTE_OF_ORDER": "1000000",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Process:
    pid: int
    port: int

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of CPU so far, of the process and its children."""
        return sum(map(_scheduled, family(self.pid)))

    def waited(self) -> float:
        """Seconds for which it was ready to run and something else had its core."""
        return sum(map(_waited, family(self.pid)))

    def memory(self) -> float:
        """Resident megabytes of the largest of the process and its children."""
        return max(map(_memory_of, family(self.pid)))


def _scheduled(pid: int) -> float:
    """Seconds on a core."""
    return sum(each[0] for each in _schedules(pid)) / 1e9


def _waited(pid: int) -> float:
    return sum(each[1] for each in _schedules(pid)) / 1e9


def _schedules(pid: int) -> Iterator[tuple[int, int]]:
    """Of each thread, nanoseconds on a core and waiting for one."""
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        on, waiting, _ = map(int, task.read_text().split())
        yield on, waiting


def _memory_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def family(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This process, and what it starts meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def python(*words: str, env: Mapping[str, str], port: int, core: int | None) -> Iterator[Process]:
    """A Python process with these words that listens on `port`, on one core (anywhere for None)."""
    with program(sys.executable, *words, env=env, port=port, core=core) as process:
        yield process


@contextmanager
def program(
    *words: str, env: Mapping[str, str], port: int, core: int | None, place: Path = ROOT
) -> Iterator[Process]:
    """The same of any program, started in `place`."""
    running = subprocess.Popen(  # noqa: S603  our own
        words,
        env={**os.environ, **KEYS, **env},
        cwd=place,
        stderr=subprocess.DEVNULL,
        preexec_fn=None if core is None else (lambda: os.sched_setaffinity(0, {core})),
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/livez")
        yield Process(running.pid, port)
    finally:
        running.terminate()
        running.wait()


def wait_for(url: str, *, ok: bool = False, patience: float = 30.0) -> float:
    """Seconds until something answers there; with a 200 if `ok`."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own
                break
        except urllib.error.HTTPError:
            if not ok:
                break
        except OSError:
            pass
        time.sleep(0.005)
    return time.perf_counter() - began


def command(*words: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  our own
        [sys.executable, "main.py", *words],
        env={**os.environ, **KEYS, **env},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
