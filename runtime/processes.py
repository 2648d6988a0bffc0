"""Processes of this machine, by their ids, and the signals that end this one."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, `kill`, a terminal that is closed


def is_alive(pid: int) -> bool:
    """Whether there is a process of this id, be it another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_as_by_ctrl_c() -> None:
    """From now on each of the `ENDING` signals is a KeyboardInterrupt: what was begun is ended on the way out.

    Also where a shell started this process in the background, which makes it ignore SIGINT.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for sent in _heeded():
        if sent is not signal.SIGINT:
            signal.signal(sent, lambda *_: signal.raise_signal(signal.SIGINT))


@contextmanager
def signals_wait() -> Iterator[None]:
    """What would end this process comes when the block is over: it can be interrupted before or after, not within."""
    came: list[int] = []
    before = {sent: signal.signal(sent, lambda number, _: came.append(number)) for sent in _heeded()}
    try:
        yield
    finally:
        for sent, handler in before.items():
            signal.signal(sent, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _heeded() -> list[signal.Signals]:
    """Those that were not ignored from the start, as `nohup` has it."""
    return [sent for sent in ENDING if signal.getsignal(sent) is not signal.SIG_IGN]
