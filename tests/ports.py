"""Ports for programs that must be told theirs, and that a test may stop and start again on the same one."""

import os
import random
import socket

# Linux gives an outgoing connection one from 32768 on, macOS from 49152: one of those may be gone by the time that
# its server comes back.
PORTS = range(20_000, 32_000)


def free_ports(count: int = 1) -> int:
    """The first of so many free ports in a row, which no other worker of this test run is given."""
    mine = _of_this_worker()
    while True:
        first = random.choice(mine[:-count])  # noqa: S311  no secret
        if all(_is_free(first + n) for n in range(count)):
            return first


def _of_this_worker() -> range:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    each = len(PORTS) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return PORTS[number * each : (number + 1) * each]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server does: one that has just been stopped leaves its closed connections behind for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
