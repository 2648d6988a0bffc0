"""Commands on a machine with another network: one of IPv6 alone, or one without it. Linux, as root."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from tests.e2e.processes import Running

TAKE_AWAY: Final = {
    "IPv6 alone": "ip addr del 127.0.0.1/8 dev lo",
    "IPv4 alone": "ip addr del ::1/128 dev lo",
}
LOOPBACK: Final = {"IPv6 alone": "::1", "IPv4 alone": "127.0.0.1"}
CURL: Final = ["curl", "--silent", "--globoff", "--output", "/dev/null", "--write-out", "%{http_code}"]


def with_network(kind: str, *command: str | Path) -> list[str]:
    """The command in a network of its own that has nothing but a loopback of this kind."""
    script = f'ip link set lo up && {TAKE_AWAY[kind]} && exec "$@"'
    return ["unshare", "--net", "sh", "-c", script, "sh", *map(str, command)]


@cache
def why_not() -> str | None:
    """Why this machine can't make such networks; None when it can."""
    if os.geteuid() != 0:
        return "needs root, for a network namespace"
    if not all(map(shutil.which, ("unshare", "nsenter", "ip", "curl"))):
        return "needs unshare, nsenter, ip and curl: apt install util-linux iproute2 curl"
    for kind in TAKE_AWAY:
        tried = subprocess.run(with_network(kind, "true"), capture_output=True, text=True, check=False)  # noqa: S603
        if tried.returncode:
            return f"can't make a network of {kind}: {tried.stderr.strip()}"
    return None


def asked(running: Running, url: str, host: str) -> int:
    """The status of the answer that its own machine gets for that Host; 0 while there is none."""
    there = ["nsenter", "--net", "--target", str(running.process.pid)]
    asking = [*there, *CURL, "--header", f"Host: {host}", url]
    return int(subprocess.run(asking, capture_output=True, text=True, check=False).stdout)  # noqa: S603  ours
