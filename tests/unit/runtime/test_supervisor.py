"""Workers that take long to start, and those that hang: who is replaced, and who is waited for."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors.multiprocess import SIGNALS

from runtime.listening import listening
from runtime.supervisor import Supervisor
from tests.e2e.processes import eventually


@dataclass(frozen=True)
class SlowToImport:
    """An app that a worker has only when the gate is opened, as one that is still importing."""

    gate: str

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return SlowApp, (self.gate,)


class SlowApp:
    """A factory, made in a worker."""

    def __init__(self, gate: str) -> None:
        Path(gate).open("rb").close()  # waits until somebody has it open to write

    def __call__(self) -> Starlette:
        return Starlette()


@contextmanager
def signals_kept() -> Iterator[None]:
    """uvicorn's supervisor takes all of them for itself, but those that are ignored, as by `nohup`."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


@pytest.fixture
def supervisor(gate: Path) -> Iterator[Supervisor]:
    app: Any = SlowToImport(str(gate))  # a factory as soon as it is in a worker
    config = uvicorn.Config(
        app,
        factory=True,
        workers=2,
        timeout_worker_healthcheck=1,
        log_config=None,
    )
    with signals_kept(), listening("127.0.0.1", 0) as sockets:
        made = Supervisor(config, sockets)
        made.init_processes()
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()
                process.process.join()


def pids(supervisor: Supervisor) -> set[int | None]:
    return {process.pid for process in supervisor.processes}


def test_workers_that_are_still_importing_are_waited_for_and_it_is_told(
    supervisor: Supervisor, gate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = pids(supervisor)

    def slow_ones_are_told() -> bool:
        supervisor.keep_subprocess_alive()
        assert pids(supervisor) == first
        return len([line for line in caplog.messages if "still starting" in line]) == 2

    with caplog.at_level(logging.INFO, "uvicorn.error"):
        eventually(slow_ones_are_told)  # the time in which a worker that hangs is killed is over
        supervisor.keep_subprocess_alive()
        with gate.open("wb"):
            eventually(lambda: all(process.is_ready() for process in supervisor.processes))
        supervisor.keep_subprocess_alive()
    assert pids(supervisor) == first
    assert len(caplog.messages) == 2


def test_a_worker_that_dies_while_it_imports_is_replaced(supervisor: Supervisor) -> None:
    first, second = supervisor.processes
    supervisor.keep_subprocess_alive()
    first.process.kill()
    first.process.join()
    supervisor.keep_subprocess_alive()
    assert first.pid not in pids(supervisor)
    assert second.pid in pids(supervisor)
    assert len(supervisor.processes) == 2


def test_a_worker_that_has_answered_and_hangs_is_replaced(supervisor: Supervisor, gate: Path) -> None:
    first, second = supervisor.processes
    with gate.open("wb"):
        eventually(lambda: first.is_ready() and second.is_ready())

    def both_have_answered() -> bool:
        supervisor.keep_subprocess_alive()
        return {first, second} <= {*supervisor.answered}

    eventually(both_have_answered)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGSTOP)

    def it_is_replaced() -> bool:  # what it answered before it hung may still wait to be read
        supervisor.keep_subprocess_alive()
        return first.pid not in pids(supervisor)

    eventually(it_is_replaced)
    assert second.pid in pids(supervisor)


def test_a_closed_terminal_ends_it_and_job_control_changes_no_number(supervisor: Supervisor) -> None:
    first = pids(supervisor)
    for sent in (signal.SIGTTIN, signal.SIGTTOU):
        signal.raise_signal(sent)
    supervisor.handle_signals()
    assert (pids(supervisor), supervisor.should_exit.is_set()) == (first, False)
    signal.raise_signal(signal.SIGHUP)
    supervisor.handle_signals()
    assert supervisor.should_exit.is_set()


def test_a_signal_that_was_ignored_from_the_start_stays_ignored() -> None:
    with signals_kept():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        Supervisor(uvicorn.Config(Starlette(), log_config=None), [])
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
