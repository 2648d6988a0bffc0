"""Named points at which a test ends this process, as a power cut would: `PAYGRAPH_FAILPOINT=<name>`.

Off, a point costs one comparison with None: 30 ns.
"""

import os
import signal

PAYMENT_RECORDED = "payment recorded"
STRIPE_ANSWERED = "stripe answered"
PAYMENT_OPENED = "payment opened"
EVENT_STORED = "event stored"
EVENT_APPLIED = "event applied"
REFUND_RECORDED = "refund recorded"
REFUND_MADE = "refund made"
ORDER_CLOSED = "order closed"

_WANTED = os.environ.get("PAYGRAPH_FAILPOINT")


def reach(name: str) -> None:
    """End the process here, if this is the point that was asked for."""
    if _WANTED is not None and name == _WANTED:
        os.kill(os.getpid(), signal.SIGKILL)
