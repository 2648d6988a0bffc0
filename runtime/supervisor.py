"""The process that starts the workers of `serve` and replaces those that die or hang."""

import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from socket import socket
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import SIGNALS, Process

logger = logging.getLogger("uvicorn.error")  # whose lines about workers they join


def run_workers(app: Any, count: int, sockets: Sequence[socket], options: Mapping[str, Any]) -> None:
    """Serve on these sockets until a signal; `app` is a factory, and its name in a module for more workers than one.

    Ends the process with uvicorn's own code when no worker can start.
    """
    config = uvicorn.Config(app, factory=True, workers=count, **options)
    if count > 1:
        Supervisor(config, [*sockets]).run()
        return
    server = uvicorn.Server(config)
    server.run([*sockets])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


class Supervisor(Multiprocess):
    """uvicorn's, which lets a worker take its time to start.

    uvicorn kills a worker that does not answer within `timeout_worker_healthcheck`, and one that is still importing
    answers nothing. On a machine that is too busy all of them would be killed and started for ever, each time from the
    beginning. So the time is for those that have answered once; before that only death counts.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        ignored = [each for each in SIGNALS if signal.getsignal(each) is signal.SIG_IGN]
        super().__init__(config, sockets)
        for each in ignored:  # as `nohup` has it
            signal.signal(each, signal.SIG_IGN)
        self._asked: WeakKeyDictionary[Process, float] = WeakKeyDictionary()  # when
        self.answered: WeakSet[Process] = WeakSet()
        self._slow: WeakSet[Process] = WeakSet()

    def handle_hup(self) -> None:
        """A terminal that is closed ends several workers as it ends one; uvicorn would start them anew."""
        logger.info("Received SIGHUP, exiting.")
        self.should_exit.set()

    def handle_ttin(self) -> None:
        """uvicorn would start one worker more; Stripe's limit and the connections are divided by WORKERS."""

    def handle_ttou(self) -> None:
        """Whoever writes from the background to a terminal may get it; uvicorn would end a worker each time."""

    def keep_subprocess_alive(self) -> None:
        starting = [process for process in self.processes if self._is_starting(process)]
        self.processes = [process for process in self.processes if process not in starting]
        try:
            super().keep_subprocess_alive()
        finally:
            self.processes += starting

    def _is_starting(self, process: Process) -> bool:
        if process in self.answered or not process.process.is_alive():
            return False
        if process not in self._asked:
            self._asked[process] = monotonic()
            process.parent_conn.send(b"ping")  # once, since each question that waits is answered in the end
        if not process.parent_conn.poll(0):
            self._tell_if_slow(process)
            return True
        process.parent_conn.recv()
        self.answered.add(process)
        return False

    def _tell_if_slow(self, process: Process) -> None:
        patience = self.config.timeout_worker_healthcheck
        if process not in self._slow and monotonic() - self._asked[process] > patience:
            self._slow.add(process)
            logger.warning("Child process [%s] is still starting after %s seconds", process.pid, patience)
