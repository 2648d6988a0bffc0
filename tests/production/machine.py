"""A bare Debian with systemd as its first process: debootstrap makes it, systemd-nspawn boots it. Needs root."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
BASE = ("systemd", "systemd-sysv", "dbus", "ca-certificates")
BOOTED = 60.0  # seconds
# How this machine reaches its package indexes; a machine without such settings has none of these.
PASSED_ON = ("PIP_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy", "no_proxy")
INDEX_CA = "root/package-index-ca.pem"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    seconds: float


@dataclass(frozen=True)
class Machine:
    """Shares this machine's network: its ports are ours."""

    root: Path
    leader: int

    def run(self, script: str) -> Ran:
        """As root, in a shell of its own that ends at the first failure."""
        began = time.monotonic()
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if "PIP_CERT" in passed:
            passed["PIP_CERT"] = f"/{INDEX_CA}"
        words = [
            *("nsenter", "--target", str(self.leader), "--all"),
            *(
                "env",
                "-i",
                "--chdir=/root",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root",
            ),
            *("LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *(f"{n}={v}" for n, v in passed.items())),
            *("/bin/bash", "-euo", "pipefail", "-c", script),
        ]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return Ran(done.returncode, done.stdout, time.monotonic() - began)

    def must(self, script: str) -> str:
        ran = self.run(script)
        assert ran.code == 0, f"{script}\nended with {ran.code}:\n{ran.out}"
        return ran.out.strip()


def bare_root(folder: Path) -> Path:
    """A Debian with nothing but systemd; made once, and kept in `folder` for the next time."""
    base = folder / "base"
    if not (base / "made").exists():
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", SUITE, base],
            check=True,
        )
        (base / "made").touch()
    root = folder / "root"
    if root.exists():
        shutil.rmtree(root)
    subprocess.run(["cp", "--archive", base, root], check=True)
    if "PIP_CERT" in os.environ:
        shutil.copy(os.environ["PIP_CERT"], root / INDEX_CA)
    return root


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """The machine while the block lasts; its processes end with it."""
    command = (
        *("systemd-nspawn", "--quiet", "--directory", str(root), "--boot", "--machine=paygraph"),
        *("--register=no", "--keep-unit", "--resolv-conf=copy-host", "--console=read-only"),
    )
    with (root.parent / "boot.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        machine = Machine(root, _leader_of(process))
        machine.must("systemctl is-system-running --wait || [ $? -le 1 ]")
        yield machine
        machine.run("systemctl poweroff")
        process.wait(BOOTED)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(BOOTED)


def _leader_of(process: subprocess.Popen[bytes]) -> int:
    """The machine's first process: the child that nspawn has once the machine is set up."""
    deadline = time.monotonic() + BOOTED
    while time.monotonic() < deadline:
        assert process.poll() is None, f"systemd-nspawn ended with {process.returncode}"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in map(int, children):
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
        time.sleep(0.1)
    raise AssertionError("the machine did not boot")
