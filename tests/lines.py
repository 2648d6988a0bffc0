"""Log lines, caught."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from runtime import logs


@contextmanager
def written_as(style: str, level: str = "DEBUG") -> Iterator[StringIO]:
    """What is written by a process configured like this; afterwards this process is as it was."""
    root = logging.getLogger()
    requests = logging.getLogger("paygraph.requests")
    handlers, before, told = root.handlers[:], root.level, requests.handlers[:]
    lines = StringIO()
    logs.configure(level, style, to=lines)
    try:
        yield lines
    finally:
        root.handlers[:], root.level, requests.handlers[:] = handlers, before, told
