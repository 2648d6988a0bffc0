"""How soon the event loop gets the interpreter back while another thread works."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

INTERVAL = 0.0005  # seconds; Python's own are ten times as many


@asynccontextmanager
async def short_switches() -> AsyncIterator[None]:
    """Each time the loop has slept it waits so long for its turn: a request, which sleeps some times, hardly longer."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
