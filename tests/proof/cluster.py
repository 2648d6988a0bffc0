"""A PostgreSQL that a test may restart, since the one that all tests share must go on."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.embedded_postgres import embedded_postgres
from services.operations import migrations


class Cluster:
    """A running server, and its folder."""

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        self._directory = directory

    def restart_at_once(self) -> None:
        """As after a power cut: no connection is ended in order, and the log is replayed."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        self._control("start", "-o", shlex.join(self._started_by()[1:]))

    def _started_by(self) -> list[str]:
        return shlex.split((self._directory / "postmaster.opts").read_text())

    def _control(self, *words: str) -> None:
        started_by = self._started_by()
        log = ["-l", str(self._directory / "log")]
        command = [str(Path(started_by[0]).parent / "pg_ctl"), "-D", str(self._directory), "-w", *log, *words]
        owner = self._directory.stat().st_uid
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
