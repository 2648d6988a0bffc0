"""Commands of main.py as a person runs them: processes of their own, in an empty folder and environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from runtime.processes import ENDING

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "main.py"
PATIENCE = 60.0
# One for all, since each new one reads every root certificate; without kept connections, since servers come and go.
HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), timeout=PATIENCE)
T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str = ""


@dataclass
class Running:
    """A command that runs until it is told to stop. Its output goes to a file, so that no pipe can fill up."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def answers(self, url: str) -> None:
        """Wait until an address answers with 200."""

        def answered() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.output}"
            try:
                return HTTP.get(url).status_code == 200
            except httpx.TransportError:
                return False

        eventually(answered)

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> Ended:
        self.process.send_signal(sent)
        return self._ended()

    def interrupt(self) -> Ended:
        """Ctrl-C: the terminal sends SIGINT to the command and to every process that it started."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self._ended()

    def _ended(self) -> Ended:
        return Ended(self.process.wait(PATIENCE), self.output)


def heed_signals() -> None:
    """As a terminal starts its commands, also where the tests themselves run under `nohup` or in the background."""
    for sent in ENDING:
        signal.signal(sent, signal.SIG_DFL)


@dataclass
class Shell:
    """Starts commands in `folder`; each is ended, by its process id, when the block of `shell` ends."""

    folder: Path
    patience: float = PATIENCE
    started: list[Running] = field(default_factory=list)

    def run(self, *words: str, **settings: str) -> Ended:
        """Run a command to its end, within `patience`."""
        done = subprocess.run(  # noqa: S603  our own command line
            [sys.executable, MAIN, *words],
            cwd=self.folder,
            env=self.environment(settings),
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **settings: str) -> Running:
        return self.start_program(words[0], sys.executable, MAIN, *words, **settings)

    def start_program(self, name: str, *command: str | Path, **settings: str) -> Running:
        """Start any program, with nothing but `settings` in its environment; `name` is its log's."""
        log = self.folder / f"{len(self.started)}-{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  our own command line
                command,
                cwd=self.folder,
                env=self.environment(settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_signals,
            )
        self.started.append(Running(process, log))
        return self.started[-1]

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        """`settings`, and nothing of the test run's own but where programs are."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **settings}


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    made = Shell(folder)
    try:
        yield made
    finally:
        left = [running.process for running in made.started if running.process.poll() is None]
        for process in left:
            process.terminate()
        for process in left:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has stopped as it was asked to, and kill it if it does not."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def eventually(happened: Callable[[], T | None]) -> T:
    """Wait for what another process will bring about; returns what it was."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < deadline, f"it did not happen within {PATIENCE} seconds"
        time.sleep(0.05)
    return found


def is_running(pid: int) -> bool:
    """Whether a process lives; one that has ended and waits to be reaped has no command line any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False
