"""Who goes first when Stripe's limit makes callers wait: customers, unless the caller says that it can wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """What is asked of Stripe within lets customers go first."""
    token = IN_BACKGROUND.set(True)
    try:
        yield
    finally:
        IN_BACKGROUND.reset(token)
