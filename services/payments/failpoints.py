"""Named points at which a test ends the work in hand, as a power cut would.

`PAYGRAPH_FAILPOINT=<name>` kills this process there; `reaching` calls a test's own function. Off, a point costs one
comparison with None: 40 ns.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAYMENT_RECORDED = "payment recorded"
STRIPE_ANSWERED = "stripe answered"
PAYMENT_OPENED = "payment opened"
EVENT_STORED = "event stored"
EVENT_APPLIED = "event applied"
REFUND_RECORDED = "refund recorded"
REFUND_MADE = "refund made"
ORDER_CLOSED = "order closed"
WEBHOOK_ANSWERED = "webhook answered"
ALL = (
    PAYMENT_RECORDED,
    STRIPE_ANSWERED,
    PAYMENT_OPENED,
    EVENT_STORED,
    EVENT_APPLIED,
    REFUND_RECORDED,
    REFUND_MADE,
    ORDER_CLOSED,
    WEBHOOK_ANSWERED,
)

Hook = Callable[[str], None]


def _kill_at(wanted: str | None) -> Hook | None:
    def kill(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill if wanted else None


_hook = _kill_at(os.environ.get("PAYGRAPH_FAILPOINT"))


def reach(name: str) -> None:
    """End here, if this is the point that was asked for."""
    if _hook is not None:
        _hook(name)


@contextmanager
def reaching(hook: Hook) -> Iterator[None]:
    """Within the block `hook` is called with the name of each point that is reached."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
